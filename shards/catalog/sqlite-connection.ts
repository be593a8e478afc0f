/**
 * One process' connection to a SQLite file that several processes share: opening, schema versions, transactions, waiting for
 * the write lock without blocking the event loop.
 * It must not know what the tables hold.
 *
 * Durability: with WAL and synchronous=FULL the log is flushed to the disk (fsync) before COMMIT returns. What was
 * committed survives the death of the process and a power failure, as far as the disk keeps what it has flushed. A write may leave
 * that to the next one (synchronous=NORMAL): the log keeps their order, so that whatever is flushed has all before it.
 * https://sqlite.org/pragma.html#pragma_synchronous
 */
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Pacing, SYSTEM_PACING } from "./pacing.ts";
import { ReadGroup, readTogether } from "./read-group.ts";
import { isBusy, SqliteError, toSqliteError } from "./sqlite-fault.ts";
import { WriteTurns } from "./write-turns.ts";

/** How long a transaction waits for the write lock of another process, in milliseconds. */
const BUSY_MS_MAX = 5000;

/** Beyond this many pages of 4 KiB each commit writes the log back into the file, so that it can start anew. */
const CHECKPOINT_PAGES = 4000;
/** Several busy writers can outrun that. From this size on they are stopped for as long as writing back takes. */
const LOG_BYTES_MAX = 32 * 1024 * 1024;
/** How many commits lie between two looks at the log's size. */
const LOG_CHECK_COMMITS = 8;
const CACHE_KIB = 32 * 1024;

/** `lazy`: survives the death of the process at once, and a power failure once a later `flushed` write has changed something. */
export type Durability = keyof typeof SYNCHRONOUS;

const SYNCHRONOUS = { flushed: "FULL", lazy: "NORMAL" } as const;

/** What a file holds. `migrations[n]` takes schema version n to n + 1 and may never change once released. */
export interface SqliteSchema {
  readonly migrations: readonly string[];
  /** Runs after the migrations in the same transaction, at every opening. */
  prepare(db: DatabaseSync): void;
}

/** Where and how to connect. */
export interface ConnectionOptions {
  readonly file: string;
  readonly schema: SqliteSchema;
  readonly pacing?: Pacing;
  readonly busyMsMax?: number;
}

/**
 * Opens `file`, making its directory, the file and the schema where they are missing. Several processes may do so at once.
 * Rejects with `SqliteError`.
 */
