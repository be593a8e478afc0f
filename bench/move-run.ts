/**
 * One move as an operator makes it, and what became of it; and the filling of what is to move.
 * It must not drive anything: the destination's workers do.
 */
import { setTimeout as delay } from "node:timers/promises";
import { durationMsOf } from "../cli/moves/move-view.ts";
import { planMove, startMove } from "../cli/moves/plan-move.ts";
import type { CollectionName, ShardId } from "../router/ids.ts";
import { type MoveProgress, parseProgress } from "../router/move-progress.ts";
import type { KeyRange } from "../router/range.ts";
import type { Move } from "../shards/catalog/port.ts";
import type { Store, Write } from "../shards/store/port.ts";
import { type Lot, type LotRow, rowsOf } from "./lots.ts";
import type { MoveGround } from "./move-ground.ts";
import type { Product } from "./products.ts";

/** Longest move, in milliseconds. */
const MOVE_MS_MAX = 30 * 60_000;

/** How often the catalog is asked, in milliseconds. */
const LOOK_MS = 100;

/** The default of the command line. */
const PARALLEL = 4;

/** Rows stay where they were for as long as a bench may last: removing them is no part of any figure. */
const RETENTION_MS = 24 * 3_600_000;

const DOCUMENT_BYTES_MAX = 256 * 1024;
/** Rows of one commit, all of one slot. */
const COMMIT_ROWS_MAX = 256;

/** What moves. */
export interface WantedMove extends KeyRange {
  readonly collection: CollectionName;
  readonly to: string;
  /** Absent: no limit. */
  readonly rowsPerSecond?: number;
}

/** A move that is done. Times in milliseconds. */
export interface FinishedMove {
  readonly progress: MoveProgress;
  /** From when a worker of the destination had taken it to its end: without the wait for the next look into the catalog. */
  readonly durationMs: number;
  /** When the intent was put into the catalog, and when the end was seen; since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** Moves a range and waits for its end. `onLook` is shown the entry each time it is looked at. */
export async function moveRange(
  { operator, config }: Pick<MoveGround, "operator" | "config">,
  { to, rowsPerSecond, ...range }: WantedMove,
  onLook: (move: Move) => void = () => undefined,
): Promise<FinishedMove> {
  const limits = { rowsPerSecond: rowsPerSecond ?? null, bytesPerSecond: null };
  const settings = { parallel: PARALLEL, ...limits, retentionMs: RETENTION_MS };
  const plan = await planMove(operator, { ...range, to: shardIn(config, to), settings });
  const fromMs = Date.now();
  const { id } = await startMove(operator, plan);
  for (;;) {
    await delay(LOOK_MS);
    const move = await operator.catalog.move(id);
    if (move === null) throw new Error(`the catalog has forgotten move ${id}`);
    onLook(move);
    if (move.state === "done") {
      return { progress: progressIn(move), durationMs: durationMsOf(move), fromMs, toMs: move.changedAtMs };
    }
    const isStuck = Date.now() - fromMs > MOVE_MS_MAX;
    if (isStuck || move.state === "aborted") throw new Error(`move ${id} is ${move.state}: ${move.progress}`);
  }
}

function shardIn({ shards }: MoveGround["config"], id: string): ShardId {
  const shard = shards.get(id);
  if (shard === undefined) throw new Error(`the configuration has no shard "${id}"`);
  return shard.id;
}

/** Throws for a move that nobody has begun. */
function progressIn(move: Move): MoveProgress {
  const progress = parseProgress(move.progress);
  if (progress.ok && progress.value !== null) return progress.value;
  throw new Error(`move ${move.id} has no progress`);
}

/** Stores the rows of a lot at their first owner. */
export async function fillLot(store: Store, lot: Lot, products: readonly Product[]): Promise<void> {
  await storeRows(store, rowsOf(lot, products));
}

/** Slots that are filled at once, where each is a partition of its own. */
const FILLERS = 8;

/** Stores rows; each group is of one slot. */
export async function storeRows(store: Store, groups: Iterator<readonly LotRow[]>): Promise<void> {
  const work = async (): Promise<void> => {
    for (let next = groups.next(); next.done !== true; next = groups.next()) await storeGroup(store, next.value);
  };
  await Promise.all(Array.from({ length: FILLERS }, work));
}

async function storeGroup(store: Store, rows: readonly LotRow[]): Promise<void> {
  for (let first = 0; first < rows.length; first += COMMIT_ROWS_MAX) {
    const outcomes = await store.commit(rows.slice(first, first + COMMIT_ROWS_MAX).map(writeOf));
    const isStored = outcomes.every((outcome) => outcome.kind === "verdict" && outcome.verdict.kind === "created");
    if (!isStored) throw new Error(`the rows of slot "${rows[0]?.address.slot}" could not be stored`);
  }
}

function writeOf({ address, json }: LotRow): Write {
  return {
    address,
    op: crypto.randomUUID(),
    atMs: Date.now(),
    change: { kind: "put", json },
    preconditions: { ifMatch: null, ifNoneMatch: null },
    idempotency: null,
    documentBytesMax: DOCUMENT_BYTES_MAX,
  };
}
