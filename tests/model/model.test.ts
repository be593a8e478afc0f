// The protocol in every situation of several small worlds: no invariant is ever broken, and every state can be ended.
// Counts are printed. A violation fails with its shortest trace.
import { describe, expect, it } from "vitest";
import { Coverage } from "./coverage.ts";
import { EXPECTED } from "./expected-coverage.ts";
import { checkLiveness } from "./liveness.ts";
import { STANDARD } from "./protocol.ts";
import type { Scope } from "./scope.ts";
import { SCOPES, UNFORGOTTEN } from "./scopes.ts";
import { type SearchResult, search } from "./search.ts";
import { describePath, describeTrace } from "./trace.ts";
import { World } from "./world.ts";

/** Least that all searches together have to meet, and most that one of them may. */
const [STATES_MIN, STATES_MAX] = [2_000_000, 700_000];

const coverage = new Coverage();
let statesInAll = 0;

describe.each(SCOPES)("$name", (scope) => {
  it("breaks no invariant, and every state is ended by resume and by abort", () => {
    const result = searched(scope);
    statesInAll += result.states;
    coverage.addAll(result.world.coverage.entries());
    const liveness = checkLiveness(result);
    console.info(
      `  ${liveness.situations} situations ended in ${liveness.runs} runs of at most ${liveness.stepsMax} steps`,
    );
    const { failure } = liveness;
    const unended = failure === null ? [] : [...failure.findings, describePath(result, failure.index)];
    expect(unended).toEqual([]);
  });
});

describe("all searches together", () => {
  it(`meet at least ${STATES_MIN} distinct states`, () => {
    console.info(`${statesInAll} distinct states in all`);
    expect(statesInAll).toBeGreaterThanOrEqual(STATES_MIN);
  });

  it("see everything that can happen really happen", () => {
    expect(EXPECTED.filter((name) => coverage.of(name) === 0)).toEqual([]);
  });
});

describe("forgetting what can have no effect any more", () => {
  const kept = search(new World(UNFORGOTTEN, { ...STANDARD, forgets: () => false }), { statesMax: STATES_MAX });
  const forgotten = search(new World(UNFORGOTTEN, STANDARD), { statesMax: STATES_MAX });

  it("leads to the same columns and rows as remembering it", () => {
    expect([kept.isComplete, forgotten.isComplete, kept.violation, forgotten.violation]).toEqual([
      true,
      true,
      null,
      null,
    ]);
    console.info(`${kept.states} states with everything remembered, ${forgotten.states} without`);
    expect(kept.states).toBeGreaterThan(forgotten.states);
    expect(picturesOf(kept)).toEqual(picturesOf(forgotten));
  });

  it("was tried with every statement arriving too late or twice", () => {
    const kinds = ["begin", "take-over", "fence", "seal", "go", "decide", "abort", "restore", "page", "clean-up"];
    expect(kinds.filter((kind) => kept.world.coverage.of(`${kind} arrives without effect`) === 0)).toEqual([]);
  });
});

function searched(scope: Scope): SearchResult {
  const before = process.cpuUsage().user;
  const result = search(new World(scope, STANDARD), { statesMax: STATES_MAX });
  const seconds = (process.cpuUsage().user - before) / 1e6;
  const end = result.isComplete ? "exhausted" : "stopped";
  const rate = Math.round(result.states / seconds);
  console.info(
    `${result.states} states, ${result.steps} steps, depth ${result.depth}, ${end}, ${rate} states/s: ${scope.name}`,
  );
  expect(result.violation === null ? "" : describeTrace(result, result.violation)).toBe("");
  return result;
}

/** Columns, rows and what really happened: all that anybody can ever see of a state. */
function picturesOf({ world, store }: SearchResult): ReadonlySet<string> {
  const pictures = new Set<string>();
  for (let index = 0; index < store.size; index += 1) {
    const state = store.read(index);
    const { copies } = world.picture(state);
    const columns = copies.map(({ ownership, content }) => `${Object.values(ownership).join()}:${content}`);
    pictures.add(`${columns.join(" ")} ${JSON.stringify([world.truth(state), world.catalog(state)])}`);
  }
  return pictures;
}
