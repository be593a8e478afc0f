/**
 * A lock between processes that the operating system frees when its holder dies, however it dies. It must not be used
 * for anything that outlives the process.
 */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { EnginesError, errorText } from "./engines-error.ts";

/** SQLite's result code for a database that somebody else holds. */
export const SQLITE_BUSY = 5;
const POLL_MS = 200;

/** A held lock. */
export interface Lock {
  readonly release: () => void;
}

/** The file whose lock whoever runs engines in the directory holds. */
export function directoryLock(directory: string): string {
  return join(directory, "lock.db");
}

/** Takes the lock if it is free. Throws `EnginesError` when the file cannot be used at all. */
export function tryLock(file: string): Lock | null {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    database.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
    const held = database;
    return { release: () => held.close() };
  } catch (error) {
    database?.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return null;
    throw new EnginesError(`cannot lock ${file}: ${errorText(error)}`, { cause: error });
  }
}

/** Waits for the lock; `onWait` is called once when somebody else holds it. */
export async function waitForLock(file: string, onWait: () => void, signal?: AbortSignal): Promise<Lock> {
  let lock = tryLock(file);
  if (lock === null) onWait();
  while (lock === null) {
    await sleep(POLL_MS, undefined, { ...(signal && { signal }) });
    lock = tryLock(file);
  }
  return lock;
}
