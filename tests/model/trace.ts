// A counterexample for people: every step on the way to a violation, and the columns after each.
// Must not search.
import { describeContent } from "./content.ts";
import type { SearchResult, Violation } from "./search.ts";
import { successors } from "./successors.ts";
import type { World } from "./world.ts";

/** How many steps lead to the violation, the breaking one included. */
export function traceLength({ store }: SearchResult, violation: Violation): number {
  let steps = 1;
  for (let at = violation.parent; store.parentOf(at) >= 0; at = store.parentOf(at)) steps += 1;
  return steps;
}

/** The trace as lines. */
export function describeTrace(result: SearchResult, violation: Violation): string {
  const { world, store } = result;
  const way = describePath(result, violation.parent);
  const breaking = `${String(traceLength(result, violation)).padStart(3)} ${violation.name}: ${violation.detail}`;
  const found = violation.findings.map(({ invariant, detail }) => `    ${invariant} is broken: ${detail}`);
  const after = describeShards(world, violation.state, store.read(violation.parent));
  return [way, `${breaking}${after}`, ...found].join("\n");
}

/** The shortest way to a state, as lines. */
export function describePath({ world, store }: SearchResult, index: number): string {
  const path: Int32Array[] = [];
  for (let at = index; at >= 0; at = store.parentOf(at)) path.unshift(store.read(at));
  return path
    .map((state, step) => {
      const before = path[step - 1];
      if (before === undefined) return `   start${describeShards(world, state, null)}`;
      return describeStep(world, { before, after: state, index: step });
    })
    .join("\n");
}

interface Hop {
  readonly before: Int32Array;
  readonly after: Int32Array;
  readonly index: number;
}

function describeStep(world: World, { before, after, index }: Hop): string {
  let line = "(a step that is not found again)";
  successors(world, before, (next, { name, detail }) => {
    if (next.every((value, at) => value === after[at])) line = `${name}: ${detail()}`;
  });
  return `${String(index).padStart(3)} ${line}${describeShards(world, after, before)}`;
}

/** Shards that are not as they were. */
function describeShards(world: World, state: Int32Array, before: Int32Array | null): string {
  return world.shards
    .flatMap((name, shard) => {
      const content = world.layout.content + shard;
      if (before !== null && before[shard] === state[shard] && before[content] === state[content]) return [];
      const { state: own, epoch, move, run, to, digest } = world.ownership(state, shard);
      const columns = [own, epoch, move, run, to === null ? null : `other=${to}`, digest].filter(
        (part) => part !== null,
      );
      return [`\n      ${name}: ${columns.join(" ")}; ${describeContent(world.schema, world.content(state, shard))}`];
    })
    .join("");
}
