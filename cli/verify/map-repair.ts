/**
 * Puts the map right where it names another shard than the owner of all slots of a prefix, which is what a runner leaves that dies
 * between the last decision and the map. It must not touch what a live move holds, which publishes by itself, nor go by a map that is
 * not the current one any more.
 */
import type { CollectionConfig } from "../../config/config.ts";
import { type MapVersion, nextVersion, type ShardId, type SlotId } from "../../router/ids.ts";
import { type MoveRequest, planMove } from "../../router/plan.ts";
import { contains } from "../../router/range.ts";
import type { MapRange, MapRules, ShardMap } from "../../router/shard-map.ts";
import { prefixesOf, prefixOfSlot, slotsOfPrefix } from "../../router/slot.ts";
import type { Move } from "../../shards/catalog/port.ts";
import { shortId } from "../moves/find-move.ts";
import { liveMovesOf } from "../moves/live-moves.ts";
import { demandMap, type Operator, rulesOf } from "../operator.ts";

/** A slot that has another owner than that version of the map says. */
export interface LateSlot {
  readonly slot: SlotId;
  readonly owner: ShardId;
  readonly version: MapVersion;
}

/** Why a slot was left out: its map is not the current one any more, a live move holds it, or it cannot be put right by itself. */
export interface LeftOut {
  readonly kind: "changed" | "held" | "refused";
  readonly detail: string;
}

/** `version`: the one that was published, null when none was. `left`: slots that it does not put right. */
export interface Repair {
  readonly version: MapVersion | null;
  readonly left: ReadonlyMap<SlotId, LeftOut>;
}

/** Publishes the owners of these slots, as far as the map that does not name them is the current one still. */
export async function repairMap(
  operator: Operator,
  collection: CollectionConfig,
  late: readonly LateSlot[],
): Promise<Repair> {
  const map = await demandMap(operator, collection.name);
  // After the map: a move that ends in between publishes another version, and this one is refused.
  const live = await liveMovesOf(operator.catalog, collection.name);
  const left = new Map<SlotId, LeftOut>();
  const fresh = late.filter(({ version }) => version === map.version);
  for (const { slot, version } of late) if (version !== map.version) left.set(slot, changed(map));
  const requests = wholePrefixes(collection, { fresh, live, left });
  const ranges = withOwners(map, joined(requests), rulesOf(operator, collection));
  if (ranges === map.ranges) return { version: null, left };
  const version = nextVersion(map.version);
  const outcome = await operator.catalog.publish({ ...map, version, parent: map.version, ranges }, operator.author());
  if (outcome.kind === "published") return { version, left };
  for (const { slot } of fresh) left.set(slot, left.get(slot) ?? changed(outcome.current));
  return { version: null, left };
}

function changed({ version }: ShardMap): LeftOut {
  return { kind: "changed", detail: `the map has changed meanwhile: it is at version ${version} now` };
}

function withOwners(map: ShardMap, requests: readonly MoveRequest[], rules: MapRules): readonly MapRange[] {
  return requests.reduce((ranges, request) => {
    const plan = planMove({ ...map, ranges }, request, rules);
    // The owners are of this configuration, and this very map names others.
    if (!plan.ok) throw new Error(`broken assumption: ${plan.detail}`);
    return plan.value.next.ranges;
  }, map.ranges);
}

interface Repairable {
  readonly fresh: readonly LateSlot[];
  readonly live: readonly Move[];
  /** Takes those that cannot be put right. */
  readonly left: Map<SlotId, LeftOut>;
}

/** Stripes of one prefix share their entry in the map, so all of them have to have the same owner. */
function wholePrefixes({ placement }: CollectionConfig, { fresh, live, left }: Repairable): readonly MoveRequest[] {
  const prefixes = prefixesOf(placement);
  const owners = new Map(fresh.map(({ slot, owner }) => [slot, owner]));
  return [...new Set(fresh.map(({ slot }) => prefixOfSlot(placement, slot)))].flatMap((prefix) => {
    const stripes = slotsOfPrefix(placement, prefix);
    const [first, ...others] = stripes.map((slot) => owners.get(slot));
    const holder = live.find((move) => contains(move, prefix));
    const isShared = first === undefined || others.some((owner) => owner !== first);
    if (holder !== undefined || isShared) {
      for (const slot of stripes.filter((stripe) => owners.has(stripe))) left.set(slot, leftOut(holder));
      return [];
    }
    const place = prefixes.indexOf(prefix);
    return [{ start: place === 0 ? "" : prefix, end: prefixes[place + 1] ?? null, to: first }];
  });
}

function leftOut(holder: Move | undefined): LeftOut {
  if (holder === undefined) return { kind: "refused", detail: "stripes of one prefix have different owners" };
  return { kind: "held", detail: `move ${shortId(holder.id)} holds it by now, and publishes at its end` };
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
