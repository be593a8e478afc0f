/**
 * What a shard has to do with the collections: ranges of the maps, slots that it holds, live moves from and to it. It must not
 * change anything.
 */
import type { CollectionConfig } from "../../config/config.ts";
import type { ShardId } from "../../router/ids.ts";
import type { SlotReport } from "../../router/ownership-wire.ts";
import { describeRange, WHOLE_RANGE } from "../../router/range.ts";
import type { MapRange } from "../../router/shard-map.ts";
import type { Move } from "../../shards/catalog/port.ts";
import { shortId } from "../moves/find-move.ts";
import { liveMovesOf } from "../moves/live-moves.ts";
import type { Operator } from "../operator.ts";
import type { ShardClient } from "../shard-client.ts";

/** A shard's part of one collection. `held`: slots that it owns or that are on their way to or from it. */
export interface Holding {
  readonly collection: CollectionConfig;
  readonly ranges: readonly MapRange[];
  readonly held: readonly SlotReport[];
  readonly moves: readonly Move[];
}

/** Where to look: at the catalog, and at the slots of a shard, be it by asking it or in its store. */
export interface HoldingsSource extends Pick<Operator, "config" | "catalog"> {
  readonly shards: Pick<ShardClient, "slots">;
}

/** A shard's part of every collection. Throws `CliFailure` when it does not answer. */
export async function holdingsOf(operator: HoldingsSource, shard: ShardId): Promise<readonly Holding[]> {
  const holdings: Holding[] = [];
  for (const collection of operator.config.collections.values()) {
    const { name } = collection;
    // Slots first: what is given to it afterwards is in the map or a live move.
    const reports = await operator.shards.slots(shard, { collection: name, range: WHOLE_RANGE, depth: "columns" });
    const live = await liveMovesOf(operator.catalog, name);
    const ranges = (await operator.catalog.current(name))?.ranges ?? [];
    holdings.push({
      collection,
      ranges: ranges.filter((range) => range.shard === shard),
      held: reports.filter(
        ({ ownership: { state } }) => state === "OWNER" || state === "FENCED" || state === "RECEIVING",
      ),
      moves: live.filter(({ from, to }) => from === shard || to === shard),
    });
  }
  return holdings;
}

/** Why the shard is still needed, a line each; none when nothing depends on it. */
export function describeHoldings(holdings: readonly Holding[]): readonly string[] {
  return holdings.flatMap(({ collection: { name }, ranges, held, moves }) => [
    ...ranges.map((range) => `${name}: the map gives it ${describeRange(range)}`),
    ...(held.length === 0 ? [] : [`${name}: it holds ${held.length} ${held.length === 1 ? "slot" : "slots"}`]),
    ...moves.map((move) => `${name}: move ${shortId(move.id)} from ${move.from} to ${move.to} is ${move.state}`),
  ]);
}
