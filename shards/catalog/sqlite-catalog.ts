/**
 * The catalog of one machine: a SQLite file that the shards and the command line share.
 * It must not be asked on the data path.
 */
import type { DatabaseSync } from "node:sqlite";
import type { CollectionName, MapVersion, ShardId } from "../../router/ids.ts";
import type { ShardMap } from "../../router/shard-map.ts";
import type { Pacing } from "./pacing.ts";
import {
  type AuditEntry,
  type AuditPage,
  type Author,
  type Catalog,
  CatalogError,
  type LeaseOutcome,
  type LeaseRequest,
  type Move,
  type MoveChange,
  type MoveCreation,
  type MoveIntent,
  type MovesPage,
  type MoveUpdate,
  type PublishedMap,
  type PublishOutcome,
  type VersionsPage,
} from "./port.ts";
import { CATALOG_SCHEMA } from "./sqlite-catalog-schema.ts";
import { openConnection, type SqliteConnection } from "./sqlite-connection.ts";
import { SqliteError } from "./sqlite-fault.ts";
import {
  changeMove,
  dropLease,
  insertMove,
  readAudit,
  readMove,
  readMoves,
  recordDeed,
  takeLease,
} from "./sqlite-moves.ts";

const SQL = {
  insertHead: "INSERT OR IGNORE INTO heads (collection, version) VALUES (?, 1)",
  raiseHead: "UPDATE heads SET version = version + 1 WHERE collection = ? AND version = ?",
  insertVersion: `
    INSERT INTO versions (collection, version, parent, ranges, writer, action, actor, at_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  isWrittenBy: "SELECT 1 FROM versions WHERE collection = ? AND version = ? AND writer = ?",
  version: "SELECT version, parent, ranges, actor, at_ms FROM versions WHERE collection = ? AND version = ?",
  current: `
    SELECT versions.version, parent, ranges, actor, at_ms
    FROM heads JOIN versions ON versions.collection = heads.collection AND versions.version = heads.version
    WHERE heads.collection = ?`,
  versions: `
    SELECT version, parent, ranges, actor, at_ms FROM versions
    WHERE collection = :collection AND (:before IS NULL OR version < :before)
    ORDER BY version DESC LIMIT :limit`,
  hasClaim: "SELECT 1 FROM claims WHERE collection = ? AND shard = ?",
  insertClaim: "INSERT OR IGNORE INTO claims (collection, shard, actor, at_ms) VALUES (?, ?, ?, ?)",
} as const;

/** Where the catalog lies. */
export interface SqliteCatalogOptions {
  readonly file: string;
  /** Clock, chance and waiting; the real ones unless a test says otherwise. */
  readonly pacing?: Pacing;
}

/** Opens the catalog; creates the file where it is missing. Rejects with `CatalogError`. */
export async function createSqliteCatalog(options: SqliteCatalogOptions): Promise<Catalog> {
  return translateErrors(async () => new SqliteCatalog(await openConnection({ ...options, schema: CATALOG_SCHEMA })));
}

async function translateErrors<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof SqliteError ? new CatalogError(error.message, { cause: error }) : error;
  }
}

interface Publication {
  readonly map: ShardMap;
  readonly author: Author;
  readonly action: "create" | "publish";
}

class SqliteCatalog implements Catalog {
  readonly #connection: SqliteConnection;
  readonly #db: DatabaseSync;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#db = connection.db;
  }

  async create(map: ShardMap, author: Author): Promise<PublishOutcome> {
    if (map.version !== 1 || map.parent !== 0) {
      throw new CatalogError(`expected version 1 with parent 0, got ${map.version} with parent ${map.parent}`);
    }
    return this.#write(() => this.#publish({ map, author, action: "create" }));
  }

  async publish(map: ShardMap, author: Author): Promise<PublishOutcome> {
    if (map.parent < 1 || map.version !== map.parent + 1) {
      throw new CatalogError(`expected the version after its parent, got ${map.version} with parent ${map.parent}`);
    }
    return this.#write(() => this.#publish({ map, author, action: "publish" }));
  }

  current(collection: CollectionName): Promise<ShardMap | null> {
    return this.#read(() => this.#findCurrent(collection));
  }

  version(collection: CollectionName, version: MapVersion): Promise<ShardMap | null> {
    return this.#read(() => parseMap(collection, this.#db.prepare(SQL.version).get(collection, version)));
  }

  versions(collection: CollectionName, page: VersionsPage): Promise<readonly PublishedMap[]> {
    const { limit, before = null } = page;
    return this.#read(() => {
      const rows = this.#db.prepare(SQL.versions).all({ collection, before, limit });
      return rows.map((row) => parsePublished(collection, row));
    });
  }

  audit(collection: CollectionName, page: AuditPage): Promise<readonly AuditEntry[]> {
    return this.#read(() => readAudit(this.#db, collection, page));
  }

  createMove(intent: MoveIntent, author: Author): Promise<MoveCreation> {
    return this.#write(() => insertMove(this.#db, intent, author));
  }

  updateMove(id: string, change: MoveChange, author: Author): Promise<MoveUpdate> {
    return this.#write(() => changeMove(this.#db, id, { change, author }));
  }

  move(id: string): Promise<Move | null> {
    return this.#read(() => readMove(this.#db, id));
  }

  moves(collection: CollectionName | null, page: MovesPage): Promise<readonly Move[]> {
    return translateErrors(() => this.#connection.readTogether(() => readMoves(this.#db, collection, page)));
  }

  acquireLease(name: string, request: LeaseRequest): Promise<LeaseOutcome> {
    return this.#write(() => takeLease(this.#db, name, request));
  }

  async releaseLease(name: string, holder: string): Promise<void> {
    await this.#write(() => dropLease(this.#db, name, holder));
  }

  hasClaimed(collection: CollectionName, shard: ShardId): Promise<boolean> {
    return this.#read(() => this.#db.prepare(SQL.hasClaim).get(collection, shard) !== undefined);
  }

  async recordClaim(collection: CollectionName, shard: ShardId, author: Author): Promise<void> {
    await this.#write(() => this.#db.prepare(SQL.insertClaim).run(collection, shard, author.actor, author.atMs));
  }

  close(): Promise<void> {
    return translateErrors(() => this.#connection.close());
  }

  #publish({ map, author, action }: Publication): PublishOutcome {
    const { collection, version, parent } = map;
    if (this.#isOwnSuccess(map, author)) return { kind: "published" };
    if (!this.#raiseHead(map)) return this.#conflict(collection);
    const ranges = JSON.stringify(map.ranges);
    const { writer, actor, atMs } = author;
    this.#db.prepare(SQL.insertVersion).run(collection, version, parent, ranges, writer, action, actor, atMs);
    recordDeed(this.#db, { collection, action, version, move: null }, author);
    return { kind: "published" };
  }

  /** A version with the author's own token was published by an earlier attempt whose answer was lost. */
  #isOwnSuccess({ collection, version }: ShardMap, { writer }: Author): boolean {
    return this.#db.prepare(SQL.isWrittenBy).get(collection, version, writer) !== undefined;
  }

  /** The compare-and-set: whether the head went from the map's parent to the map. */
  #raiseHead({ collection, parent }: ShardMap): boolean {
    const { changes } =
      parent === 0
        ? this.#db.prepare(SQL.insertHead).run(collection)
        : this.#db.prepare(SQL.raiseHead).run(collection, parent);
    return changes === 1;
  }

  #conflict(collection: CollectionName): PublishOutcome {
    const current = this.#findCurrent(collection);
    if (current === null) throw new CatalogError(`collection "${collection}" was never created`);
    return { kind: "conflict", current };
  }

  #findCurrent(collection: CollectionName): ShardMap | null {
    return parseMap(collection, this.#db.prepare(SQL.current).get(collection));
  }

  #read<Value>(work: () => Value): Promise<Value> {
    return translateErrors(() => this.#connection.read(work));
  }

  #write<Value>(work: () => Value): Promise<Value> {
    return translateErrors(() => this.#connection.write(work));
  }
}

type Columns = Readonly<Record<string, unknown>>;

function parseMap(collection: CollectionName, columns: Columns | undefined): ShardMap | null {
  return columns === undefined ? null : parsePublished(collection, columns).map;
}

function parsePublished(collection: CollectionName, columns: Columns): PublishedMap {
  const map = {
    collection,
    version: columns["version"] as MapVersion,
    parent: columns["parent"] as number,
    ranges: JSON.parse(columns["ranges"] as string) as ShardMap["ranges"],
  };
  return { map, actor: columns["actor"] as string, atMs: columns["at_ms"] as number };
}
