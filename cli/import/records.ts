/**
 * A file of rows as a stream of raw records: opened, unpacked, cut into lines or CSV records, decoded strictly.
 * It must not interpret a record; row.ts does.
 */
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { parse as parseCsv } from "csv-parse";
import { displayPath } from "../data-directory.ts";
import { CliFailure, errorCode, errorLine } from "../failure.ts";
import { ROW_FORMATS, type RowFormat } from "./row.ts";

/** Fields of one record, or null when its bytes are not UTF-8 or it is too long. NDJSON has one field: the line. */
export type RawRecord = readonly string[] | null;

type Decoder = InstanceType<typeof TextDecoder>;

/** Longest record: well above the largest document. */
const RECORD_BYTES_MAX = 4 * 1024 * 1024;

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
    yield* format === "csv" ? csvRecords(source) : lineRecords(source, format === "tsv" ? "\t" : null);
  } catch (error) {
    throw unreadable(path, error);
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
  let isFirst = true;
  for await (const line of linesOf(source)) {
    const text = decode(decoder, line);
    if (text === "" && !isFirst) continue;
    isFirst = false;
    yield text === null ? null : separator === null ? [text] : text.split(separator);
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

async function* csvRecords(source: Readable): AsyncGenerator<RawRecord> {
  const parser = parseCsv({
    bom: true,
    encoding: null,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: RECORD_BYTES_MAX,
  });
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const records: AsyncIterable<unknown> = pipeline(source, parser, () => undefined);
  for await (const record of records) {
    const cells = Array.isArray(record) ? record : [];
    const fields = cells.map((cell: unknown) => decode(decoder, Buffer.isBuffer(cell) ? cell : null));
    yield fields.includes(null) ? null : fields.map((field) => field ?? "");
  }
}

function decode(decoder: Decoder, bytes: Buffer | null): string | null {
  if (bytes === null) return null;
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}
