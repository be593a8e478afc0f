/**
 * The file of refused rows: a JSON line for each, with the reason. It must hold a row once, however often the
 * import was continued.
 */
import { appendFileSync, rmSync } from "node:fs";
import { parseFields, readIfThere, writeWhole } from "../data-directory.ts";
import type { RefusedRow, RowPlace } from "./row.ts";

/** Collects refused rows; the file exists only when there are any. */
export interface RefusedFile {
  readonly path: string;
  readonly add: (row: RefusedRow & RowPlace) => void;
}

/** Opens the file for an import that goes on after row `doneRows`: lines of later rows are dropped, they come again. */
export function openRefusedFile(path: string, doneRows: number): RefusedFile {
  const kept = (doneRows === 0 ? "" : (readIfThere(path) ?? "")).split("\n").filter((line) => rowOf(line) <= doneRows);
  if (kept.length === 0) rmSync(path, { force: true });
  else writeWhole(path, `${kept.join("\n")}\n`);
  return { path, add: (row) => appendFileSync(path, `${refusedLine(row)}\n`) };
}

function refusedLine({ row, line, rawKey, key, code, detail, firstRow, text }: RefusedRow & RowPlace): string {
  const first = firstRow === undefined ? {} : { firstRow };
  return JSON.stringify({ row, line, rawKey, key, code, detail, ...first, text });
}

function rowOf(line: string): number {
  const row = parseFields(line)?.["row"];
  return typeof row === "number" ? row : Number.POSITIVE_INFINITY;
}
