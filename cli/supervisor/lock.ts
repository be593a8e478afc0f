/**
 * One instance per data directory: a lock that the operating system frees when its holder dies, however it dies.
 * It must not be used for anything that outlives the process.
 */
import { DatabaseSync } from "node:sqlite";
import { type DataDirectory, displayPath, readFields, writeWhole } from "../data-directory.ts";
import { CliFailure, errorLine } from "../failure.ts";

/** A held lock. */
export interface DirectoryLock {
  readonly release: () => void;
}

/** SQLite's result code for a database that somebody else holds. */
const SQLITE_BUSY = 5;

/** Takes the directory for this process. Throws `CliFailure` naming the holder's pid when it is taken. */
export function holdDirectory(directory: DataDirectory): DirectoryLock {
  const database = new DatabaseSync(directory.lock, { timeout: 0 });
  try {
    database.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    throw isBusy(error) ? taken(directory) : unusable(directory, error);
  }
  writeWhole(directory.holder, `${JSON.stringify({ pid: process.pid })}\n`);
  return { release: () => database.close() };
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
