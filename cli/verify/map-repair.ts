/**
 * Puts the map right where it names another shard than the owner of all slots of a prefix, which is what a runner leaves that dies
 * between the last decision and the map. It must not touch what a live move holds: that move publishes by itself.
 */
import type { CollectionConfig } from "../../config/config.ts";
import { nextVersion, type ShardId, type SlotId } from "../../router/ids.ts";
import { type MoveRequest, planMove } from "../../router/plan.ts";
import { prefixesOf, prefixOfSlot, slotsOfPrefix } from "../../router/slot.ts";
import { CliFailure } from "../failure.ts";
import { demandMap, type Operator, rulesOf } from "../operator.ts";

/** Publishes the owners of these slots. Resolves to the new version; null when no whole prefix has one owner. */
export async function repairMap(
  operator: Operator,
  collection: CollectionConfig,
  owners: ReadonlyMap<SlotId, ShardId>,
): Promise<number | null> {
  const map = await demandMap(operator, collection.name);
  const version = nextVersion(map.version);
  let ranges = map.ranges;
  for (const { start, end, to } of joined(wholePrefixes(collection, owners))) {
    const plan = planMove({ ...map, ranges }, { start, end, to }, rulesOf(operator, collection));
    if (plan.ok) ranges = plan.value.next.ranges;
  }
  if (ranges === map.ranges) return null;
  const outcome = await operator.catalog.publish({ ...map, version, parent: map.version, ranges }, operator.author());
  if (outcome.kind === "published") return version;
  throw new CliFailure("the map has changed meanwhile", { hint: "run the same command again" });
}

/** Stripes of one prefix share their entry in the map, so all of them have to have the same owner. */
function wholePrefixes({ placement }: CollectionConfig, owners: ReadonlyMap<SlotId, ShardId>): readonly MoveRequest[] {
  const prefixes = prefixesOf(placement);
  return [...new Set([...owners.keys()].map((slot) => prefixOfSlot(placement, slot)))].flatMap((prefix) => {
    const [first, ...others] = slotsOfPrefix(placement, prefix).map((slot) => owners.get(slot));
    if (first === undefined || others.some((owner) => owner !== first)) return [];
    const place = prefixes.indexOf(prefix);
    return [{ start: place === 0 ? "" : prefix, end: prefixes[place + 1] ?? null, to: first }];
  });
}

/** Neighbours of one owner become one range, so that the map is not cut more than it has to be. */
function joined(requests: readonly MoveRequest[]): readonly MoveRequest[] {
  const ranges: MoveRequest[] = [];
  for (const request of requests) {
    const last = ranges.at(-1);
    if (last?.end === request.start && last.to === request.to)
      ranges[ranges.length - 1] = { ...last, end: request.end };
    else ranges.push(request);
  }
  return ranges;
}
