// Searches the model from the command line: `npm run model -- [--states N] [--scope TEXT] [--counts] [--bugs]`.
// Must not know anything about the protocol.
import { parseArgs } from "node:util";
import { checkLiveness } from "./liveness.ts";
import { PLANTED_BUGS } from "./planted.ts";
import { withBug } from "./planted-bug.ts";
import { STANDARD } from "./protocol.ts";
import type { Scope } from "./scope.ts";
import { SCOPES } from "./scopes.ts";
import { type SearchResult, search } from "./search.ts";
import { describePath, describeTrace } from "./trace.ts";
import { World } from "./world.ts";

const DEFAULT_STATES = "2000000";

const { values } = parseArgs({
  options: {
    states: { type: "string", default: DEFAULT_STATES },
    scope: { type: "string", default: "" },
    counts: { type: "boolean", default: false },
    bugs: { type: "boolean", default: false },
  },
});
const statesMax = parseStates(values.states);

if (values.bugs) showBugs();
else searchAll();

/** Each scope until it is exhausted or has met that many states. */
function searchAll(): void {
  let total = 0;
  for (const scope of SCOPES.filter(({ name }) => name.includes(values.scope))) total += searchOne(scope);
  console.log(`${total} states in all`);
}

function searchOne(scope: Scope): number {
  const before = process.cpuUsage().user;
  const result = search(new World(scope, STANDARD), { statesMax });
  const seconds = (process.cpuUsage().user - before) / 1e6;
  const end = result.isComplete ? "exhausted" : "stopped";
  console.log(`${scope.name}: ${result.states} states, ${result.steps} steps, depth ${result.depth}, ${end}`);
  console.log(`  ${Math.round(result.states / seconds)} states/s`);
  if (result.violation !== null) {
    console.log(describeTrace(result, result.violation));
    process.exitCode = 1;
  }
  endAll(result);
  for (const [name, count] of values.counts ? result.world.coverage.entries() : []) {
    console.log(`${String(count).padStart(12)} ${name}`);
  }
  return result.states;
}

function endAll(result: SearchResult): void {
  const { situations, runs, stepsMax, failure } = checkLiveness(result);
  console.log(`  ${situations} situations, ended in ${runs} runs of at most ${stepsMax} steps`);
  if (failure === null) return;
  console.log(failure.findings.map(({ invariant, detail }) => `${invariant}: ${detail}`).join("\n"));
  console.log(describePath(result, failure.index));
  process.exitCode = 1;
}

function showBugs(): void {
  for (const bug of PLANTED_BUGS) {
    const result = search(new World(bug.scope, withBug(bug)), { statesMax });
    console.log(`\n${bug.name}: ${bug.why}; ${result.states} states`);
    console.log(result.violation === null ? "NOT CAUGHT" : describeTrace(result, result.violation));
    if (result.violation === null) process.exitCode = 1;
  }
}

function parseStates(text: string): number {
  const states = Number(text);
  if (Number.isSafeInteger(states) && states > 0) return states;
  throw new RangeError(`--states: expected a whole number of at least 1, got "${text}"`);
}
