// What a node is told before it starts. Must not start one.
import { describe, expect, it, test } from "vitest";
import { type CassandraPlan, cassandraProgram, configuration } from "../../../engines/cassandra-program.ts";

function plan(index: number, nodes: number): CassandraPlan {
  const ports = { cql: 21_042, storage: 21_000, jmx: [21_199, 21_200, 21_201] };
  return {
    index,
    nodes,
    ports,
    directory: "/data/a b",
    logFile: "/data/log",
    java: "/bin/java",
    lib: "/lib",
    settings: {},
    compiles: "late",
  };
}

function tokens(index: number, nodes: number): readonly bigint[] {
  return String(configuration(plan(index, nodes))["initial_token"])
    .split(",")
    .map(BigInt);
}

describe("a cluster", () => {
  it.each([1, 2, 3])("of %i divides the ring in equal parts, dealt out in turn", (nodes) => {
    const owned = Array.from({ length: nodes }, (_, index) => tokens(index, nodes).map((token) => ({ token, index })))
      .flat()
      .toSorted((a, b) => (a.token < b.token ? -1 : 1));
    const part = 2n ** 64n / BigInt(owned.length);
    const gaps = owned.slice(1).map(({ token }, at) => token - (owned[at]?.token ?? 0n) - part);
    expect(gaps.every((difference) => difference >= 0n && difference <= 1n)).toBe(true);
    expect(owned.map(({ index }) => index)).toEqual(owned.map((_, at) => at % nodes));
  });

  it("has one port for all nodes, each at an address of its own, and seeds that all know", () => {
    const nodes = [0, 1, 2].map((index) => configuration(plan(index, 3)));
    expect(nodes.map((node) => node["rpc_address"])).toEqual(["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    expect(new Set(nodes.map((node) => node["native_transport_port"])).size).toBe(1);
    expect(new Set(nodes.map((node) => JSON.stringify(node["seed_provider"]))).size).toBe(1);
  });
});

describe("a node", () => {
  it("acknowledges nothing that is not on the disk, and keeps its data below its directory", () => {
    const settings = configuration(plan(0, 1));
    expect(["batch", "group"]).toContain(settings["commitlog_sync"]);
    expect(settings["paxos_variant"]).toBe("v2");
    expect(settings["commitlog_directory"]).toBe("/data/a b/data/commitlog");
    expect(settings["auto_snapshot"]).toBeUndefined();
  });

  it("finds its configuration where a path has spaces", () => {
    expect(cassandraProgram(plan(0, 1)).args).toContain("-Dcassandra.config=file:///data/a%20b/conf/cassandra.yaml");
  });

  it("of a fourth address is refused", () => {
    expect(() => configuration(plan(3, 4))).toThrow("there is no node 4");
  });
});

test.each([
  ["late", true],
  ["soon", false],
] as const)("a compiler that sets in %s", (compiles, isLate) => {
  const { args } = cassandraProgram({ ...plan(0, 1), compiles });
  expect(args.some((argument) => argument.startsWith("-XX:Tier4"))).toBe(isLate);
});
