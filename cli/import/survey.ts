/**
 * The first reading of a file: is it readable, how many rows, which columns hold whole numbers, what identifies
 * it. It must not keep rows.
 */
import { createHash } from "node:crypto";
import { accepted } from "../../router/result.ts";
import { displayPath } from "../data-directory.ts";
import { CliFailure } from "../failure.ts";
import { type RawRecord, readRecords } from "./records.ts";
import {
  type Columns,
  DEFAULT_KEY_COLUMN,
  type FileRow,
  isInteger,
  keyIndexOf,
  ndjsonRow,
  type Row,
  type RowFormat,
  refusedRow,
  tableRow,
} from "./row.ts";

/** What the first reading found. */
export interface Survey {
  readonly path: string;
  readonly format: RowFormat;
  readonly rows: number;
  readonly bytes: number;
  /** SHA-256 of the file as it lies on disk, hexadecimal. */
  readonly sha256: string;
  /** Null for NDJSON, which has no columns. */
  readonly columns: Columns | null;
  readonly keyColumn: string;
}

/** How a file is to be read. `keyColumn` null takes `key`, else the first column. */
export interface FileOptions {
  readonly path: string;
  readonly format: RowFormat;
  readonly keyColumn: string | null;
}

/** Reads the file once. Throws `CliFailure` when it cannot be read or has no header. */
export async function surveyFile(options: FileOptions): Promise<Survey> {
  const hash = createHash("sha256");
  let bytes = 0;
  const records = readRecords(options.path, options.format, (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  const found = options.format === "ndjson" ? await countLines(records) : await surveyTable(records, options);
  const { path, format } = options;
  return { path, format, bytes, sha256: hash.digest("hex"), ...found };

  async function countLines(lines: typeof records): Promise<Pick<Survey, "rows" | "columns" | "keyColumn">> {
    let rows = 0;
    for await (const _line of lines) rows += 1;
    return { rows, columns: null, keyColumn: options.keyColumn ?? DEFAULT_KEY_COLUMN };
  }
}

async function surveyTable(
  records: ReturnType<typeof readRecords>,
  options: FileOptions,
): Promise<Pick<Survey, "rows" | "columns" | "keyColumn">> {
  let rows = -1;
  let names: readonly string[] = [];
  let candidates: number[] = [];
  const filled = new Set<number>();
  for await (const { content } of records) {
    rows += 1;
    const fields = content.ok ? content.value : [];
    if (rows === 0) {
      names = headerOf(content, options.path);
      candidates = names.map((_, index) => index);
    } else if (fields.length === names.length) {
      candidates = candidates.filter((index) => fields[index] === "" || isInteger(fields[index] ?? ""));
      for (const index of candidates) if (fields[index] !== "") filled.add(index);
    }
  }
  if (rows < 0) headerOf(accepted([]), options.path);
  const keyIndex = keyIndexOf(names, options.keyColumn);
  if (keyIndex === null) throw noSuchColumn(options, names);
  const integers = new Set(candidates.filter((index) => filled.has(index)));
  return { rows, columns: { names, keyIndex, integers }, keyColumn: names[keyIndex] ?? DEFAULT_KEY_COLUMN };
}

function headerOf(content: RawRecord["content"], path: string): readonly string[] {
  const names = content.ok ? content.value.map((name) => name.trim()) : [];
  const twice = names.find((name, index) => name === "" || names.indexOf(name) !== index);
  if (names.length > 0 && twice === undefined) return names;
  const fault = content.ok ? "there is none" : content.detail;
  const why = twice === undefined ? fault : twice === "" ? "a name is empty" : `"${twice}" is there twice`;
  throw new CliFailure(`the first line of ${displayPath(path)} must name the columns: ${why}`, {
    hint: "add a header line, or name the right format with --format",
  });
}

function noSuchColumn(options: FileOptions, names: readonly string[]): CliFailure {
  return new CliFailure(`${displayPath(options.path)} has no column "${options.keyColumn}"`, {
    hint: `choose the key's column with --key: ${names.join(", ")}`,
    exitCode: 2,
  });
}

/** The rows of a surveyed file in order, a key that came before refused as a duplicate. */
export async function* readRows(survey: Survey): AsyncGenerator<FileRow> {
  const firstRows = new Map<string, number>();
  let number = survey.columns === null ? 0 : -1;
  for await (const { content, line, text } of readRecords(survey.path, survey.format)) {
    number += 1;
    if (number === 0) continue;
    const row = rowOf(number, content, survey);
    yield { ...(row.kind === "document" ? firstOf(row, firstRows) : row), line, text };
  }
}

function rowOf(number: number, content: RawRecord["content"], survey: Survey): Row {
  if (!content.ok) return refusedRow(number, null, { code: content.reason, detail: content.detail });
  if (survey.columns === null) return ndjsonRow(number, content.value[0] ?? "", survey.keyColumn);
  return tableRow(number, content.value, survey.columns);
}

function firstOf(row: Extract<Row, { kind: "document" }>, firstRows: Map<string, number>): Row {
  const firstRow = firstRows.get(row.key);
  if (firstRow === undefined) {
    firstRows.set(row.key, row.row);
    return row;
  }
  const detail = `row ${firstRow} has the same canonical key "${row.key}"; a key can be there once`;
  return { kind: "refused", row: row.row, rawKey: row.rawKey, key: row.key, code: "DUPLICATE_KEY", detail, firstRow };
}
