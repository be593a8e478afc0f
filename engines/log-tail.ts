/**
 * The end of a log, for the message of an error. It must not read whole logs.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const TAIL_BYTES_MAX = 8 * 1024;
const LINES_MAX = 12;
const LINE_LENGTH_MAX = 300;

/** The last lines of a file, from `fromByte` on; empty when there are none. */
export function lastLines(file: string, fromByte = 0): string {
  return readTail(file, fromByte)
    .split("\n")
    .map((line) => line.trimEnd().slice(0, LINE_LENGTH_MAX))
    .filter((line) => line !== "")
    .slice(-LINES_MAX)
    .join("\n  ");
}

function readTail(file: string, fromByte: number): string {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(file, "r");
    const end = fstatSync(descriptor).size;
    const start = Math.max(fromByte, end - TAIL_BYTES_MAX);
    const bytes = Buffer.alloc(Math.max(0, end - start));
    readSync(descriptor, bytes, 0, bytes.length, start);
    return bytes.toString("utf8");
  } catch {
    return "";
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
