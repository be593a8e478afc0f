/**
 * Publishes in the map what a move has brought over. Only a hint for edges: the slots' own columns are right without it.
 * It must not publish a part of a prefix.
 */
import { nextVersion } from "../../router/ids.ts";
import { planMove } from "../../router/plan.ts";
import type { KeyRange } from "../../router/range.ts";
import type { MapRules, ShardMap } from "../../router/shard-map.ts";
import { prefixesOf } from "../../router/slot.ts";
import type { Author, Catalog, MoveIntent } from "../catalog/port.ts";

/** What publishing stands on. */
export interface PublicationOptions {
  readonly catalog: Pick<Catalog, "current" | "publish">;
  readonly rules: MapRules;
  /** An author with a fresh writer token at each call. */
  readonly author: () => Author;
}

/** Others publish rarely; somebody who always comes first is no accident. */
const ATTEMPTS_MAX = 20;

/**
 * Gives `prefixes` to the move's destination in the current map, again when somebody else has published meanwhile. Rejects with
 * `CatalogError`, or with an `Error` when the map cannot be changed so.
 */
export async function publishMoved(
  { catalog, rules, author }: PublicationOptions,
  move: MoveIntent,
  prefixes: ReadonlySet<string>,
): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const current = await catalog.current(move.collection);
    if (current === null) throw new Error(`the catalog has no map of ${move.collection}`);
    const next = mapAfter(current, rangesOf(prefixes, rules), { to: move.to, rules });
    if (next === null) return;
    const outcome = await catalog.publish(next, author());
    if (outcome.kind === "published") return;
  }
  throw new Error(`the map of ${move.collection} changed ${ATTEMPTS_MAX} times while it was to be published`);
}

/** The next version, or null when the map says so already. */
function mapAfter(
  current: ShardMap,
  ranges: readonly KeyRange[],
  { to, rules }: Pick<MoveIntent, "to"> & Pick<PublicationOptions, "rules">,
): ShardMap | null {
  let map = current;
  for (const range of ranges) {
    const plan = planMove(map, { ...range, to }, rules);
    if (plan.ok) map = { ...map, ranges: plan.value.next.ranges };
    else if (plan.reason !== "NOTHING_TO_MOVE") throw new Error(plan.detail);
  }
  if (map === current) return null;
  return { ...map, version: nextVersion(current.version), parent: current.version };
}

/** Neighbouring prefixes as one range. */
function rangesOf(prefixes: ReadonlySet<string>, { placement }: MapRules): readonly KeyRange[] {
  const all = prefixesOf(placement);
  const ranges: { start: string; end: string | null }[] = [];
  for (const [index, prefix] of all.entries()) {
    if (!prefixes.has(prefix)) continue;
    const start = index === 0 ? "" : prefix;
    const end = all[index + 1] ?? null;
    const last = ranges.at(-1);
    if (last?.end === prefix) last.end = end;
    else ranges.push({ start, end });
  }
  return ranges;
}
