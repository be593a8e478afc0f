// What a chaos run is asked for. Must not start one.
import { describe, expect, it } from "vitest";
import { PROFILES } from "../../chaos/chaos-profile.ts";
import { readChaosOptions } from "../../chaos/run-options.ts";

describe("the options of a chaos run", () => {
  it("are SQLite, real edges and a seed of its own, unless the environment says otherwise", () => {
    const { minutes } = PROFILES.sqlite;
    expect(readChaosOptions({})).toMatchObject({ store: "sqlite", edges: "real", minutes });
    const environment = { ZGATE_SEED: "7", ZGATE_CHAOS_MINUTES: "2.5", ZGATE_CHAOS_EDGES: "none" };
    expect(readChaosOptions(environment)).toEqual({ seed: 7, minutes: 2.5, store: "sqlite", edges: "none" });
  });

  it("have minutes of their own on Cassandra", () => {
    const environment = { ZGATE_CHAOS_STORE: "cassandra", ZGATE_CHAOS_MINUTES: "60" };
    expect(readChaosOptions(environment).minutes).toBe(PROFILES.cassandra.minutes);
    expect(readChaosOptions({ ...environment, ZGATE_CHAOS_CASSANDRA_MINUTES: "3" }).minutes).toBe(3);
  });

  it.each([{ ZGATE_CHAOS_STORE: "mysql" }, { ZGATE_CHAOS_EDGES: "yes" }, { ZGATE_CHAOS_MINUTES: "long" }])(
    "are refused when they make no sense: %o",
    (environment) => {
      expect(() => readChaosOptions(environment)).toThrow(Object.keys(environment)[0]);
    },
  );
});
