/**
 * All rows of a slot in the order of their names, page by page as fast as they are taken; or digests of those that are hardly new to
 * whoever asks. It must not hold more than a page and a chunk, nor judge the ownership columns.
 */
import { isDeepStrictEqual } from "node:util";
import type { Ownership } from "../../router/ownership.ts";
import type { SlotAddress } from "../store/port.ts";
import { nameOf } from "../store/slot-row.ts";
import type { SlotPage, SlotRow, SlotRowName, SlotTransfer } from "../store/transfer.ts";
import type { MoveCourtesy } from "./courtesy.ts";
import { CHUNK_ROWS, type ChunkDigest, digestRows } from "./slot-digest.ts";

/** Bound of one page, which a shard reads at a stretch while its clients wait; of its rows: see `Courtesy`. */
const PAGE_BYTES_MAX = 256 * 1024;

/**
 * A part of a slot's stream: `begin`, then `rows`, and `digests` where they are asked for, as often as there are some, then `end` with how
 * many rows they were; or `changed` as the last part, when the ownership columns are no longer what they were at the beginning. Without
 * `end` nothing is known to be complete.
 */
export type SlotPart =
  | { readonly kind: "begin"; readonly ownership: Ownership }
  | { readonly kind: "rows"; readonly rows: readonly SlotRow[] }
  | { readonly kind: "digests"; readonly chunks: readonly ChunkDigest[] }
  | { readonly kind: "changed"; readonly ownership: Ownership }
  | { readonly kind: "end"; readonly rows: number; readonly ownership: Ownership };

/**
 * How a slot's rows are asked for. `seen`: see `SlotPageRequest`. `recentMs`: the asker has read the slot, and what is older than so many
 * milliseconds may come as digests; null for all as rows.
 */
export interface RowsQuestion {
  readonly seen: Ownership | null;
  readonly recentMs: number | null;
}

/** What is to be streamed: rows behind `from`, null for all. `seen`: see `SlotPageRequest`. */
export interface SlotStreamRequest {
  readonly address: SlotAddress;
  readonly from: SlotRowName | null;
  readonly seen: Ownership | null;
  /** Rests lie between two pages, but not behind a fence: writers wait there. */
  readonly courtesy: MoveCourtesy;
}

/** The stream of one slot. A page is read when it is asked for. Rejects with `StoreError`. */
export async function* streamSlot(
  store: Pick<SlotTransfer, "slotPage">,
  { address, from, seen, courtesy }: SlotStreamRequest,
): AsyncGenerator<SlotPart, void, undefined> {
  let count = 0;
  let first: Ownership | null = null;
  let after: SlotPage["next"] = from;
  for (;;) {
    const pace = (first ?? seen)?.state === "FENCED" ? courtesy.inHurry() : courtesy;
    const rest = pace.begin();
    const page: SlotPage = await store.slotPage({
      address,
      after,
      seen: first ?? seen,
      rowsMax: pace.pieceRows(),
      bytesMax: PAGE_BYTES_MAX,
    });
    if (first === null) yield { kind: "begin", ownership: page.ownership };
    else if (!isDeepStrictEqual(first, page.ownership)) return yield { kind: "changed", ownership: page.ownership };
    first ??= page.ownership;
    count += page.rows.length;
    if (page.rows.length > 0) yield { kind: "rows", rows: page.rows };
    if (page.next === null) return yield { kind: "end", rows: count, ownership: page.ownership };
    after = page.next;
    if (page.ownership.state !== "FENCED") await rest(null);
  }
}

/**
 * The same slot in short: chunks of which no row is newer than `sinceMs`, by the clocks of those who wrote them, as digests. Whoever has
 * read the slot at that time has most of them already. A wrong time costs rows, or a second look, and nothing else.
 */
export async function* abridge(
  parts: AsyncIterable<SlotPart>,
  sinceMs: number,
): AsyncGenerator<SlotPart, void, undefined> {
  let rows: readonly SlotRow[] = [];
  for await (const part of parts) {
    if (part.kind === "rows") {
      rows = [...rows, ...part.rows];
      const whole = rows.length - (rows.length % CHUNK_ROWS);
      yield* inChunks(rows.slice(0, whole), sinceMs);
      rows = rows.slice(whole);
      continue;
    }
    if (part.kind === "end") yield* inChunks(rows, sinceMs);
    yield part;
  }
}

/** Chunks of one kind that follow each other are one part. */
function* inChunks(rows: readonly SlotRow[], sinceMs: number): Generator<SlotPart, void, undefined> {
  let chunks: ChunkDigest[] = [];
  for (let first = 0; first < rows.length; first += CHUNK_ROWS) {
    const chunk = rows.slice(first, first + CHUNK_ROWS);
    const last = chunk.at(-1);
    if (last !== undefined && chunk.every(({ atMs }) => atMs <= sinceMs)) {
      chunks.push({ rows: chunk.length, through: nameOf(last), digest: digestRows(chunk) });
      continue;
    }
    if (chunks.length > 0) yield { kind: "digests", chunks };
    chunks = [];
    yield { kind: "rows", rows: chunk };
  }
  if (chunks.length > 0) yield { kind: "digests", chunks };
}
