/**
 * Removes what moves have left behind at this shard, once their retention time is over: at the source of a decided slot, and at the
 * destination of an aborted one. It must not remove anything of a slot whose move is undecided; the store checks the rest.
 */
import type { CollectionConfig } from "../../config/config.ts";
import type { ShardId } from "../../router/ids.ts";
import { slotsIn } from "../../router/move-plan.ts";
import { confirmed, decisionOf, type Ownership } from "../../router/ownership.ts";
import { isLive } from "../catalog/move-record.ts";
import type { Catalog, Move } from "../catalog/port.ts";
import type { Clock } from "../clock.ts";
import { describeError, type Logger } from "../log.ts";
import type { Peers } from "../peers/port.ts";
import type { SlotAddress } from "../store/port.ts";
import type { SlotTransfer } from "../store/transfer.ts";
import { sleepUntilAborted } from "./slot-runner.ts";

/** What clean-up stands on. */
export interface LeftoversOptions {
  readonly shard: ShardId;
  readonly collections: ReadonlyMap<string, CollectionConfig>;
  readonly store: Pick<SlotTransfer, "ownerships" | "cleanSlot">;
  readonly peers: Pick<Peers, "ownership">;
  readonly catalog: Pick<Catalog, "moves">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Time between two rounds, in milliseconds. */
const ROUND_MS = 60_000;
/** Least pause between two steps, in milliseconds, and how much longer than the step before it a pause is. */
const PAUSE_MS_MIN = 10;
const PAUSE_PER_STEP = 3;
/** Rows removed in one step. */
const STEP_ROWS_MAX = 256;
/** Moves in one page of the catalog's list, slots whose columns are read at once. */
const PAGE_MOVES = 50;
const SLOTS_AT_ONCE = 256;

/** Cleans round after round until `signal` aborts. Never rejects. */
export async function runLeftovers(options: LeftoversOptions, signal: AbortSignal): Promise<void> {
  const known = new CleanMoves();
  while (!signal.aborted) {
    await sleepUntilAborted(options.clock, ROUND_MS, signal);
    try {
      if (!signal.aborted) await cleanLeftovers(options, { known, signal });
    } catch (error) {
      options.log("warn", "clean-up-failed", describeError(error));
    }
  }
}

/** What earlier rounds have found out: moves of which nothing is left here, and from which on that holds of all older ones. */
export class CleanMoves {
  readonly ids = new Set<string>();
  allFrom: string | null = null;
}

/** One of many rounds over the same catalog. */
export interface CleaningRound {
  readonly known: CleanMoves;
  readonly signal: AbortSignal;
}

/**
 * One round over the ended moves, newest first, down to where everything is known to be clean: what was moved years ago costs nothing.
 * Rejects with `CatalogError` or `StoreError`; what was removed stays removed.
 */
export async function cleanLeftovers(options: LeftoversOptions, round: CleaningRound): Promise<void> {
  const { known, signal } = round;
  const seen = new Set<string>();
  let after: string | null = null;
  let cleanFrom: string | null = null;
  walk: for (;;) {
    const page: readonly Move[] = await options.catalog.moves(null, {
      limit: PAGE_MOVES,
      ...(after === null ? {} : { after }),
    });
    for (const move of page) {
      if (signal.aborted) return;
      seen.add(move.id);
      cleanFrom = (await isClean(options, round, move)) ? (cleanFrom ?? move.id) : null;
      if (move.id === known.allFrom) break walk;
    }
    after = page.at(-1)?.id ?? null;
    if (after === null || page.length < PAGE_MOVES) break;
  }
  known.allFrom = cleanFrom;
  for (const id of known.ids) if (!seen.has(id)) known.ids.delete(id);
}

/** Whether nothing is left of the move here, now or for good: then it need not be looked at again. */
async function isClean(options: LeftoversOptions, round: CleaningRound, move: Move): Promise<boolean> {
  if (isLive(move.state)) return false;
  if (round.known.ids.has(move.id) || (move.from !== options.shard && move.to !== options.shard)) return true;
  if (!isDue(options, move) || !(await cleanMove(options, round, move))) return false;
  round.known.ids.add(move.id);
  return true;
}

function isDue({ clock }: LeftoversOptions, move: Move): boolean {
  return move.changedAtMs + move.settings.retentionMs <= clock.nowMs();
}

/** Whether nothing is left of the move. */
async function cleanMove(options: LeftoversOptions, round: CleaningRound, move: Move): Promise<boolean> {
  const collection = options.collections.get(move.collection);
  if (collection === undefined) return true;
  const slots = slotsIn(collection.placement, move);
  let isClean = true;
  for (let first = 0; first < slots.length; first += SLOTS_AT_ONCE) {
    const some = slots.slice(first, first + SLOTS_AT_ONCE);
    const found = await options.store.ownerships(move.collection, some);
    for (const [index, slot] of some.entries()) {
      const ownership = found[index];
      if (ownership === undefined || ownership.move !== move.id) continue;
      const address = { collection: move.collection, slot };
      if (!(await cleanSlotOf(options, round, { address, ownership }))) isClean = false;
    }
  }
  return isClean;
}

interface LeftSlot {
  readonly address: SlotAddress;
  readonly ownership: Ownership;
}

/** Whether the slot needs no more cleaning. */
async function cleanSlotOf(
  options: LeftoversOptions,
  { signal }: CleaningRound,
  { address, ownership }: LeftSlot,
): Promise<boolean> {
  const { store, clock, log } = options;
  const { state, epoch, move } = ownership;
  if (move === null || (state !== "GONE" && state !== "ABORTED")) return true;
  if (state === "GONE" && !(await isDecided(options, address, ownership))) return false;
  let removed = 0;
  for (;;) {
    if (signal.aborted) return false;
    const startedAtMs = clock.nowMs();
    const cleaning = await store.cleanSlot(address, { move, epoch }, STEP_ROWS_MAX);
    if (cleaning.kind === "refused") return true;
    removed += cleaning.rows;
    if (cleaning.rows > 0) await clock.sleep(Math.max(PAUSE_MS_MIN, (clock.nowMs() - startedAtMs) * PAUSE_PER_STEP));
    if (!cleaning.more) break;
  }
  if (removed > 0) log("info", "leftovers-removed", { slot: address.slot, move, rows: removed });
  return true;
}

/** Nobody's word counts as no. */
async function isDecided({ peers, log }: LeftoversOptions, address: SlotAddress, left: Ownership): Promise<boolean> {
  if (left.to === null) return false;
  try {
    const decision = decisionOf(left.epoch, await peers.ownership(left.to, address));
    if (decision === "store-lost") log("error", "destination-store-lost", { slot: address.slot, destination: left.to });
    // Rows are only removed where the columns are still those.
    return confirmed(decision) === "decided";
  } catch (error) {
    log("warn", "destination-silent", { slot: address.slot, destination: left.to, ...describeError(error) });
    return false;
  }
}
