/**
 * The catalog in DynamoDB, for shards on several machines.
 * It must not be asked on the data path, and must not make its table: `zgate schema apply` does.
 */
import type { DynamoDB } from "@aws-sdk/client-dynamodb";
import type { CollectionName, MapVersion, ShardId } from "../../router/ids.ts";
import type { ShardMap } from "../../router/shard-map.ts";
import { type DynamodbAddress, openClient } from "./dynamodb-client.ts";
import { claimItem, KEY } from "./dynamodb-layout.ts";
import {
  createMap,
  lostVersion,
  newItem,
  publishMap,
  readAudit,
  readHead,
  readVersion,
  readVersions,
} from "./dynamodb-maps.ts";
import { changeMove, createMove, dropLease, readMove, readMoves, takeLease } from "./dynamodb-moves.ts";
import { checkLayout } from "./dynamodb-schema.ts";
import { DynamodbOperation, type DynamodbTableOptions, type Step } from "./dynamodb-table.ts";
import { type Pacing, SYSTEM_PACING } from "./pacing.ts";
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

/** Where the catalog lies, and how patient it is. */
export interface DynamodbCatalogOptions extends DynamodbAddress {
  /** Clock, chance and waiting; the real ones unless a test says otherwise. */
  readonly pacing?: Pacing;
  /** How long an operation goes on trying, in milliseconds; 10 s unless given. One last request may come on top. */
  readonly patienceMs?: number;
  /** A client to use instead of an own one; it stays open. */
  readonly client?: DynamoDB;
}

const PATIENCE_MS = 10_000;

/** Opens the catalog. Rejects with `CatalogError`: no table, no credentials, or nobody who answers. */
export async function createDynamodbCatalog(options: DynamodbCatalogOptions): Promise<Catalog> {
  const { pacing = SYSTEM_PACING, patienceMs = PATIENCE_MS } = options;
  const client = options.client ?? (await openClient(options));
  const close = (): void => {
    if (options.client === undefined) client.destroy();
  };
  const table = { client, address: options, pacing, patienceMs };
  try {
    await checkLayout(table);
  } catch (error) {
    close();
    throw error;
  }
  return new DynamodbCatalog(table, close);
}

/** A version that the head named, to be used for as long as it does: versions never change. */
interface KnownMap {
  readonly map: ShardMap;
  readonly writer: string;
}

class DynamodbCatalog implements Catalog {
  readonly #table: DynamodbTableOptions;
  readonly #close: () => void;
  readonly #known = new Map<CollectionName, KnownMap>();
  #isClosed = false;

  constructor(table: DynamodbTableOptions, close: () => void) {
    this.#table = table;
    this.#close = close;
  }

  async create(map: ShardMap, author: Author): Promise<PublishOutcome> {
    if (map.version !== 1 || map.parent !== 0) {
      throw new CatalogError(`expected version 1 with parent 0, got ${map.version} with parent ${map.parent}`);
    }
    return createMap(this.#begin(), map, author);
  }

  async publish(map: ShardMap, author: Author): Promise<PublishOutcome> {
    if (map.parent < 1 || map.version !== map.parent + 1) {
      throw new CatalogError(`expected the version after its parent, got ${map.version} with parent ${map.parent}`);
    }
    return publishMap(this.#begin(), map, author);
  }

  async current(collection: CollectionName): Promise<ShardMap | null> {
    const operation = this.#begin();
    const head = await readHead(operation, collection);
    if (head === null) return null;
    const known = this.#known.get(collection);
    if (known?.map.version === head.version && known.writer === head.writer) return known.map;
    const map = await readVersion(operation, collection, head.version);
    if (map === null) throw lostVersion(collection, head.version);
    this.#known.set(collection, { map, writer: head.writer });
    return map;
  }

  async version(collection: CollectionName, version: MapVersion): Promise<ShardMap | null> {
    return readVersion(this.#begin(), collection, version);
  }

  async versions(collection: CollectionName, page: VersionsPage): Promise<readonly PublishedMap[]> {
    return readVersions(this.#begin(), collection, page);
  }

  async audit(collection: CollectionName, page: AuditPage): Promise<readonly AuditEntry[]> {
    return readAudit(this.#begin(), collection, page);
  }

  async createMove(intent: MoveIntent, author: Author): Promise<MoveCreation> {
    return createMove(this.#begin(), intent, author);
  }

  async updateMove(id: string, change: MoveChange, author: Author): Promise<MoveUpdate> {
    return changeMove(this.#begin(), id, { change, author });
  }

  async move(id: string): Promise<Move | null> {
    return (await readMove(this.#begin(), id))?.move ?? null;
  }

  async moves(collection: CollectionName | null, page: MovesPage): Promise<readonly Move[]> {
    return readMoves(this.#begin(), collection, page);
  }

  async acquireLease(name: string, request: LeaseRequest): Promise<LeaseOutcome> {
    return takeLease(this.#begin(), name, request);
  }

  async releaseLease(name: string, holder: string): Promise<void> {
    await dropLease(this.#begin(), name, holder);
  }

  async hasClaimed(collection: CollectionName, shard: ShardId): Promise<boolean> {
    return (await this.#begin().get(KEY.claim(collection, shard))) !== null;
  }

  async recordClaim(collection: CollectionName, shard: ShardId, author: Author): Promise<void> {
    const operation = this.#begin();
    await operation.settle(async (): Promise<Step<void>> => {
      const found = await operation.get(KEY.claim(collection, shard));
      if (found !== null) return { kind: "answer", value: undefined };
      return { kind: "write", items: [newItem(claimItem(collection, shard, author))], value: undefined };
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#close();
  }

  #begin(): DynamodbOperation {
    if (this.#isClosed) throw new CatalogError(`DynamoDB table "${this.#table.address.table}": the catalog is closed`);
    return new DynamodbOperation(this.#table);
  }
}
