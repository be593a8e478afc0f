/**
 * Processes of a start that was killed: they end by themselves, and if not, the next start ends them. It must not
 * touch a process that only has the number of one of ours.
 */
import { rmSync } from "node:fs";
import { type DataDirectory, parseFields, readIfThere, writeWhole } from "../data-directory.ts";
import { endGroup, identityOf, waitFor } from "./process-group.ts";

/** Longest orderly stop of a part that has lost its supervisor. */
const LEFT_OVER_MS = 8000;

interface RecordedPart {
  readonly pid: number;
  readonly identity: string;
}

/** Writes down which processes there are, for whoever starts next should this process be killed. */
export function recordParts(directory: DataDirectory, pids: readonly number[]): void {
  const parts = pids.map((pid) => ({ pid, identity: identityOf(pid) }));
  writeWhole(directory.parts, `${JSON.stringify({ parts })}\n`, 0o600);
}

/** Nothing is left to be recorded. */
export function forgetParts(directory: DataDirectory): void {
  rmSync(directory.parts, { force: true });
}

/** Whether a recorded process of an earlier start still lives. */
export function hasLeftOver(directory: DataDirectory): boolean {
  return parseRecorded(readIfThere(directory.parts) ?? "").some(isAlive);
}

/** Waits for what an earlier start has left to end, and ends it when that takes too long. */
export async function settleLeftOver(directory: DataDirectory): Promise<void> {
  const recorded = parseRecorded(readIfThere(directory.parts) ?? "").filter(isAlive);
  await waitFor(() => !recorded.some(isAlive), LEFT_OVER_MS);
  await Promise.all(recorded.filter(isAlive).map((part) => endGroup(part.pid, 0)));
  forgetParts(directory);
}

function isAlive(part: RecordedPart): boolean {
  return identityOf(part.pid) === part.identity;
}

function parseRecorded(text: string): readonly RecordedPart[] {
  const parts = parseFields(text)?.["parts"];
  return Array.isArray(parts) ? parts.filter(isRecordedPart) : [];
}

function isRecordedPart(value: unknown): value is RecordedPart {
  if (typeof value !== "object" || value === null || !("pid" in value) || !("identity" in value)) return false;
  return typeof value.pid === "number" && value.pid > 1 && typeof value.identity === "string";
}
