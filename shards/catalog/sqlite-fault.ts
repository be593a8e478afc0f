/**
 * What a failure of SQLite means to whoever asked: try again, make room, give up, or nobody knows.
 * It must not retry or log.
 *
 * It lies with the catalog because the store may import from here, and not the other way round.
 */

/** `unknown`: the commit failed in a way that may still have made it durable. */
export type SqliteFault = "busy" | "full" | "unavailable" | "unknown";

/** Where it failed: only a failed COMMIT leaves open what happened. */
export type SqlitePhase = "open" | "statement" | "commit";

/** An operation on a database file failed. The message names the file and what SQLite said. */
export class SqliteError extends Error {
  readonly kind: SqliteFault;

  constructor(kind: SqliteFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SqliteError";
    this.kind = kind;
  }
}

/** Result codes, https://sqlite.org/rescode.html. An extended code holds the primary one in its lowest byte. */
const CODE = { busy: 5, locked: 6, readOnly: 8, ioError: 10, full: 13, cannotOpen: 14, protocol: 15, notADatabase: 26 };
const IO_ERROR_SHARED_MEMORY_SIZE = CODE.ioError | (19 << 8);

const HINTS: ReadonlyMap<number, string> = new Map([
  [CODE.readOnly, "; it or its directory is not writable"],
  [CODE.cannotOpen, "; check that its directory exists and is writable"],
  [CODE.notADatabase, "; another program may have written it"],
]);

/** SQLite's extended result code; null for an error that is not SQLite's. */
function codeOf(error: unknown): number | null {
  if (!(error instanceof Error) || !("errcode" in error)) return null;
  return typeof error.errcode === "number" ? error.errcode : null;
}

/** Whether another connection was in the way: the same may succeed a moment later, and nothing was changed. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  if (code === null) return false;
  const primary = code & 0xff;
  return primary === CODE.busy || primary === CODE.locked || primary === CODE.protocol;
}

/** What the failure of a statement (or of a commit) means. */
export function faultOf(code: number, phase: SqlitePhase): SqliteFault {
  const primary = code & 0xff;
  if (primary === CODE.busy || primary === CODE.locked || primary === CODE.protocol) return "busy";
  // SQLite reports no room before it has written the frame that commits, so nothing of it is durable.
  if (primary === CODE.full) return "full";
  if (phase === "commit") return "unknown";
  return code === IO_ERROR_SHARED_MEMORY_SIZE ? "full" : "unavailable";
}

/** A caught error as it is to be thrown: SQLite's get a meaning, all others (bugs) stay as they are. */
export function toSqliteError(error: unknown, file: string, phase: SqlitePhase): unknown {
  const code = codeOf(error);
  if (code === null || !(error instanceof Error)) return error;
  const hint = HINTS.get(code & 0xff) ?? "";
  const message = `${file}: ${error.message} (SQLite ${code}, ${phase})${hint}`;
  return new SqliteError(faultOf(code, phase), message, { cause: error });
}
