/**
 * The embedded store: one SQLite file per shard, shared by its worker processes.
 * It must not hold SQL or decide anything; it says which work runs in which kind of transaction.
 *
 * A resolved `commit` is on the disk (see sqlite-connection.ts). Processes take turns at writing and never wait in the event
 * loop; reading goes on meanwhile.
 */

import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { CollectionName, ShardId, SlotId } from "../../router/ids.ts";
import { isReadable, type Ownership } from "../../router/ownership.ts";
import type { Placement } from "../../router/slot.ts";
import { type MoveEpoch, mayCleanUp } from "../../router/slot-transition.ts";
import type { Pacing } from "../catalog/pacing.ts";
import { type Durability, openConnection, type SqliteConnection } from "../catalog/sqlite-connection.ts";
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
import { checkBounds, checkFill, checkRowsMax, SlotScale } from "./slot-row.ts";
import { listPage } from "./sqlite-list.ts";
import { readSlotNames } from "./sqlite-names.ts";
import { storeSchema } from "./sqlite-schema.ts";
import {
  parseDocument,
  parseLatestOp,
  parseOwnership,
  prepareStatements,
  type Statements,
} from "./sqlite-statements.ts";
import { type SweepPositions, sweepOnce } from "./sqlite-sweep.ts";
import {
  applyCleaning,
  applyFill,
  findNames,
  readSlotPage,
  type SlotNames,
  type SlotPlace,
  type SlotTables,
  weighRows,
} from "./sqlite-transfer.ts";
import { applyFirstClaim, applyOwnership, applyWrite } from "./sqlite-writes.ts";
import type {
  GuardedChange,
  SlotCleaning,
  SlotFill,
  SlotNamesPage,
  SlotPage,
  SlotPageRequest,
  SlotRowName,
  SlotWeight,
} from "./transfer.ts";

/** Slots whose ownership is read without a pause: some milliseconds. */
const SLOTS_PER_READ = 1024;

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
    return new SqliteStore(connection, placements, options.file);
  });
}

async function translateErrors<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof SqliteError ? new StoreError(error.kind, error.message, { cause: error }) : error;
  }
}

class SqliteStore implements Store {
  readonly commitScope = "store";
  readonly #connection: SqliteConnection;
  readonly #placements: ReadonlyMap<CollectionName, Placement>;
  readonly #file: string;
  readonly #statements: Statements;
  readonly #sweepPositions: SweepPositions = new Map();

  constructor(connection: SqliteConnection, placements: ReadonlyMap<CollectionName, Placement>, file: string) {
    this.#file = file;
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

  async list(request: ListRequest): Promise<ListOutcome> {
    const placement = this.#placementOf(request.collection);
    return this.#readTogether(() => listPage(this.#statements, placement, request));
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

  async ownerships(collection: CollectionName, slots: readonly SlotId[]): Promise<readonly Ownership[]> {
    const { readOwnership } = this.#statements;
    const found: Ownership[] = [];
    for (let first = 0; first < slots.length; first += SLOTS_PER_READ) {
      const some = slots.slice(first, first + SLOTS_PER_READ);
      found.push(
        ...(await this.#readTogether(() => some.map((slot) => parseOwnership(readOwnership.get(collection, slot))))),
      );
    }
    return found;
  }

  async weighSlot(address: SlotAddress): Promise<SlotWeight> {
    const tables = this.#tablesOf(address);
    const scale = new SlotScale();
    let place: SlotPlace | null = { address, after: null };
    while (place !== null) {
      const from: SlotPlace = place;
      const after = await this.#readTogether(() => weighRows(tables, from, scale));
      place = after === null ? null : { address, after };
    }
    return scale.weight;
  }

  slotNames(address: SlotAddress, after: SlotRowName | null): Promise<SlotNamesPage> {
    const tables = this.#tablesOf(address);
    return this.#readTogether(() => readSlotNames(tables, { address, after }));
  }

  async slotPage(request: SlotPageRequest): Promise<SlotPage> {
    checkBounds(request);
    const tables = this.#tablesOf(request.address);
    return this.#readTogether(() => readSlotPage(tables, request));
  }

  async fillSlot(fill: SlotFill): Promise<GuardedChange> {
    const tables = this.#tablesOf(fill.address);
    checkFill(tables.placement, fill);
    // Nobody is served from these rows before the slot is sealed and decided, and both flush what was written before them.
    return this.#write(() => applyFill(tables, fill), "lazy");
  }

  /** What to remove is found before the transaction that removes it: while that may be done, nobody writes there. */
  async cleanSlot(address: SlotAddress, left: MoveEpoch, rowsMax: number): Promise<SlotCleaning> {
    checkRowsMax(rowsMax);
    const tables = this.#tablesOf(address);
    const names: SlotRowName[] = [];
    let next: SlotRowName | null = null;
    do {
      const place: SlotPlace = { address, after: next };
      const found: SlotNames = await this.#readTogether(() => findNames(tables, place, rowsMax - names.length));
      if (!mayCleanUp(found.ownership, left)) return { kind: "refused", ownership: found.ownership };
      names.push(...found.names);
      next = found.next;
    } while (next !== null && names.length < rowsMax);
    return this.#write(() => applyCleaning(tables, { address, left }, { names, next }));
  }

  /** A file is there, or every operation says why not. */
  status(): StoreStatus {
    return { kind: "ready" };
  }

  /** Of the disk, which others may take, without what the log of writes may still grow by. */
  freeBytes(): number {
    const { bavail, bsize } = statfsSync(dirname(this.#file));
    return Math.max(0, bavail * bsize - this.#connection.logGrowth());
  }

  close(): Promise<void> {
    return translateErrors(() => this.#connection.close());
  }

  #tablesOf({ collection }: SlotAddress): SlotTables {
    return { statements: this.#statements, placement: this.#placementOf(collection) };
  }

  #placementOf(collection: CollectionName): Placement {
    const placement = this.#placements.get(collection);
    if (placement === undefined) throw new StoreError("unavailable", `unknown collection "${collection}"`);
    return placement;
  }

  #readTogether<Value>(work: () => Value): Promise<Value> {
    return translateErrors(() => this.#connection.readTogether(work));
  }

  #read<Value>(work: () => Value): Promise<Value> {
    return translateErrors(() => this.#connection.read(work));
  }

  #write<Value>(work: () => Value, durability: Durability = "flushed"): Promise<Value> {
    return translateErrors(() => this.#connection.write(work, durability));
  }
}
