/**
 * One instance per data directory: a lock that the operating system frees when its holder dies, however it dies.
 * It must not be used for anything that outlives the process.
 */
import { DatabaseSync } from "node:sqlite";
import { type Lock, SQLITE_BUSY, tryLock } from "../../engines/lock.ts";
import { type DataDirectory, displayPath, readFields, writeWhole } from "../data-directory.ts";
import { CliFailure, errorLine } from "../failure.ts";

/** Takes the directory for this process. Throws `CliFailure` naming the holder's pid when it is taken. */
export function holdDirectory(directory: DataDirectory): Lock {
  const lock = takeLock(directory);
  if (lock === null) throw taken(directory);
  writeWhole(directory.holder, `${JSON.stringify({ pid: process.pid })}\n`);
  return lock;
}

function takeLock(directory: DataDirectory): Lock | null {
  try {
    return tryLock(directory.lock);
  } catch (error) {
    throw unusable(directory, error);
  }
}

/** Whether a living process holds the directory. */
export function isHeld(directory: DataDirectory): boolean {
  if (readFields(directory.holder) === null) return false;
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(directory.lock, { timeout: 0, readOnly: true });
    database.exec("SELECT 1 FROM sqlite_schema");
    return false;
  } catch (error) {
    return isBusy(error);
  } finally {
    database?.close();
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}

function taken(directory: DataDirectory): CliFailure {
  const pid = readFields(directory.holder)?.["pid"];
  const who = typeof pid === "number" ? ` (pid ${pid})` : "";
  return new CliFailure(`${displayPath(directory.root)} is in use by a running instance${who}`, {
    hint: "stop that one, or start beside it with --data DIR --port N --shard-port N",
  });
}

function unusable(directory: DataDirectory, error: unknown): CliFailure {
  return new CliFailure(`cannot lock the data directory ${displayPath(directory.root)}: ${errorLine(error)}`, {
    hint: "name another directory with --data DIR",
    cause: error,
  });
}
