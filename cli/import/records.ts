/**
 * A file of rows as a stream of raw records: opened, unpacked, cut into lines or CSV records, decoded strictly.
 * It must not interpret a record; row.ts does.
 */
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { parse as parseCsv } from "csv-parse";
import { accepted, type Result, refused } from "../../router/result.ts";
import { displayPath } from "../data-directory.ts";
import { CliFailure, errorCode, errorLine } from "../failure.ts";
import { ROW_FORMATS, type RowFormat } from "./row.ts";

/** Why a record cannot be read. */
export type RecordRefusal = "INVALID_TEXT" | "INVALID_CSV";

/** One record: its fields (NDJSON has one: the line), where it begins in the file (from 1), and how it begins. */
export interface RawRecord {
  readonly content: Result<readonly string[], RecordRefusal>;
  readonly line: number;
  readonly text: string;
}

type Decoder = InstanceType<typeof TextDecoder>;

/** Most of a record that is kept to be shown, in characters. */
const SHOWN_CHARACTERS_MAX = 4096;

/** Longest record: well above the largest document. */
const RECORD_BYTES_MAX = 4 * 1024 * 1024;

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

const FIELD = String.raw`(?:"[^"]*(?:""[^"]*)*"|[^",\r\n]*)`;
const WELL_QUOTED = new RegExp(String.raw`^[\r\n]*${FIELD}(?:,${FIELD})*[\r\n]*$`);

const EXTENSIONS: Readonly<{ [extension: string]: RowFormat }> = {
  tsv: "tsv",
  csv: "csv",
  ndjson: "ndjson",
  jsonl: "ndjson",
};

/** The format that a file's name tells. Throws `CliFailure` when it tells none. */
export function formatOf(path: string): RowFormat {
  const [, extension = ""] = /\.([a-z]+)(?:\.gz)?$/i.exec(path) ?? [];
  const format = EXTENSIONS[extension.toLowerCase()];
  if (format !== undefined) return format;
  throw new CliFailure(`cannot tell the format of ${displayPath(path)} from its name`, {
    hint: `name it with --format ${ROW_FORMATS.join("|")}`,
    exitCode: 2,
  });
}

/** The records of a file in order; `onBytes` sees every chunk as it lies on disk. Throws `CliFailure`. */
export async function* readRecords(
  path: string,
  format: RowFormat,
  onBytes: (chunk: Buffer) => void = () => undefined,
): AsyncGenerator<RawRecord> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  file.on("data", (chunk) => onBytes(Buffer.from(chunk)));
  const source = path.endsWith(".gz") ? pipeline(file, createGunzip(), () => undefined) : file;
  try {
    yield* format === "csv" ? csvRecords(source, path) : lineRecords(source, format === "tsv" ? "\t" : null);
  } catch (error) {
    throw error instanceof CliFailure ? error : unreadable(path, error);
  } finally {
    file.destroy();
  }
}

function unreadable(path: string, error: unknown): CliFailure {
  const hint = errorCode(error) === "ENOENT" ? { hint: "check the file's name" } : {};
  return new CliFailure(`cannot read ${displayPath(path)}: ${errorLine(error)}`, { ...hint, cause: error });
}

async function* lineRecords(source: Readable, separator: string | null): AsyncGenerator<RawRecord> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 0;
  for await (const bytes of linesOf(source)) {
    line += 1;
    const text = decode(decoder, bytes);
    if (text === "" && line > 1) continue;
    if (text === null) yield { content: notText(), line, text: shown(bytes?.toString() ?? "") };
    else yield { content: accepted(separator === null ? [text] : text.split(separator)), line, text: shown(text) };
  }
}

/** Lines without their ends; one that is too long comes as null. */
async function* linesOf(source: Readable): AsyncGenerator<Buffer | null> {
  let rest: Buffer = Buffer.alloc(0);
  let isTooLong = false;
  for await (const chunk of source) {
    const buffer: Buffer = Buffer.concat([rest, Buffer.from(chunk)]);
    let start = 0;
    for (let end = buffer.indexOf(10, start); end >= 0; end = buffer.indexOf(10, start)) {
      yield isTooLong ? null : buffer.subarray(start, buffer[end - 1] === 13 && end > start ? end - 1 : end);
      isTooLong = false;
      start = end + 1;
    }
    rest = buffer.subarray(start);
    if (rest.length > RECORD_BYTES_MAX) [rest, isTooLong] = [Buffer.alloc(0), true];
  }
  if (isTooLong) yield null;
  else if (rest.length > 0) yield rest[rest.length - 1] === 13 ? rest.subarray(0, -1) : rest;
}

