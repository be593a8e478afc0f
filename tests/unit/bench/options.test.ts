// The bench's command line. Must not start anything.
import { describe, expect, it } from "vitest";
import { pooled } from "../../../bench/measurement.ts";
import { parseBenchOptions, UsageError } from "../../../bench/options.ts";

const KNOWN = { embedded: ["routing"], cassandra: ["cassandra-get"], moves: ["move-rate", "move-size"] };

describe("the bench's options", () => {
  it("take the suite of moves by its name, with its own settings' defaults", () => {
    const { names, settings, productsFile } = parseBenchOptions(["moves"], KNOWN);
    expect(names).toEqual(KNOWN.moves);
    expect(settings).toMatchObject({ cutovers: 200, rowsMax: 1_000_000 });
    expect(productsFile).toBeNull();
  });

  it("take products, cutovers and the largest range", () => {
    const args = ["move-size", "--products", "some.tsv.gz", "--cutovers", "20", "--rows-max", "1000"];
    const { names, settings, productsFile } = parseBenchOptions(args, KNOWN);
    expect(names).toEqual(["move-size"]);
    expect(settings).toMatchObject({ cutovers: 20, rowsMax: 1000 });
    expect(productsFile).toBe("some.tsv.gz");
  });

  it("keep a baseline of moves", () => {
    expect(parseBenchOptions(["moves", "--baseline"], KNOWN).baseline).toEqual({ kind: "keep", suite: "moves" });
  });

  it.each([
    ["no cutover", ["--cutovers", "0"], /--cutovers: expected a whole number from 1/],
    ["fewer rows than the smallest range has", ["--rows-max", "99"], /--rows-max: expected a whole number from 100/],
    ["more rows than there are slots for", ["--rows-max", "1000001"], /to 1000000, got "1000001"/],
  ])("refuse %s", (_name, args, message) => {
    expect(() => parseBenchOptions(args, KNOWN)).toThrow(UsageError);
    expect(() => parseBenchOptions(args, KNOWN)).toThrow(message);
  });
});

it("a pooled figure is a percentile of all runs together; its spread is that of the runs", () => {
  const subject = { name: "pause", unit: "ms", target: { relation: "at most", bound: 50 } } as const;
  const runs = [[1, 2, 3], [], [4, 100]];
  expect(pooled(subject, { label: "pause", runs, share: 0.5, failures: 2 })).toMatchObject({
    value: 3,
    spread: { low: 2, high: 4 },
    reached: true,
    zgate: { failures: 2 },
  });
  expect(pooled(subject, { label: "pause", runs, share: 1, failures: 0 })).toMatchObject({
    value: 100,
    reached: false,
  });
});
