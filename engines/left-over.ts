/**
 * Which process belongs to a node's directory, written down for whoever starts there next: after the owner and its guard
 * were both killed, an engine may still run on the data. It must not end any other process.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EnginesError } from "./engines-error.ts";
import { type ProcessIdentity, parseIdentity, signalProcess, waitUntilGone } from "./process-identity.ts";

/** A guard needs milliseconds after its owner's death. */
const GUARD_MS_MAX = 3_000;
const KILL_MS_MAX = 10_000;

/** From now on this process owns the data in the directory. */
export function recordProcess(directory: string, identity: ProcessIdentity): void {
  const draft = `${recordOf(directory)}.draft`;
  writeFileSync(draft, `${JSON.stringify(identity)}\n`, { flush: true });
  renameSync(draft, recordOf(directory));
}

/** The process that was started in the directory last; it may be gone. */
export function recordedProcess(directory: string): ProcessIdentity | null {
  try {
    return parseIdentity(JSON.parse(readFileSync(recordOf(directory), "utf8")));
  } catch {
    return null;
  }
}

/** Resolves when nothing runs on the directory's data any more. Throws `EnginesError` when it cannot be ended. */
export async function endLeftOver(directory: string): Promise<void> {
  const leftOver = recordedProcess(directory);
  if (leftOver === null || (await waitUntilGone(leftOver, GUARD_MS_MAX))) return;
  signalProcess(leftOver, "SIGKILL");
  if (await waitUntilGone(leftOver, KILL_MS_MAX)) return;
  throw new EnginesError(`process ${leftOver.pid} still runs on ${directory} and cannot be ended`);
}

function recordOf(directory: string): string {
  return join(directory, "process.json");
}