/** Bytes pass the parser as Latin-1, one character each, so that nothing is lost before they are decoded strictly. */
async function* csvRecords(source: Readable, path: string): AsyncGenerator<RawRecord> {
  const parser = parseCsv({
    encoding: "latin1",
    raw: true,
    record_delimiter: ["\r\n", "\n", "\r"],
    relax_column_count: true,
    // A wrong quote costs its own row only; `isWellQuoted` finds it.
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: RECORD_BYTES_MAX,
  });
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const records: AsyncIterable<unknown> = pipeline(source, withoutMark, parser, () => undefined);
  let line = 1;
  try {
    for await (const item of records) {
      const { raw, record } = parseItem(item);
      line += breaksIn(/^[\r\n]*/.exec(raw)?.[0] ?? "");
      const bytes = Buffer.from(raw.replace(/^[\r\n]+/, "").replace(/[\r\n]+$/, ""), "latin1");
      yield { content: csvFields(raw, record, decoder), line, text: shown(bytes.toString()) };
      line += breaksIn(raw.replace(/^[\r\n]*/, ""));
    }
  } catch (error) {
    throw csvFailure(error, `line ${line} of ${displayPath(path)}`);
  }
}

/** What the parser hands over for a record: the text with its line breaks, and the fields. */
function parseItem(item: unknown): { readonly raw: string; readonly record: readonly string[] } {
  return item as ReturnType<typeof parseItem>;
}

function csvFields(raw: string, record: readonly string[], decoder: Decoder): RawRecord["content"] {
  if (!isWellQuoted(raw)) {
    const detail = 'a quote inside a field; write the field as "…" and each quote in it as ""';
    return refused("INVALID_CSV", detail);
  }
  const fields = record.map((field) => decode(decoder, Buffer.from(field, "latin1")));
  return fields.includes(null) ? notText() : accepted(fields.map((field) => field ?? ""));
}

/** Whether every field of a record is quoted as a whole, or not at all (RFC 4180). */
function isWellQuoted(raw: string): boolean {
  return !raw.includes('"') || WELL_QUOTED.test(raw);
}

function csvFailure(error: unknown, place: string): unknown {
  const hint = 'a quoted field ends with a quote before a comma or the line break; each quote in it is written as ""';
  switch (errorCode(error)) {
    case "CSV_QUOTE_NOT_CLOSED":
      return new CliFailure(`${place}: a quote is opened and never closed`, { hint, cause: error });
    case "CSV_MAX_RECORD_SIZE":
      return new CliFailure(`${place}: the row is longer than 4 MiB; is a quote never closed?`, { hint, cause: error });
    default:
      return errorCode(error).startsWith("CSV_") ? new CliFailure(`${place}: not CSV`, { hint, cause: error }) : error;
  }
}

/** Bytes without the mark that some programs begin a file with. */
async function* withoutMark(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of source) {
    if (head === null) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < BYTE_ORDER_MARK.length) continue;
    yield head.indexOf(BYTE_ORDER_MARK) === 0 ? head.subarray(BYTE_ORDER_MARK.length) : head;
    head = null;
  }
  if (head !== null && head.length > 0) yield head;
}

function breaksIn(text: string): number {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0;
}

function notText(): RawRecord["content"] {
  return refused("INVALID_TEXT", "the row is not valid UTF-8, or longer than 4 MiB");
}

function shown(text: string): string {
  return text.length <= SHOWN_CHARACTERS_MAX ? text : `${text.slice(0, SHOWN_CHARACTERS_MAX - 1).toWellFormed()}…`;
}

function decode(decoder: Decoder, bytes: Buffer | null): string | null {
  if (bytes === null) return null;
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}
