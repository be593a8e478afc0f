/**
 * Untrusted data to a row of a slot.
 * It must not judge whether the row belongs there; the store does.
 */
import { type CanonicalKey, quote } from "../../router/ids.ts";
import { accepted, type Result, refused } from "../../router/result.ts";
import type { SlotRow } from "../store/transfer.ts";
import type { WriteVerdict } from "../store/write-verdict.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Untrusted data to a row. */
export function parseSlotRow(input: unknown): Result<SlotRow, "NOT_A_ROW"> {
  const row = (typeof input === "object" && input !== null ? input : {}) as Fields;
  const parsed = row["kind"] === "record" ? parseRecordRow(row) : parseKeyRow(row);
  if (parsed !== null) return accepted(parsed);
  return refused("NOT_A_ROW", `expected a document, a tombstone or a record, got ${quote(input)}`);
}

function parseKeyRow({ kind, key, op, atMs, json }: Fields): SlotRow | null {
  if (typeof key !== "string" || key === "" || typeof op !== "string" || !isTime(atMs)) return null;
  const named = { key: key as CanonicalKey, op, atMs };
  if (kind === "tombstone") return { kind, ...named };
  return kind === "document" && typeof json === "string" ? { kind, ...named, json } : null;
}

function parseRecordRow({ id, fingerprint, verdict: given, atMs }: Fields): SlotRow | null {
  if (typeof id !== "string" || id === "" || typeof fingerprint !== "string" || !isTime(atMs)) return null;
  const verdict = parseVerdict(given);
  return verdict === null ? null : { kind: "record", id, fingerprint, verdict, atMs };
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}

/** Fields that a verdict of each kind needs. */
const VERDICT_FIELDS: Readonly<Record<WriteVerdict["kind"], Readonly<Record<string, readonly string[]>>>> = {
  created: { op: ["string"], modifiedAtMs: ["number"] },
  replaced: { op: ["string"], modifiedAtMs: ["number"] },
  deleted: {},
  absent: {},
  "precondition-failed": { currentOp: ["string", "null"] },
  "too-large": { bytes: ["number"] },
  "key-reused": {},
};

function parseVerdict(input: unknown): WriteVerdict | null {
  const verdict = (typeof input === "object" && input !== null ? input : {}) as Fields;
  const { kind } = verdict;
  if (typeof kind !== "string" || !Object.hasOwn(VERDICT_FIELDS, kind)) return null;
  const needed = VERDICT_FIELDS[kind as WriteVerdict["kind"]];
  const isWhole = Object.entries(needed).every(([name, types]) => {
    const value = verdict[name];
    return types.includes(value === null ? "null" : typeof value);
  });
  return isWhole ? (input as WriteVerdict) : null;
}
