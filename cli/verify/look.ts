/**
 * One look at a collection's slots over all shards, and looking again: what is seen at different moments may not fit together while
 * moves go on. Only what two looks in a row show alike has been so at one moment, because columns never go back.
 */
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { CollectionConfig } from "../../config/config.ts";
import type { ShardId, SlotId } from "../../router/ids.ts";
import { slotsIn } from "../../router/move-plan.ts";
import type { SlotReport } from "../../router/ownership-wire.ts";
import { contains, type KeyRange } from "../../router/range.ts";
import type { ShardMap } from "../../router/shard-map.ts";
import { prefixesOf, prefixOfSlot } from "../../router/slot.ts";
import { sidesOf } from "../../router/slot-audit.ts";
import type { Move } from "../../shards/catalog/port.ts";
import { CliFailure } from "../failure.ts";
import { liveMovesOf } from "../moves/live-moves.ts";
import { demandMap, type Operator } from "../operator.ts";
import type { SlotDepth } from "../shard-client.ts";

/** What to look at, and how deep. */
export interface LookRequest {
  readonly collection: CollectionConfig;
  readonly range: KeyRange;
  readonly depth: SlotDepth;
}

/** What was seen. Moves and map were read after the slots, in this order, so that a move that has ended has its map. */
export interface Look {
  readonly collection: CollectionConfig;
  readonly slots: ReadonlyMap<SlotId, ReadonlyMap<ShardId, SlotReport>>;
  readonly live: readonly Move[];
  readonly map: ShardMap;
  /** Shards that could not be asked, and why. */
  readonly silent: ReadonlyMap<ShardId, string>;
}

/** Asks all shards of the configuration at once. */
export async function lookAtSlots(operator: Operator, request: LookRequest): Promise<Look> {
  const { collection, range, depth } = request;
  const ids = [...operator.config.shards.values()].map(({ id }) => id);
  const silent = new Map<ShardId, string>();
  const answers = await Promise.all(
    ids.map(async (shard) => {
      try {
        return [shard, await operator.shards.slots(shard, { collection: collection.name, range, depth })] as const;
      } catch (error) {
        if (!(error instanceof CliFailure)) throw error;
        silent.set(shard, error.message);
        return [shard, []] as const;
      }
    }),
  );
  const slots = new Map<SlotId, Map<ShardId, SlotReport>>();
  for (const slot of slotsIn(collection.placement, range)) slots.set(slot, new Map());
  for (const [shard, reports] of answers) for (const report of reports) slots.get(report.slot)?.set(shard, report);
  const live = await liveMovesOf(operator.catalog, collection.name);
  return { collection, slots, live, map: await demandMap(operator, collection.name), silent };
}

/** The live move that holds a slot. */
export function liveMoveOf({ collection, live }: Look, slot: SlotId): Move | undefined {
  return live.find((move) => contains(move, prefixOfSlot(collection.placement, slot)));
}

const LOOKS_MAX = 6;
const LOOK_AGAIN_MS = 300;

/** What is found in two looks in a row, while the columns stayed the same. What goes on changing is alive, and no finding. */
export async function confirmedFindings<Finding>(
  first: Look,
  again: (range: KeyRange) => Promise<Look>,
  judge: (look: Look, slot: SlotId) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const confirmed: Finding[] = [];
  let seen = first;
  let suspects = await suspectsIn(seen, [...seen.slots.keys()], judge);
  for (let looks = 1; looks < LOOKS_MAX && suspects.length > 0; looks += 1) {
    await delay(LOOK_AGAIN_MS);
    const next = await again(hullOf(first.collection, suspects));
    const unsettled: SlotId[] = [];
    for (const slot of suspects) {
      const isSame = isDeepStrictEqual(columnsOf(seen, slot), columnsOf(next, slot));
      if (isSame) confirmed.push(...(await judge(next, slot)));
      else unsettled.push(slot);
    }
    suspects = await suspectsIn(next, unsettled, judge);
    seen = next;
  }
  return confirmed;
}

async function suspectsIn<Finding>(
  look: Look,
  slots: readonly SlotId[],
  judge: (look: Look, slot: SlotId) => Promise<readonly Finding[]>,
): Promise<readonly SlotId[]> {
  const suspects: SlotId[] = [];
  for (const slot of slots) if ((await judge(look, slot)).length > 0) suspects.push(slot);
  return suspects;
}

function columnsOf({ slots }: Look, slot: SlotId): unknown {
  return sidesOf({ slot, reports: slots.get(slot) ?? new Map() }).columns;
}

/** The smallest range that holds all of the slots. */
function hullOf({ placement }: CollectionConfig, slots: readonly SlotId[]): KeyRange {
  const prefixes = prefixesOf(placement);
  const places = slots.map((slot) => prefixes.indexOf(prefixOfSlot(placement, slot)));
  const [first, last] = [Math.min(...places), Math.max(...places)];
  return { start: first === 0 ? "" : (prefixes[first] ?? ""), end: prefixes[last + 1] ?? null };
}
