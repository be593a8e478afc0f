/**
 * Processes of a start that was killed: they end by themselves, and if not, the next start ends them. It must not
 * touch a process that only has the number of one of ours.
 */
import { rmSync } from "node:fs";
import { identify, isAlive, type ProcessIdentity, parseIdentity } from "../../engines/process-identity.ts";
import { type DataDirectory, parseFields, readIfThere, writeWhole } from "../data-directory.ts";
import { endGroup, waitFor } from "./process-group.ts";

/** Longest orderly stop of a part that has lost its supervisor. */
const LEFT_OVER_MS = 8000;

/** Writes down which processes there are, for whoever starts next should this process be killed. */
export function recordParts(directory: DataDirectory, pids: readonly number[]): void {
  const parts = pids.map(identify).filter((part) => part !== null);
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

function parseRecorded(text: string): readonly ProcessIdentity[] {
  const parts = parseFields(text)?.["parts"];
  const recorded = Array.isArray(parts) ? parts.map(parseIdentity).filter((part) => part !== null) : [];
  return recorded.filter(({ pid }) => pid > 1);
}
