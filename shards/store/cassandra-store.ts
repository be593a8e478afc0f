/**
 * The store over Cassandra: a keyspace per shard, a table per collection, a partition per slot.
 * It must not hold CQL or decide anything; it says which part does what, and translates failures.
 *
 * What must be true of the schema: `zgate schema apply` (shards/cassandra). Several processes share a keyspace.
 */
import { randomInt, randomUUID } from "node:crypto";
import type { CollectionName, ShardId, SlotId } from "../../router/ids.ts";
import { isReadable, type Ownership } from "../../router/ownership.ts";
import type { Placement } from "../../router/slot.ts";
import type { MoveEpoch } from "../../router/slot-transition.ts";
import type { CassandraSession, Columns } from "../cassandra/session.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Logger } from "../log.ts";
import { COMMIT_MS_MAX, type CommitServices, commitGroup } from "./cassandra-commit.ts";
import { isBroken, storeErrorOf } from "./cassandra-fault.ts";
import { type CleaningPositions, cleanCassandraSlot, fillCassandraSlot } from "./cassandra-fill.ts";
import { LIST_BUDGET, type ListBudget, type ListExperience, listCassandra } from "./cassandra-list.ts";
import { MEMORY_LIMITS, type MemoryLimits, SlotMemory } from "./cassandra-memory.ts";
import { claimFirst, hasHeld, type OwnershipTable, readOwnership, setOwnership } from "./cassandra-ownership.ts";
import { ReadGroups, type SendGroup } from "./cassandra-read-groups.ts";
import { parseDocumentOf, parseIdentity, parseOwnership } from "./cassandra-rows.ts";
import { SlotQueue } from "./cassandra-slot-queue.ts";
import { ClaimStatements, readIdentity, TableStatements } from "./cassandra-statements.ts";
import { type SweepPositions, sweepOnce } from "./cassandra-sweep.ts";
import {
  readAllOwnerships,
  readNamesPage,
  readSlotPage,
  type SlotSource,
  weighCassandraSlot,
} from "./cassandra-transfer.ts";
import type { StoredDocument } from "./decide-write.ts";
import {
  type FirstClaim,
  type LatestOpOutcome,
  type ListOutcome,
  type ListRequest,
  type OwnershipChange,
  type ReadOutcome,
  type Row,
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
import { checkBounds, checkFill, checkRowsMax } from "./slot-row.ts";
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

/** Where the data lie, and what this process may remember. */
export interface CassandraStoreOptions {
  /** Taken over: it is closed with the store. */
  readonly session: CassandraSession;
  readonly keyspace: string;
  readonly shard: ShardId;
  readonly collections: readonly StoreCollection[];
  readonly log: Logger;
  readonly memory?: Partial<MemoryLimits>;
  readonly listBudget?: Partial<ListBudget>;
  readonly clock?: Clock;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/** Rows in which the processes of a shard leave their traces: more than there are processes, and few enough to stay for ever. */
const TRACE_KEYS = 64;

interface Table {
  readonly placement: Placement;
  readonly statements: TableStatements;
  readonly reads: ReadGroups<readonly Columns[]>;
}

/** The keyspace is another shard's, or nobody's: waiting does not help. */
export class ForeignKeyspaceError extends StoreError {
  constructor(message: string) {
    super("unavailable", message);
    this.name = "ForeignKeyspaceError";
  }
}

/** Opens the store. The tables must be there, and be this shard's. Rejects with `StoreError`. */
export async function createCassandraStore(options: CassandraStoreOptions): Promise<Store> {
  const { session, keyspace, shard } = options;
  const [identity] = await session.readSerial(readIdentity(keyspace)).catch((error: unknown) => {
    throw storeErrorOf(error);
  });
  const known = parseIdentity(identity) ?? "nobody";
  if (known !== shard) {
    const reason = `is the store of shard "${known}", and shard "${shard}" must not serve it`;
    throw new ForeignKeyspaceError(`keyspace ${keyspace}: ${reason}`);
  }
  return new CassandraStore(options);
}

class CassandraStore implements Store {
  readonly commitScope = "slot";
  readonly #session: CassandraSession;
  readonly #log: Logger;
  readonly #tables: ReadonlyMap<CollectionName, Table>;
  readonly #claims: ClaimStatements;
  readonly #commits: CommitServices;
  readonly #queue: SlotQueue;
  readonly #listBudget: ListBudget;
  readonly #listExperience: ListExperience = new Map();
  readonly #sweepPositions: SweepPositions = new Map();
  readonly #cleaningPositions: CleaningPositions = new Map();
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | null = null;

  constructor(options: CassandraStoreOptions) {
    const { session, keyspace, collections, clock = systemClock, random = Math.random } = options;
    this.#session = session;
    this.#log = options.log;
    this.#queue = new SlotQueue(clock);
    this.#listBudget = { ...LIST_BUDGET, ...options.listBudget };
    this.#tables = new Map(
      collections.map(({ name, placement }) => {
        const statements = new TableStatements(keyspace, name);
        const send: SendGroup<readonly Columns[]> = (slot, keys, onSent) =>
          this.#queue.runRead(`${name} ${slot}`, () => {
            onSent();
            return readDocuments({ session, statements }, slot, keys);
          });
        return [name, { placement, statements, reads: new ReadGroups(send, clock) }];
      }),
    );
    this.#claims = new ClaimStatements(keyspace);
    const memory = new SlotMemory({ ...MEMORY_LIMITS, ...options.memory });
    const traceKey = `process-${randomInt(TRACE_KEYS)}`;
    this.#commits = { session, memory, clock, random, newBatchId: randomUUID, traceKey };
  }

  read(address: RowAddress): Promise<ReadOutcome> {
    return this.#run(address.collection, async (table) => {
      const rows = await table.reads.read(address.slot, address.key);
      const { ownership, document } = contentOf(rows, address);
      if (!isReadable(ownership)) return { kind: "not-owned", ownership };
      return { kind: "row", row: rowOf(address, document) };
    });
  }

  latestOp(address: RowAddress): Promise<LatestOpOutcome> {
    return this.#run(address.collection, async ({ statements }) => {
      // Somebody waits to be told what became of a write: on its own, and at once.
      const rows = await this.#session.readSerial(statements.readDocument(address.slot, address.key), "urgent");
      const { ownership, document } = contentOf(rows, address);
      if (!isReadable(ownership)) return { kind: "not-owned", ownership };
      return { kind: "op", op: document?.op ?? null };
    });
  }

  commit(writes: readonly Write[]): Promise<readonly WriteOutcome[]> {
    const [first] = writes;
    if (first === undefined) return Promise.resolve([]);
    const { collection, slot } = first.address;
    return this.#run(collection, ({ statements }) => {
      const endsAtMs = this.#commits.clock.nowMs() + COMMIT_MS_MAX;
      const group = { statements, address: { collection, slot }, writes, endsAtMs };
      return this.#queue.run(`${collection} ${slot}`, () => commitGroup(this.#commits, group));
    });
  }

  list(request: ListRequest): Promise<ListOutcome> {
    return this.#run(request.collection, ({ placement, statements }) =>
      listCassandra(
        {
          session: this.#session,
          table: statements.table,
          placement,
          experience: this.#listExperience,
          clock: this.#commits.clock,
          budget: this.#listBudget,
        },
        request,
      ),
    );
  }

  ownership({ collection, slot }: SlotAddress): Promise<Ownership> {
    return this.#run(collection, ({ statements }) => readOwnership({ session: this.#session, statements }, slot));
  }

  setOwnership({ collection, slot }: SlotAddress, expected: Ownership, next: Ownership): Promise<OwnershipChange> {
    return this.#run(collection, ({ statements }) =>
      setOwnership({ session: this.#session, statements }, { slot, expected, next }),
    );
  }

  claimFirst(collection: CollectionName, slots: readonly SlotId[]): Promise<FirstClaim> {
    return this.#run(collection, ({ statements }) =>
      claimFirst({ session: this.#session, statements }, { claims: this.#claims, collection, slots }),
    );
  }

  hasHeld(collection: CollectionName): Promise<boolean> {
    return this.#run(collection, ({ statements }) => hasHeld({ session: this.#session, statements }));
  }

  sweep(request: SweepRequest): Promise<SweepOutcome> {
    const { collection } = request;
    return this.#run(collection, ({ placement, statements }) => {
      const source = {
        session: this.#session,
        table: statements.table,
        inTurn: <Value>(slot: SlotId, work: () => Promise<Value>) => this.#queue.run(`${collection} ${slot}`, work),
        placement,
      };
      return sweepOnce(source, request, this.#sweepPositions);
    });
  }

  ownerships(collection: CollectionName, slots: readonly SlotId[]): Promise<readonly Ownership[]> {
    return this.#run(collection, (table) => readAllOwnerships(this.#sourceOf(table), slots));
  }

  weighSlot({ collection, slot }: SlotAddress): Promise<SlotWeight> {
    return this.#run(collection, (table) => weighCassandraSlot(this.#sourceOf(table), { collection, slot }));
  }

  slotNames({ collection, slot }: SlotAddress, after: SlotRowName | null): Promise<SlotNamesPage> {
    return this.#run(collection, (table) => readNamesPage(this.#sourceOf(table), slot, after));
  }

  slotPage(request: SlotPageRequest): Promise<SlotPage> {
    return this.#run(request.address.collection, async (table) => {
      checkBounds(request);
      return readSlotPage(this.#sourceOf(table), request);
    });
  }

  fillSlot(fill: SlotFill): Promise<GuardedChange> {
    const { collection, slot } = fill.address;
    return this.#run(collection, async ({ placement, statements }) => {
      checkFill(placement, fill);
      const table = { session: this.#session, statements };
      return this.#queue.run(`${collection} ${slot}`, () => fillCassandraSlot(table, fill));
    });
  }

  cleanSlot({ collection, slot }: SlotAddress, left: MoveEpoch, rowsMax: number): Promise<SlotCleaning> {
    return this.#run(collection, async ({ statements }) => {
      checkRowsMax(rowsMax);
      const table = { session: this.#session, statements };
      const step = { address: { collection, slot }, left, rowsMax };
      return this.#queue.run(`${collection} ${slot}`, () => cleanCassandraSlot(table, step, this.#cleaningPositions));
    });
  }

  status(): StoreStatus {
    return this.#session.status();
  }

  freeBytes(): null {
    return null;
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#underWay).then(() => this.#session.close());
    return this.#closing;
  }

  #sourceOf({ statements }: Table): SlotSource {
    return { session: this.#session, table: statements.table };
  }

  async #run<Value>(collection: CollectionName, work: (table: Table) => Promise<Value>): Promise<Value> {
    if (this.#closing !== null) throw new StoreError("unavailable", "the store is closed");
    const table = this.#tables.get(collection);
    if (table === undefined) throw new StoreError("unavailable", `unknown collection "${collection}"`);
    const working = work(table);
    this.#underWay.add(working);
    try {
      return await working;
    } catch (error) {
      if (isBroken(error)) this.#log("error", "store-broken", { collection, error: error.message });
      throw storeErrorOf(error);
    } finally {
      this.#underWay.delete(working);
    }
  }
}

/** One key alone has the statement that brings one row. */
async function readDocuments({ session, statements }: OwnershipTable, slot: SlotId, keys: readonly string[]) {
  const [first, ...others] = keys;
  const isAlone = first !== undefined && others.length === 0;
  return session.readSerial(isAlone ? statements.readDocument(slot, first) : statements.readDocuments(slot, keys));
}

/** Each read looks into its own row only: one that is damaged is nobody else's failure. */
function contentOf(rows: readonly Columns[], { key }: RowAddress) {
  return { ownership: parseOwnership(rows[0]), document: parseDocumentOf(rows, key) };
}

/** Clients do not see tombstones. */
function rowOf({ key }: RowAddress, document: StoredDocument | null): Row | null {
  if (document === null || document.json === null) return null;
  return { key, op: document.op, modifiedAtMs: document.modifiedAtMs, json: document.json };
}