export async function openConnection(options: ConnectionOptions): Promise<SqliteConnection> {
  const connection = new SqliteConnection(openDatabase(options.file), options);
  try {
    await connection.initialise();
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function openDatabase(file: string): DatabaseSync {
  try {
    mkdirSync(dirname(file), { recursive: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SqliteError("unavailable", `${file}: its directory cannot be made: ${reason}`, { cause: error });
  }
  try {
    return new DatabaseSync(file, { timeout: 0 });
  } catch (error) {
    throw toSqliteError(error, file, "open");
  }
}

/** All rejections are `SqliteError`, except for what the given work throws by itself. */
export class SqliteConnection {
  readonly db: DatabaseSync;
  readonly #file: string;
  readonly #schema: SqliteSchema;
  readonly #pacing: Pacing;
  readonly #busyMsMax: number;
  readonly #reads: ReadGroup;
  readonly #turns: WriteTurns;
  /** Settles when the latest write has ended; writes of one process go one after the other, in order of arrival. */
  #lastWrite: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | null = null;
  #commits = 0;
  #durability: Durability = "flushed";

  constructor(db: DatabaseSync, options: ConnectionOptions) {
    this.db = db;
    this.#reads = new ReadGroup(db);
    this.#file = options.file;
    this.#schema = options.schema;
    this.#pacing = options.pacing ?? SYSTEM_PACING;
    this.#busyMsMax = options.busyMsMax ?? BUSY_MS_MAX;
    this.#turns = new WriteTurns(options.file, this.#pacing);
  }

  /** Settings and schema. To be awaited once, before anything else. */
  async initialise(): Promise<void> {
    await this.#whileBusy(() => {
      this.#keepLog();
      this.db.exec(`
        PRAGMA synchronous = ${SYNCHRONOUS.flushed};
        PRAGMA fullfsync = ON;
        PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
        PRAGMA journal_size_limit = ${LOG_BYTES_MAX};
        PRAGMA cache_size = -${CACHE_KIB};
        PRAGMA temp_store = MEMORY;
      `);
    });
    await this.write(() => {
      migrate(this.db, this.#file, this.#schema.migrations);
      this.#schema.prepare(this.db);
    });
  }

  /** Runs `work`, one statement that only reads, soon: together with the other reads of this turn of the event loop. */
  async read<Value>(work: () => Value): Promise<Value> {
    this.#assertOpen();
    try {
      return await this.#reads.run(work);
    } catch (error) {
      // Reads never wait for writers; only a recovery or the last closing of another process can be in the way.
      if (!isBusy(error)) throw toSqliteError(error, this.#file, "statement");
    }
    return this.#whileBusy(work);
  }

  /** Runs `work`, several statements that only read, on one state of the database. */
  readTogether<Value>(work: () => Value): Promise<Value> {
    return this.read(() => readTogether(this.db, work));
  }

  /** Runs `work` in a transaction that is as durable as asked for when this resolves, or has changed nothing when it throws. */
  async write<Value>(work: () => Value, durability: Durability = "flushed"): Promise<Value> {
    this.#assertOpen();
    const before = this.#lastWrite;
    const turn = this.#inTurn(before, (sinceMs) => this.#transactAs({ durability, sinceMs }, work));
    this.#lastWrite = turn.catch(() => undefined);
    return turn;
  }

  /** Bytes that the log may grow by before it is written back. */
  logGrowth(): number {
    const size = statSync(`${this.#file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    return Math.max(0, LOG_BYTES_MAX - size);
  }

  /** Waits for the writes under way, then closes the file. Repeating it waits for the same. */
  close(): Promise<void> {
    this.#closed ??= this.#lastWrite.then(() => {
      this.#reads.flush();
      this.db.close();
    });
    return this.#closed;
  }

  async #inTurn<Value>(before: Promise<unknown>, transact: (sinceMs: number) => () => Value): Promise<Value> {
    const deadline = this.#pacing.now() + this.#busyMsMax;
    await before;
    await this.#turns.giveWay();
    const sinceMs = this.#pacing.now();
    const outcome = await this.#whileBusy(() => transact(sinceMs), deadline);
    return outcome();
  }

  /** The outcome as a function, for a failure of `work` is not to be retried. Throws when the transaction could not begin. */
  #transactAs<Value>(
    { durability, sinceMs }: { readonly durability: Durability; readonly sinceMs: number },
    work: () => Value,
  ): () => Value {
    this.#setDurability(durability);
    this.#beginInTurn(sinceMs);
    // From here to the end of the transaction nothing may wait: reads of this connection would be part of it.
    return this.#transact(work);
  }

  /** Not within a transaction. Where it fails nothing is written. */
  #setDurability(durability: Durability): void {
    if (this.#durability === durability) return;
    this.db.exec(`PRAGMA synchronous = ${SYNCHRONOUS[durability]}`);
    this.#durability = durability;
  }

  #beginInTurn(sinceMs: number): void {
    try {
      this.db.exec("BEGIN IMMEDIATE");
    } catch (error) {
      if (isBusy(error)) this.#turns.waited(sinceMs);
      throw error;
    }
    this.#turns.came(sinceMs);
  }

  /** Runs `work` in the transaction that is open and ends it. */
  #transact<Value>(work: () => Value): () => Value {
    try {
      const value = this.#workAndCommit(work);
      return () => value;
    } catch (error) {
      return () => {
        throw error;
      };
    }
  }

  #workAndCommit<Value>(work: () => Value): Value {
    let value: Value;
    try {
      value = work();
    } catch (error) {
      this.#rollBack();
      throw toSqliteError(error, this.#file, "statement");
    }
    this.#commit();
    this.#turns.committed();
    this.#boundLog();
    return value;
  }

  #commit(): void {
    try {
      this.db.exec("COMMIT");
    } catch (error) {
      this.#rollBack();
      throw toSqliteError(error, this.#file, "commit");
    }
  }

  #keepLog(): void {
    const mode = this.db.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
    if (mode === "wal") return;
    const reason = `needs a write-ahead log, its file system allows only "${String(mode)}"; put it on a local disk`;
    throw new SqliteError("unavailable", `${this.#file}: ${reason}`);
  }

  #boundLog(): void {
    this.#commits += 1;
    if (this.#commits % LOG_CHECK_COMMITS !== 0) return;
    const log = statSync(`${this.#file}-wal`, { throwIfNoEntry: false });
    if (log === undefined || log.size < LOG_BYTES_MAX) return;
    try {
      this.db.exec("PRAGMA wal_checkpoint(RESTART)");
    } catch {
      // What was asked for is committed. A disk that cannot take the log back will refuse the next commit, in so many words.
    }
  }

  #rollBack(): void {
    // SQLite may have rolled back by itself already, and says so only by refusing.
    if (this.db.isTransaction) this.db.exec("ROLLBACK");
  }

  #assertOpen(): void {
    if (this.#closed !== null) throw new SqliteError("unavailable", `${this.#file}: is closed`);
  }

  /** Tries `work` until nothing is in its way. */
  async #whileBusy<Value>(work: () => Value, deadline = this.#pacing.now() + this.#busyMsMax): Promise<Value> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || this.#pacing.now() >= deadline) throw toSqliteError(error, this.#file, "statement");
      }
      await this.#pacing.sleep(busyDelayMs(attempt, this.#pacing.random()));
      if (!this.db.isOpen) this.#assertOpen();
    }
  }
}

/** Attempts that follow each other at once: a transaction of another process often ends within a turn. */
const IMMEDIATE_ATTEMPTS = 2;
const DELAY_MS_MAX = 3;

function busyDelayMs(attempt: number, random: number): number {
  return attempt < IMMEDIATE_ATTEMPTS ? 0 : 1 + random * Math.min(attempt - IMMEDIATE_ATTEMPTS, DELAY_MS_MAX - 1);
}

function migrate(db: DatabaseSync, file: string, migrations: readonly string[]): void {
  const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > migrations.length) {
    const known = migrations.length;
    throw new SqliteError("unavailable", `${file}: has schema version ${version}, this program knows up to ${known}`);
  }
  for (const migration of migrations.slice(version)) db.exec(migration);
  if (version < migrations.length) db.exec(`PRAGMA user_version = ${migrations.length}`);
}
