/**
 * What must hold of what was written, told, believed and left in the end: each invariant as a named predicate over plain descriptions.
 * Whoever asks knows what has really happened, as a test does and nobody in production can. They must not repair anything.
 */
import type { SlotId } from "./ids.ts";
import { type Finding, finding, NO_FINDINGS, type SlotCopy } from "./move-invariants.ts";
import type { RouteHints } from "./route-hints.ts";

/**
 * A write, and what has become of it until now. `isKeyed`: a record is kept of it. `isRefused`: somebody was told that it was not
 * applied, and will not be. `name` is for people.
 */
export interface WriteHistory {
  readonly name: string;
  readonly isKeyed: boolean;
  readonly isApplied: boolean;
  readonly isRefused: boolean;
}

/** I4 for a write that somebody is told of. */
export function answerIsTrue(
  { name, isApplied }: Pick<WriteHistory, "name" | "isApplied">,
  told: "applied" | "refused",
): readonly Finding[] {
  return isApplied === (told === "applied") ? NO_FINDINGS : [finding("I4", `${name} is told to be ${told}`)];
}

/** I4 for a write that is about to be applied. */
export function refusalIsFinal({ name, isRefused }: Pick<WriteHistory, "name" | "isRefused">): readonly Finding[] {
  return isRefused ? [finding("I4", `${name} is applied after it was refused`)] : NO_FINDINGS;
}

/** I5 for a write that is about to be applied. */
export function appliedOnce({ name, isApplied }: Pick<WriteHistory, "name" | "isApplied">): readonly Finding[] {
  return isApplied ? [finding("I5", `${name} is applied a second time`)] : NO_FINDINGS;
}

/** I6 for what a read shows of a key. Equal values, equal rows. */
export function readIsTrue(shown: string | number, applied: string | number | undefined): readonly Finding[] {
  return shown === applied ? NO_FINDINGS : [finding("I6", `a read shows ${shown}, applied was ${applied}`)];
}

/** I8 for a write that reaches an owner, or is sent on by a 421. */
export function sentOnce({ name, isKeyed, isApplied }: Omit<WriteHistory, "isRefused">): readonly Finding[] {
  return !isKeyed && isApplied ? [finding("I8", `${name} is sent again after it was applied`)] : NO_FINDINGS;
}

/** I9 for one edge at two moments. It holds as long as the edge knows fewer slots than it remembers. */
export function hintsGoForward(before: RouteHints, after: RouteHints): readonly Finding[] {
  if (versionOf(after) < versionOf(before)) {
    return [finding("I9", `an edge goes from map ${versionOf(before)} back to ${versionOf(after)}`)];
  }
  for (const slot of before.learned.keys()) if (isBehind(slot, before, after)) return [wentBack(slot, before, after)];
  for (const slot of before.settled.keys()) if (isBehind(slot, before, after)) return [wentBack(slot, before, after)];
  return NO_FINDINGS;
}

function isBehind(slot: SlotId, before: RouteHints, after: RouteHints): boolean {
  return epochOf(after, slot) < epochOf(before, slot);
}

function wentBack(slot: SlotId, before: RouteHints, after: RouteHints): Finding {
  return finding("I9", `an edge goes from epoch ${epochOf(before, slot)} of ${slot} back to ${epochOf(after, slot)}`);
}

function versionOf({ map }: RouteHints): number {
  return map?.version ?? 0;
}

/** The epoch that an edge goes by, whether it was learned or a map has caught up with it. */
function epochOf({ learned, settled }: RouteHints, slot: SlotId): number {
  return learned.get(slot)?.epoch ?? settled.get(slot) ?? 0;
}

/** I10 for a slot whose moves have come to their end. */
export function endsWithOneOwner(copies: readonly Pick<SlotCopy, "shard" | "ownership">[]): readonly Finding[] {
  let [owners, open] = [0, 0];
  for (const { ownership } of copies) {
    if (ownership.state === "OWNER") owners += 1;
    if (ownership.state === "FENCED" || ownership.state === "RECEIVING") open += 1;
  }
  if (owners === 1 && open === 0) return NO_FINDINGS;
  const ends = copies.map(({ shard, ownership: { state, epoch } }) => `${state} at epoch ${epoch} at ${shard}`);
  return [finding("I10", `a slot ends as ${ends.join(", ")}`)];
}

/** I10 for what should have come to its end by now. `open`: what has not, for people: moves, and whoever waits. */
export function everythingEnds(open: readonly string[]): readonly Finding[] {
  return open.length === 0 ? NO_FINDINGS : [finding("I10", `no end of ${open.join(", ")}`)];
}

/** I16 for one row of an owner. `applied`: what clients' writes have left there. Equal values, equal rows; null for none. */
export function rowIsAsApplied(
  name: string,
  there: string | number | null,
  applied: string | number | null,
): readonly Finding[] {
  return there === applied
    ? NO_FINDINGS
    : [finding("I16", `an owner has ${there} under ${name}, applied was ${applied}`)];
}
