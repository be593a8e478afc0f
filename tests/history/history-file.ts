// History files back to operations, a list taken apart into a look at each of its keys.
// Must not repair anything: a line that makes no sense is an error, but for a last one that its writer did not live to finish.
import { readFileSync } from "node:fs";
import type { Operation, OperationRequest, OperationResult } from "./operation.ts";
import type { HistoryLine, ListRequest, ListResult } from "./recorder.ts";
import { nameServerOps } from "./server-ops.ts";

/** All operations of these files, in no particular order. */
export function readHistory(paths: readonly string[]): readonly Operation[] {
  // What one client wrote, another one has seen: only all files together tell the ops.
  return nameServerOps(paths.flatMap((path) => parseHistory(readFileSync(path, "utf8"), path)));
}

interface Entry {
  readonly start: Extract<HistoryLine, { readonly line: "start" }>;
  readonly repeatedAs: string[];
  end: Extract<HistoryLine, { readonly line: "end" }> | null;
}

/** One file's text; `source` names it in errors. */
function parseHistory(text: string, source: string): readonly Operation[] {
  const entries = new Map<string, Entry>();
  const lines = text.split("\n");
  // What follows the last line break was not finished.
  lines.pop();
  for (const [index, line] of lines.entries()) {
    const entry = JSON.parse(line) as HistoryLine;
    if (!add(entries, entry)) throw new Error(`${source}:${index + 1}: does not fit to what was before: ${line}`);
  }
  return [...entries.values()].flatMap(operationsOf);
}

function add(entries: Map<string, Entry>, line: HistoryLine): boolean {
  const entry = entries.get(line.id);
  if (line.line === "start") {
    entries.set(line.id, { start: line, repeatedAs: [], end: null });
    return entry === undefined;
  }
  if (entry === undefined || entry.end !== null) return false;
  if (line.line === "repeat") entry.repeatedAs.push(line.op);
  else entry.end = line;
  return true;
}

function operationsOf(entry: Entry): readonly Operation[] {
  const { request } = entry.start;
  const result = entry.end?.result ?? { kind: "unknown" };
  if (request.kind === "list") return result.kind === "listed" ? looksOf(entry, request, result) : [];
  if (result.kind === "listed") throw new Error(`broken assumption: ${entry.start.id} is no list`);
  return [operationOf(entry, withRepetitions(request, entry.repeatedAs), result)];
}

function withRepetitions(request: OperationRequest, repeatedAs: readonly string[]): OperationRequest {
  return request.kind === "read" ? request : { ...request, ops: [...request.ops, ...repeatedAs] };
}

function operationOf({ start, end }: Entry, request: OperationRequest, result: OperationResult): Operation {
  const { id, process, key, isKeyed, atNs, hasServerOps } = start;
  const isOpen = end === null || result.kind === "unknown";
  return {
    id,
    process,
    key,
    isKeyed,
    ...(hasServerOps === true ? { hasServerOps } : {}),
    startNs: atNs,
    endNs: isOpen ? Number.POSITIVE_INFINITY : end.atNs,
    request,
    result,
  };
}

function looksOf(entry: Entry, _request: ListRequest, { covered, found, writers }: ListResult): readonly Operation[] {
  return covered.map((key) => {
    const [op, writer] = [found[key], writers?.[key]];
    const seen = writer === undefined ? {} : { writer };
    const result: OperationResult = op === undefined ? { kind: "missing" } : { kind: "found", op, ...seen };
    const start = { ...entry.start, key, id: `${entry.start.id} ${key}` };
    return operationOf({ ...entry, start }, { kind: "read" }, result);
  });
}
