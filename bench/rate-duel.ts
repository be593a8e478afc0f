/**
 * A move against a plain copy of the same rows, in turns. Each round has a lot that nobody has touched before; after its move the rows
 * still lie at the source, where the copy reads them. It must not say which figures are wanted; the benches do.
 */
import type { SlotId } from "../router/ids.ts";
import { slotsIn } from "../router/move-plan.ts";
import { prefixesOf } from "../router/slot.ts";
import { END_OF_KEYS } from "../shards/store/list-window.ts";
import type { Store } from "../shards/store/port.ts";
import { PLAIN_RUN } from "./bare/plain-rows.ts";
import type { BenchContext } from "./bench.ts";
import { type CopyCrew, startCopyCrew } from "./copy-crew.ts";
import type { CopyPlace, CopyPlan, SlotSpan } from "./copy-plan.ts";
import type { ClusterAddress } from "./database-servers.ts";
import { type Duel, takeTurns } from "./load.ts";
import { LOT_PREFIXES, type Lot, lotOf } from "./lots.ts";
import type { Sample } from "./measurement.ts";
import { collectionNamed, MOVE_SHARDS } from "./move-config.ts";
import { type MoveGround, onMoveGround } from "./move-ground.ts";
import { fillLot, moveRange } from "./move-run.ts";
import { spentMicros } from "./process-tree.ts";
import { loadProducts } from "./products.ts";

const PLACEMENT = { kind: "range", stripes: 1 } as const;
/** As many slots of a move as are under way at once by default. */
const PARALLEL = 4;
const MOVED = collectionNamed("moved");
const COPIED = collectionNamed("copied");

/** Rounds before those that count: fresh processes run code that is not compiled yet. */
const WARM_ROUNDS = 1;

/** What each round moves and copies. `cluster` null: on SQLite. */
export interface RateSpec {
  readonly slots: number;
  readonly rowsPerSlot: number;
  readonly cluster: ClusterAddress | null;
}

/** In rows per second. One worker for each shard, two processes for the copy: as many do the work on either side. */
export function duelOfRates(context: BenchContext, spec: RateSpec): Promise<Duel> {
  const { cluster } = spec;
  const collections = [MOVED, COPIED].map((name) => ({ name, stripes: 1 }));
  return onMoveGround(context, { collections, workers: 1, cluster }, async (ground) => {
    const [source, destination] = await Promise.all(MOVE_SHARDS.map((shard) => ground.openStore(shard)));
    if (source === undefined || destination === undefined) throw new Error("a move has two shards");
    const crew = await startCopyCrew(context, {
      from: placeOf(ground, spec, 0),
      to: placeOf(ground, spec, 1),
      port: context.settings.firstPort + MOVE_SHARDS.length,
    });
    try {
      const arena = { context, ground, spec, source, destination, crew };
      await takeTurns(sidesOf(arena, 0), WARM_ROUNDS, (line) => context.report(`warming up, ${line}`));
      return await takeTurns(sidesOf(arena, WARM_ROUNDS), context.settings.runs, context.report);
    } finally {
      await Promise.all([crew.stop(), source.close(), destination.close()]);
    }
  });
}

interface Arena {
  readonly context: BenchContext;
  readonly ground: MoveGround;
  readonly spec: RateSpec;
  readonly source: Store;
  readonly destination: Store;
  readonly crew: CopyCrew;
}

function placeOf({ configText, storeFile }: MoveGround, { cluster }: RateSpec, index: 0 | 1): CopyPlace {
  const shard = MOVE_SHARDS[index];
  return cluster === null ? { kind: "sqlite", file: storeFile(shard) } : { kind: "cassandra", configText, shard };
}

/** Both sides, from the `first`th lot on. */
function sidesOf(arena: Arena, first: number) {
  let moved = first;
  let copied = first;
  return {
    zgate: { label: "move", run: () => move(arena, lotAt(arena, moved++)) },
    bare: { label: "copy", run: () => copy(arena, lotAt(arena, copied++)) },
  };
}

/** Smaller where there would not be enough for all rounds. */
function lotAt({ spec, context }: Arena, number: number): Lot {
  const { rowsPerSlot } = spec;
  const slotsMax = Math.floor(LOT_PREFIXES.length / (WARM_ROUNDS + context.settings.runs));
  const slots = Math.min(spec.slots, slotsMax);
  return lotOf({ collection: MOVED, placement: PLACEMENT, firstPrefix: number * slots, slots, rowsPerSlot });
}

async function move({ context, ground, source }: Arena, lot: Lot): Promise<Sample> {
  await fillLot(source, lot, loadProducts(context.productsFile));
  const { start, end, collection } = lot;
  const before = spentMicros(ground.pids);
  const { progress, durationMs } = await moveRange(ground, { start, end, collection, to: MOVE_SHARDS[1] });
  if (progress.rows !== lot.rows) throw new Error(`the move has copied ${progress.rows} rows, expected ${lot.rows}`);
  return sampleOf({ rows: lot.rows, durationMs, before, after: spentMicros(ground.pids) });
}

async function copy({ spec, destination, crew }: Arena, lot: Lot): Promise<Sample> {
  const slots = slotsIn(PLACEMENT, lot);
  if (spec.cluster !== null) for (const slot of slots) await receive(destination, slot);
  const plan: CopyPlan = { collection: MOVED, into: COPIED, slots: slots.map(spanOf), parallel: PARALLEL };
  const before = spentMicros(crew.pids);
  const { rows, durationMs } = await crew.copy(plan);
  if (rows !== lot.rows) throw new Error(`the plain copy has copied ${rows} rows, expected ${lot.rows}`);
  return sampleOf({ rows, durationMs, before, after: spentMicros(crew.pids) });
}

function spanOf(slot: SlotId): SlotSpan {
  const prefixes = prefixesOf(PLACEMENT);
  return { slot, start: slot, end: prefixes[prefixes.indexOf(slot) + 1] ?? END_OF_KEYS };
}

/** Cassandra takes the batches only under a condition that holds. */
async function receive(store: Store, slot: SlotId): Promise<void> {
  const address = { collection: COPIED, slot };
  const before = await store.ownership(address);
  const run = { state: "RECEIVING", epoch: before.epoch + 1, move: PLAIN_RUN, run: PLAIN_RUN } as const;
  await store.setOwnership(address, before, { ...before, ...run });
}

interface Turn {
  readonly rows: number;
  readonly durationMs: number;
  /** Processor time of the processes that do the work, before and after; null where nobody tells. */
  readonly before: number | null;
  readonly after: number | null;
}

function sampleOf({ rows, durationMs, before, after }: Turn): Sample {
  const serverMicros = before === null || after === null ? null : (after - before) / rows;
  const nothing = { latencyMedianMs: null, latencyP99Ms: null, generatorBusy: null };
  return { value: (rows * 1000) / durationMs, serverMicros, ...nothing };
}
