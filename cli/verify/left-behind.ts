/**
 * Compares the rows that a move has left at its source with those of the owner: they may differ only by what was written, or has
 * expired, since. It must not hold a slot's rows in memory.
 */
import { isDeepStrictEqual } from "node:util";
import type { CollectionConfig } from "../../config/config.ts";
import { quote, type ShardId, type SlotId } from "../../router/ids.ts";
import type { Ownership, OwnState } from "../../router/ownership.ts";
import { parseOwnership } from "../../router/ownership-wire.ts";
import type { AuditFinding } from "../../router/slot-audit.ts";
import { compareCodePoints } from "../../router/text.ts";
import { CliFailure } from "../failure.ts";
import type { ShardClient } from "../shard-client.ts";

/** A slot that has gone from one shard to another. `leftAtMs`: when at the earliest, null when nobody knows. */
export interface LeftBehind {
  readonly collection: CollectionConfig;
  readonly slot: SlotId;
  readonly source: ShardId;
  readonly owner: ShardId;
  readonly leftAtMs: number | null;
  readonly nowMs: number;
}

/** `moved`: ownership changed while it was compared, so nothing can be said. */
export type Comparison =
  | { readonly kind: "compared"; readonly rows: number; readonly findings: readonly AuditFinding[] }
  | { readonly kind: "moved" };

/** A row as it travels, of any kind. */
interface Row {
  readonly kind: "document" | "tombstone" | "record";
  readonly name: string;
  readonly atMs: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Clocks of two shards, and a sweep that is late, may differ by so much. */
const SLACK_MS = 60_000;
/** Most findings about one slot. */
const FINDINGS_MAX = 20;

/** Compares. Rejects with `CliFailure` when a side cannot be read. */
export async function compareLeftBehind(shards: Pick<ShardClient, "rows">, left: LeftBehind): Promise<Comparison> {
  const { collection, slot } = left;
  const place = { collection: collection.name, slot };
  const source = rowsOf(shards.rows(left.source, place), "GONE");
  const owner = rowsOf(shards.rows(left.owner, place), "OWNER");
  try {
    return await mergeRows(left, source, owner);
  } catch (error) {
    if (error instanceof MovedOn) return { kind: "moved" };
    throw error;
  } finally {
    await Promise.all([source.return(), owner.return()]);
  }
}

type Rows = AsyncGenerator<Row, void, undefined>;

async function mergeRows(left: LeftBehind, source: Rows, owner: Rows): Promise<Comparison> {
  const findings: AuditFinding[] = [];
  const note = (detail: string | null): void => {
    const { slot } = left;
    if (detail !== null && findings.length < FINDINGS_MAX) findings.push({ slot, kind: "rows-differ", detail });
  };
  let rows = 0;
  let theirs = await owner.next();
  for await (const row of source) {
    rows += 1;
    while (theirs.done !== true && compareRows(theirs.value, row) < 0) theirs = await owner.next();
    const same = theirs.done === true || compareRows(theirs.value, row) !== 0 ? null : theirs.value;
    note(same === null ? missing(left, row) : differing(left, row, same));
  }
  // Read to its end: only its last line says that it was whole.
  while (theirs.done !== true) theirs = await owner.next();
  return { kind: "compared", rows, findings };
}

/** Keys before records, each by code points. */
function compareRows(left: Row, right: Row): number {
  const rank = (row: Row): number => Number(row.kind === "record");
  return rank(left) - rank(right) || compareCodePoints(left.name, right.name);
}

/** What the owner does not have may have been removed since, once nobody can need it any more. */
function missing({ collection, owner, source, leftAtMs, nowMs }: LeftBehind, row: Row): string | null {
  const { tombstoneRetentionMs, idempotencyRetentionMs } = collection;
  const retentionMs = row.kind === "record" ? idempotencyRetentionMs : tombstoneRetentionMs;
  // A document can have been deleted right after the move, and its tombstone swept.
  const sinceMs = row.kind === "document" ? leftAtMs : row.atMs;
  const mayBeGone = sinceMs === null || sinceMs + retentionMs < nowMs + SLACK_MS;
  return mayBeGone ? null : `${nameOf(row)} is at ${source} and not at its owner ${owner}`;
}

function differing({ collection, owner, source }: LeftBehind, row: Row, theirs: Row): string | null {
  if (row.kind === "record") {
    if (isDeepStrictEqual(row.fields, theirs.fields)) return null;
    const isReplaced = theirs.atMs >= row.atMs + collection.idempotencyRetentionMs - SLACK_MS;
    return isReplaced ? null : `${nameOf(row)} is not the same at ${source} and at its owner ${owner}`;
  }
  if (row.fields["op"] !== theirs.fields["op"]) {
    if (theirs.atMs >= row.atMs - SLACK_MS) return null;
    return `${nameOf(row)} is older at its owner ${owner} than what ${source} has`;
  }
  const isSame = isDeepStrictEqual(row.fields, theirs.fields);
  return isSame ? null : `${nameOf(row)} has the same ETag at ${source} and at its owner ${owner}, but other content`;
}

function nameOf({ kind, name }: Row): string {
  return `${kind} ${quote(name)}`;
}

/** The slot changes hands right now. */
class MovedOn extends Error {}

/** The rows of an answer; it has to begin in `state` and to come to its end. */
async function* rowsOf(lines: AsyncIterable<Readonly<Record<string, unknown>>>, state: OwnState): Rows {
  let [isBegun, isEnded] = [false, false];
  for await (const line of lines) {
    if ("changed" in line) throw new MovedOn();
    if (!isBegun) {
      if (ownershipIn(line["ownership"]).state !== state) throw new MovedOn();
      isBegun = true;
    } else if (line["end"] === true) isEnded = true;
    else yield parseRow(line["row"]);
  }
  if (!isEnded) throw new CliFailure("the rows of a slot broke off; try again");
}

function ownershipIn(input: unknown): Ownership {
  const ownership = parseOwnership(input);
  if (ownership.ok) return ownership.value;
  throw new CliFailure(`a shard gave an answer that is none: ${ownership.detail}`);
}

function parseRow(input: unknown): Row {
  const fields = (typeof input === "object" && input !== null ? input : {}) as Readonly<Record<string, unknown>>;
  const { kind, key, id, atMs }: { readonly [name: string]: unknown } = fields;
  const name = kind === "record" ? id : key;
  const isKind = kind === "document" || kind === "tombstone" || kind === "record";
  if (isKind && typeof name === "string" && typeof atMs === "number") return { kind, name, atMs, fields };
  throw new CliFailure(`a shard gave a row that is none: ${quote(input)}`);
}
