/**
 * One row of a file on its way to a document: its number, its key, its JSON, or the reason why it cannot be one.
 * It must not send anything.
 */

import { parseKey } from "../../router/canonical-key.ts";
import { type CanonicalKey, quote } from "../../router/ids.ts";
import { describeJsonFault, parseExactJson } from "../exact-json.ts";

/** Formats that rows come in. */
export const ROW_FORMATS = ["tsv", "csv", "ndjson"] as const;
export type RowFormat = (typeof ROW_FORMATS)[number];

/** A row that can be sent. `row` counts data rows from 1; the header has no number. */
export interface DocumentRow {
  readonly kind: "document";
  readonly row: number;
  readonly rawKey: string;
  readonly key: CanonicalKey;
  readonly json: string;
}

/** A row that is not sent, or was sent and refused. `code` is a stable word, `detail` a sentence. */
export interface RefusedRow {
  readonly kind: "refused";
  readonly row: number;
  readonly rawKey: string | null;
  readonly key: string | null;
  readonly code: string;
  readonly detail: string;
  /** On a duplicate: the row that holds the key. */
  readonly firstRow?: number;
}

export type Row = DocumentRow | RefusedRow;

/** Where a row begins in its file (from 1), and its text, cut where it is very long. */
export interface RowPlace {
  readonly line: number;
  readonly text: string;
}

/** A row with its place. */
export type FileRow = Row & RowPlace;

/** What a table's columns mean. `integers` are the columns whose every value is a whole number. */
export interface Columns {
  readonly names: readonly string[];
  readonly keyIndex: number;
  readonly integers: ReadonlySet<number>;
}

/** The column of the key when none is named. */
export const DEFAULT_KEY_COLUMN = "key";

const INTEGER = /^(?:0|-?[1-9]\d{0,15})$/;

/** Whether a field reads as a whole number that JSON numbers hold exactly. */
export function isInteger(field: string): boolean {
  return INTEGER.test(field) && Number.isSafeInteger(Number(field));
}

/** Index of the key's column: the named one, else `key`, else the first. Null when the named one is not there. */
export function keyIndexOf(names: readonly string[], wanted: string | null): number | null {
  const index = names.indexOf(wanted ?? DEFAULT_KEY_COLUMN);
  if (index >= 0) return index;
  return wanted === null ? 0 : null;
}

/**
 * A table's row to a row. A member per column but the key's: text as it stands, a number in columns of whole
 * numbers, nothing for an empty field.
 */
export function tableRow(row: number, fields: readonly string[], columns: Columns): Row {
  const rawKey = fields[columns.keyIndex] ?? "";
  if (fields.length !== columns.names.length) {
    const detail = `expected ${columns.names.length} fields, got ${fields.length}`;
    return { kind: "refused", row, rawKey, key: null, code: "FIELD_COUNT", detail };
  }
  const members = fields.flatMap((field, index) => {
    if (index === columns.keyIndex || field === "") return [];
    const value = columns.integers.has(index) ? field : JSON.stringify(field);
    return [`${JSON.stringify(columns.names[index])}:${value}`];
  });
  return documentRow(row, rawKey, `{${members.join(",")}}`);
}

/**
 * A line of NDJSON to a row. Either an item as `list` prints it (`{"key", "value", …}`) or the document itself with
 * its key as a member, which is left out. Number literals stay as they are.
 */
export function ndjsonRow(row: number, line: string, keyMember: string): Row {
  const fault = describeJsonFault(line);
  if (fault !== null) return refusedRow(row, null, { code: "INVALID_JSON", detail: fault });
  const value = parseExactJson(line);
  if (value === null) {
    return refusedRow(row, null, { code: "NOT_AN_OBJECT", detail: `expected a JSON object, got ${quote(line)}` });
  }
  const { [keyMember]: rawKey, ...members } = value;
  if (typeof rawKey !== "string") {
    const member = JSON.stringify(keyMember);
    if (rawKey === undefined) return refusedRow(row, null, { code: "NO_KEY", detail: `there is no member ${member}` });
    const detail = `expected the key in the member ${member} as text, got ${quote(rawKey)}`;
    return refusedRow(row, null, { code: "KEY_NOT_TEXT", detail });
  }
  return documentRow(row, rawKey, JSON.stringify(isListItem(members) ? members["value"] : members));
}

function isListItem(members: Readonly<Record<string, unknown>>): boolean {
  return "value" in members && Object.keys(members).every((name) => ["value", "etag", "lastModified"].includes(name));
}

/** A row that is not sent. */
export function refusedRow(
  row: number,
  rawKey: string | null,
  why: { readonly code: string; readonly detail: string },
): RefusedRow {
  return { kind: "refused", row, rawKey, key: null, ...why };
}

function documentRow(row: number, rawKey: string, json: string): Row {
  const key = parseKey(rawKey);
  if (!key.ok) return refusedRow(row, rawKey, { code: key.reason, detail: key.detail });
  return { kind: "document", row, rawKey, key: key.value, json };
}
