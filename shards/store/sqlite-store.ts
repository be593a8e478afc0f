/**
 * The embedded store: one SQLite file per shard, shared by its worker processes.
 * It must not hold SQL or decide anything; it says which work runs in which kind of transaction.
 *
 * A resolved `commit` is on the disk (see sqlite-connection.ts). Processes take turns at writing and never wait in the event
 * loop; reading goes on meanwhile.
 */

import type { CollectionName, ShardId, SlotId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { Placement } from "../../router/slot.ts";
import type { Pacing } from "../catalog/pacing.ts";
import { openConnection, type SqliteConnection } from "../catalog/sqlite-connection.ts";
import { SqliteError } from "../catalog/sqlite-fault.ts";
import {
  type FirstClaim,
  type LatestOpOutcome,
  type ListOutcome,
  type ListRequest,
  type OwnershipChange,
  type ReadOutcome,
  type RowAddress,
  type SlotAddress,
  type Store,
  type StoreCollection,
  StoreError,
  type StoreStatus,
  type SweepOutcome,
  type SweepRequest,
  type Write,
  type WriteOutcome,
} from "./port.ts";
import { listPage } from "./sqlite-list.ts";
import { storeSchema } from "./sqlite-schema.ts";
import {
  parseDocument,
  parseLatestOp,
  parseOwnership,
  prepareStatements,
  type Statements,
} from "./sqlite-statements.ts";
import { type SweepPositions, sweepOnce } from "./sqlite-sweep.ts";
import { applyFirstClaim, applyOwnership, applyWrite } from "./sqlite-writes.ts";

/** Where the file lies, and what every one of the shard's processes must agree on. */
export interface SqliteStoreOptions {
  readonly file: string;
  /** Whose store it is: the file remembers the first shard that opened it, and refuses every other. */
  readonly shard: ShardId;
  readonly collections: readonly StoreCollection[];
  /** Clock, chance and waiting; the real ones unless a test says otherwise. */
  readonly pacing?: Pacing;
  /** How long a write waits for other processes before it fails as `busy`, in milliseconds. */
  readonly busyMsMax?: number;
}

/** Opens the store; creates file, schema and slots where they are missing. Rejects with `StoreError`. */
export async function createSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const placements = new Map(options.collections.map(({ name, placement }) => [name, placement]));
  return translateErrors(async () => {
    const connection = await openConnection({ ...options, schema: storeSchema(options) });
    return new SqliteStore(connection, placements);
  });
}

async function translateErrors<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof SqliteError ? new StoreError(error.kind, error.message, { cause: error }) : error;
  }
}

function isReadable({ state }: Ownership): boolean {
  return state === "OWNER" || state === "FENCED";
}

class SqliteStore implements Store {
  readonly commitScope = "store";
  readonly #connection: SqliteConnection;
  readonly #placements: ReadonlyMap<CollectionName, Placement>;
  readonly #statements: Statements;
  readonly #sweepPositions: SweepPositions = new Map();

  constructor(connection: SqliteConnection, placements: ReadonlyMap<CollectionName, Placement>) {
    this.#connection = connection;
    this.#placements = placements;
    this.#statements = prepareStatements(connection.db);
  }

  read(address: RowAddress): Promise<ReadOutcome> {
    const { readDocument } = this.#statements;
    return this.#read(() => {
      const columns = readDocument.get(address.sortKey, address.collection, address.slot);
      const ownership = parseOwnership(columns);
      if (!isReadable(ownership)) return { kind: "not-owned", ownership };
      const document = parseDocument(columns);
      return { kind: "row", row: document === null ? null : { key: address.key, ...document } };
    });
  }

  latestOp(address: RowAddress): Promise<LatestOpOutcome> {
    const { readLatestOp } = this.#statements;
    return this.#read(() => {
      const columns = readLatestOp.get(address.sortKey, address.sortKey, address.collection, address.slot);
      const ownership = parseOwnership(columns);
      return isReadable(ownership) ? { kind: "op", op: parseLatestOp(columns) } : { kind: "not-owned", ownership };
    });
  }

  commit(writes: readonly Write[]): Promise<readonly WriteOutcome[]> {
    return this.#write(() => writes.map((write) => applyWrite(this.#statements, write)));
  }

  list(request: ListRequest): Promise<ListOutcome> {
    const placement = this.#placements.get(request.collection);
    return translateErrors(async () => {
      if (placement === undefined) throw new SqliteError("unavailable", `unknown collection "${request.collection}"`);
      return this.#connection.readTogether(() => listPage(this.#statements, placement, request));
    });
  }

  ownership({ collection, slot }: SlotAddress): Promise<Ownership> {
    return this.#read(() => parseOwnership(this.#statements.readOwnership.get(collection, slot)));
  }

  setOwnership(address: SlotAddress, expected: Ownership, next: Ownership): Promise<OwnershipChange> {
    return this.#write(() => {
      if (next.epoch < expected.epoch) throw new RangeError(`epoch ${expected.epoch} must not become ${next.epoch}`);
      return applyOwnership(this.#statements, { address, expected, next });
    });
  }

  claimFirst(collection: CollectionName, slots: readonly SlotId[]): Promise<FirstClaim> {
    return this.#write(() => applyFirstClaim(this.#statements, collection, slots));
  }

  hasHeld(collection: CollectionName): Promise<boolean> {
    return this.#read(() => this.#statements.heldSlots.get(collection) !== undefined);
  }

  sweep(request: SweepRequest): Promise<SweepOutcome> {
    return this.#write(() => sweepOnce(this.#statements, request, this.#sweepPositions));
  }

  /** A file is there, or every operation says why not. */
  status(): StoreStatus {
    return { kind: "ready" };
  }

  close(): Promise<void> {
    return translateErrors(() => this.#connection.close());
  }

  #read<Value>(work: () => Value): Promise<Value> {
    return translateErrors(() => this.#connection.read(work));
  }

  #write<Value>(work: () => Value): Promise<Value> {
    return translateErrors(() => this.#connection.write(work));
  }
}
