/**
 * Digests by which both sides of a move see that rows are equal without sending them.
 * It must not know where rows come from, nor take rows for equal whose digests differ.
 */
import { createHash, hash } from "node:crypto";
import type { SlotRow, SlotRowName } from "../store/transfer.ts";
import { textOfRow } from "./row-comparison.ts";

/** Rows of one chunk: both sides count them off from the beginning of the slot. Only the last one may have fewer. */
export const CHUNK_ROWS = 32;

/** Rows of a slot that follow each other, up to the one that `through` names, by their SHA-256. */
export interface ChunkDigest {
  readonly rows: number;
  readonly through: SlotRowName;
  readonly digest: string;
}

/** Of rows in their order. */
export function digestRows(rows: readonly SlotRow[]): string {
  return hash("sha256", rows.map(textOfRow).join(""), "base64url");
}

/** Count and hash of all rows of a slot, given in their order: as rows, or as digests of whole chunks of them. */
export class SlotDigest {
  readonly #chunks = createHash("sha256");
  #chunk: SlotRow[] = [];
  #rows = 0;

  add(row: SlotRow): void {
    this.#chunk.push(row);
    if (this.#chunk.length === CHUNK_ROWS) this.#close();
  }

  /** Throws where no chunk begins. */
  addChunk({ rows, digest }: ChunkDigest): void {
    if (this.#chunk.length > 0 || this.#rows % CHUNK_ROWS !== 0) {
      throw new Error(`expected digests of ${CHUNK_ROWS} rows each, got one after ${this.#rows + this.#chunk.length}`);
    }
    this.#rows += rows;
    this.#chunks.update(digest);
  }

  /** Nothing can be added any more. */
  text(): string {
    if (this.#chunk.length > 0) this.#close();
    return `${this.#rows}:${this.#chunks.digest("base64url")}`;
  }

  #close(): void {
    this.#rows += this.#chunk.length;
    this.#chunks.update(digestRows(this.#chunk));
    this.#chunk = [];
  }
}
