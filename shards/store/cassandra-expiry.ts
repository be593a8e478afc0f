/**
 * Expiry entries: rows of a slot's partition that say what may be removed there, and from when on. A sweep reads them instead
 * of the documents and records. It must hold nothing but their format, which lies in databases and must not change.
 *
 * An entry is written in the same batch as what it names: one for each idempotency record, one for each tombstone. Its clustering
 * is (EXPIRY_KIND, key), where the key orders the entries of a slot first by what they name, then by age: records and tombstones
 * are kept for different times, and neither must lie in the other's way. The entry of a tombstone has the tombstone's op in the
 * column `op`: a key that was written again meanwhile has another op, and keeps its row. The entry of a record has no column.
 */

/** The clustering column `kind` of expiry entries. */
export const EXPIRY_KIND = 3;

/** What an entry names. */
export type Expiring = "record" | "tombstone";

/** One entry. `name` is a record's claim id or a tombstone's canonical key; `atMs` the time of the write, since 1970. */
export interface ExpiryEntry {
  readonly what: Expiring;
  readonly atMs: number;
  readonly name: string;
}

const LETTERS: Readonly<Record<Expiring, string>> = { record: "r", tombstone: "t" };

/** Milliseconds with so many digits reach beyond the year 30000. */
const TIME_DIGITS = 15;
const TIME_MS_MAX = 10 ** TIME_DIGITS - 1;

/** The clustering column `key` of an entry. */
export function expiryKeyOf({ what, atMs, name }: ExpiryEntry): string {
  return `${expiryBoundOf(what, atMs)}${name}`;
}

/** Below the key of every entry of `what` from `atMs` on, and above those of all older ones. */
export function expiryBoundOf(what: Expiring, atMs: number): string {
  const time = Math.min(Math.max(Math.floor(atMs), 0), TIME_MS_MAX);
  return `${LETTERS[what]}${String(time).padStart(TIME_DIGITS, "0")}`;
}

/** The entry that has this key. Throws for a text that is no such key. */
export function parseExpiryKey(key: string): ExpiryEntry {
  const what = key.startsWith(LETTERS.record) ? "record" : "tombstone";
  const time = key.slice(1, TIME_DIGITS + 1);
  if (!/^\d{15}$/.test(time) || !key.startsWith(LETTERS[what])) throw new Error("broken assumption: no expiry key");
  return { what, atMs: Number(time), name: key.slice(TIME_DIGITS + 1) };
}
