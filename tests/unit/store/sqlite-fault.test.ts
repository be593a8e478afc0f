// What each failure of SQLite means, and how long a transaction waits for others.
// Must not open a file.
import { describe, expect, it } from "vitest";
import { faultOf, isBusy, SqliteError, toSqliteError } from "../../../shards/catalog/sqlite-fault.ts";

function sqliteFailure(errcode: number): Error {
  return Object.assign(new Error("went wrong"), { code: "ERR_SQLITE_ERROR", errcode });
}

describe("faultOf", () => {
  it.each([
    ["SQLITE_BUSY", 5, "statement", "busy"],
    ["SQLITE_BUSY_RECOVERY", 261, "statement", "busy"],
    ["SQLITE_BUSY at the commit", 5, "commit", "busy"],
    ["SQLITE_PROTOCOL", 15, "statement", "busy"],
    ["SQLITE_FULL", 13, "statement", "full"],
    ["SQLITE_FULL at the commit", 13, "commit", "full"],
    ["SQLITE_IOERR_SHMSIZE", 4874, "statement", "full"],
    ["SQLITE_IOERR_SHMSIZE at the commit", 4874, "commit", "unknown"],
    ["SQLITE_IOERR_WRITE", 778, "statement", "unavailable"],
    ["SQLITE_IOERR_FSYNC at the commit", 1034, "commit", "unknown"],
    ["SQLITE_NOMEM at the commit", 7, "commit", "unknown"],
    ["SQLITE_READONLY", 8, "statement", "unavailable"],
    ["SQLITE_CANTOPEN", 14, "open", "unavailable"],
    ["SQLITE_CORRUPT", 11, "statement", "unavailable"],
  ] as const)("takes %s for what it is", (_name, code, phase, fault) => {
    expect(faultOf(code, phase)).toBe(fault);
  });
});

describe("toSqliteError", () => {
  it("names file, code and what to look at, and keeps the cause", () => {
    const cause = sqliteFailure(14);
    const error = toSqliteError(cause, "/data/store.db", "open");
    expect(error).toBeInstanceOf(SqliteError);
    expect(error).toMatchObject({ kind: "unavailable", cause });
    expect(String(error)).toMatch(/\/data\/store\.db: went wrong \(SQLite 14, open\); check that its directory/);
  });

  it.each([new RangeError("a bug"), "text", null])("leaves %s alone", (error) => {
    expect(toSqliteError(error, "file", "statement")).toBe(error);
    expect(isBusy(error)).toBe(false);
  });
});
