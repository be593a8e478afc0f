// The model finds what it has to find: every planted bug, by a trace of the length that is written down, and stuck runners.
import { describe, expect, it } from "vitest";
import { INVARIANTS } from "../../router/move-invariants.ts";
import { checkLiveness } from "./liveness.ts";
import { PLANTED_BUGS } from "./planted.ts";
import { withBug } from "./planted-bug.ts";
import { search } from "./search.ts";
import { SECOND_LOCKS, STUCK_RUNNERS } from "./second-locks.ts";
import { describeTrace, traceLength } from "./trace.ts";
import { World } from "./world.ts";

const STATES_MAX = 400_000;

describe("planted bugs", () => {
  it.each(PLANTED_BUGS)("$name breaks $breaks in $steps steps: $why", (bug) => {
    const result = search(new World(bug.scope, withBug(bug)), { statesMax: STATES_MAX });
    if (result.violation === null) throw new Error(`not caught in ${result.states} states`);
    console.info(`${bug.name}: ${result.states} states, then\n${describeTrace(result, result.violation)}`);
    expect(result.violation.findings.map(({ invariant }) => invariant)).toContain(bug.breaks);
    expect(traceLength(result, result.violation)).toBe(bug.steps);
  });

  it("does not find them in the same worlds without the bug", () => {
    const worlds = PLANTED_BUGS.map(({ scope }) =>
      search(new World(scope, withBug({ change: {} })), { statesMax: STATES_MAX }),
    );
    expect(worlds.filter(({ violation }) => violation !== null)).toEqual([]);
  });

  it("has bugs for the invariants that a bug can break", () => {
    const broken = new Set<string>(PLANTED_BUGS.map(({ breaks }) => breaks));
    const others = Object.keys(INVARIANTS).filter((invariant) => !broken.has(invariant));
    expect(others).toEqual(FOUND_OTHERWISE);
  });
});

/** I10 has its own bugs below. */
const FOUND_OTHERWISE = ["I10"];

describe("second locks", () => {
  it.each(SECOND_LOCKS)("$name breaks nothing: $why", (bug) => {
    const result = search(new World(bug.scope, withBug(bug)), { statesMax: STATES_MAX });
    expect(result.violation === null ? "" : describeTrace(result, result.violation)).toBe("");
    expect(result.isComplete).toBe(true);
  });
});

describe("stuck runners", () => {
  it.each(STUCK_RUNNERS)("$name is found: $why", (bug) => {
    const result = search(new World(bug.scope, withBug(bug)), { statesMax: STATES_MAX });
    const findings = checkLiveness(result).failure?.findings ?? [];
    expect(findings.map(({ invariant }) => invariant)).toContain("I10");
  });
});
