// The checker of one key: what it lets pass, what it finds, and that it agrees with trying everything.
// Must not need a server.
import { describe, expect, it } from "vitest";
import { checkRegister } from "../../history/check-register.ts";
import type { Operation } from "../../history/operation.ts";
import { createRandom, type Random } from "../../history/random.ts";
import { growthOf, LINEAR_GROWTH_MAX } from "../growth.ts";
import { SEED } from "../seed.ts";
import { isExplainable } from "./brute-force.ts";
import { bentHistory, nonsenseHistory } from "./nonsense-history.ts";
import { PLANTED } from "./planted-faults.ts";
import { simulate } from "./simulated-history.ts";

const isAccepted = (operations: readonly Operation[]): boolean => checkRegister(operations).kind === "linearisable";

const textOf = (operations: readonly Operation[]): string => operations.map((one) => JSON.stringify(one)).join("\n");

/** Runs with a seed each, which a failure names. */
function forSeeds(runs: number, body: (random: Random, seed: number) => void): void {
  for (let run = 0; run < runs; run += 1) body(createRandom(SEED + run), SEED + run);
}

describe("a history that a register made", () => {
  it.each([
    { name: "of one client", clients: 1, operations: 300, lost: 0, writes: 0.5 },
    { name: "of many clients", clients: 16, operations: 300, lost: 0, writes: 0.5 },
    { name: "with lost answers", clients: 8, operations: 200, lost: 0.1, writes: 0.5 },
    { name: "with little but lost answers", clients: 8, operations: 150, lost: 0.6, writes: 0.7 },
    { name: "of writes only", clients: 12, operations: 200, lost: 0.05, writes: 1 },
  ])("$name passes", (options) => {
    forSeeds(60, (random, seed) => {
      const { operations } = simulate(random, options);
      const verdict = checkRegister(operations);
      expect(verdict, `seed ${seed}`).toMatchObject({ kind: "linearisable" });
    });
  });
});

describe.each(PLANTED)("$name", ({ lost, plant }) => {
  it("is found wherever it is planted, and the history without it passes", () => {
    forSeeds(60, (random, seed) => {
      const options = { clients: 6, operations: 60, lost, writes: 0.5 };
      const simulation = simulate(random, options);
      expect(isAccepted(simulation.operations), `before planting, seed ${seed}`).toBe(true);
      plant(simulation, random);
      const verdict = checkRegister(simulation.operations);
      expect(verdict.kind, `seed ${seed}`).toBe("violation");
    });
  });
});

describe("agreement with trying every order", () => {
  it.each([
    { name: "of three operations", size: 3, runs: 4000 },
    { name: "of five operations", size: 5, runs: 4000 },
    { name: "of seven operations", size: 7, runs: 1500 },
  ])("on random histories $name", ({ size, runs }) => {
    let accepted = 0;
    forSeeds(runs, (random, seed) => {
      const operations = nonsenseHistory(random, size);
      const expected = isExplainable(operations);
      accepted += expected ? 1 : 0;
      if (isAccepted(operations) !== expected) expect.fail(`seed ${seed}: expected ${expected}\n${textOf(operations)}`);
    });
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(runs);
  });

  it("on right histories with one answer bent", () => {
    let accepted = 0;
    forSeeds(4000, (random, seed) => {
      const { operations } = simulate(random, { clients: 4, operations: 4 + (seed % 5), lost: 0.2, writes: 0.7 });
      const bent = bentHistory(random, operations);
      const expected = isExplainable(bent);
      accepted += expected ? 1 : 0;
      if (isAccepted(bent) !== expected) expect.fail(`seed ${seed}: expected ${expected}\n${textOf(bent)}`);
    });
    expect(accepted).toBeGreaterThan(1000);
    expect(accepted).toBeLessThan(3000);
  });
});

describe("effort", () => {
  it("grows with the operations on one key, not with their square, unknown outcomes among them", () => {
    const prepare = (operations: number) =>
      simulate(createRandom(SEED), { clients: 24, operations, lost: 0.02, writes: 0.5 }).operations;
    const work = (operations: ReturnType<typeof prepare>): void =>
      expect(checkRegister(operations)).toMatchObject({ kind: "linearisable" });
    expect(growthOf(2000, { prepare, work })).toBeLessThan(LINEAR_GROWTH_MAX);
  });

  it("has a bound: beyond it the verdict is too-complex, not a guess", () => {
    const { operations } = simulate(createRandom(SEED), { clients: 8, operations: 500, lost: 0, writes: 0.5 });
    expect(checkRegister(operations, 20).kind).toBe("too-complex");
  });
});

describe("a violation", () => {
  it("names the answer that cannot be, what else could have been, and the operations around it", () => {
    const put = (op: string, startNs: number): Operation => ({
      id: `put ${op}`,
      process: "c1",
      key: "lamp",
      startNs,
      endNs: startNs + 5,
      isKeyed: true,
      request: { kind: "put", condition: { kind: "none" }, ops: [op] },
      result: { kind: startNs === 0 ? "created" : "replaced", op },
    });
    const read = (op: string, startNs: number): Operation => ({
      id: `read ${op}`,
      process: "c2",
      key: "lamp",
      startNs,
      endNs: startNs + 5,
      isKeyed: false,
      request: { kind: "read" },
      result: { kind: "found", op },
    });
    const verdict = checkRegister([
      put("a", 0),
      put("b", 10),
      read("b", 20),
      read("a", 30),
      read("b", 40),
      put("c", 50),
    ]);
    expect(verdict).toMatchObject({
      kind: "violation",
      violation: { key: "lamp", operation: { id: "read a" }, answered: 4, possibleStates: ["b"] },
    });
  });
});
