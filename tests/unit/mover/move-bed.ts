// Two shards' stores in real files, a hurried clock, and clients that follow their slot: what tests of moves need.
// Must not contain an expectation.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { ShardId } from "../../../router/ids.ts";
import { slotsOf } from "../../../router/slot.ts";
import type { MoveGoal } from "../../../router/slot-move.ts";
import type { Side, SlotMove } from "../../../router/slot-stand.ts";
import type { Clock } from "../../../shards/clock.ts";
import { NO_COURTESY } from "../../../shards/mover/courtesy.ts";
import { CutoverGate } from "../../../shards/mover/cutover-gate.ts";
import type { MoveTrace } from "../../../shards/mover/move-trace.ts";
import { RateLimit } from "../../../shards/mover/rate-limit.ts";
import type { RowsAhead } from "../../../shards/mover/reply-lines.ts";
import { applyEvent } from "../../../shards/mover/slot-event.ts";
import type { RunnerWorld, SlotRunOptions } from "../../../shards/mover/slot-runner.ts";
import { localSide, type SlotSide } from "../../../shards/mover/slot-side.ts";
import { abridge, type RowsQuestion, type SlotPart } from "../../../shards/mover/slot-stream.ts";
import type { Peers } from "../../../shards/peers/port.ts";
import type { SlotAddress, Store, Write } from "../../../shards/store/port.ts";
import { createSqliteStore } from "../../../shards/store/sqlite-store.ts";
import type { SlotRow } from "../../../shards/store/transfer.ts";
import { addressOf, PRODUCTS, put, remove, STRIPED, type WriteOptions } from "../../contract/store-fixture.ts";
import { makeDirectory, removeDirectory } from "../../contract/temporary-directory.ts";
import { rowsOf as rowsAt } from "../../contract/transfer-fixture.ts";

export const SOURCE = "shard-1" as ShardId;
export const DESTINATION = "shard-2" as ShardId;

/** Where most tests' keys lie: everything that begins with "la". */
export const SLOT: SlotAddress = { collection: PRODUCTS.name, slot: addressOf("lamp").slot };

/** So many times as fast as the real one, as far as waiting goes. */
const HASTE = 50;

/** Waits are short, the time is the real one. */
const hurriedClock: Clock = { nowMs: () => Date.now(), sleep: (ms) => delay(ms / HASTE) };

/** The stores of a source that owns everything and of a destination that has never held anything. */
export interface MoveBed {
  readonly directory: string;
  readonly stores: Readonly<Record<Side, Store>>;
  readonly traces: MoveTrace[];
  /** Aborts with the test: nobody runs on. */
  readonly over: AbortController;
  readonly world: RunnerWorld;
  /** The other shard's store as a peer, without a network. */
  readonly peers: Pick<Peers, "ownership" | "slots" | "rows" | "send" | "sendForRows" | "announce">;
  /** Whom the runners told of which slot, as "SHARD SLOT". */
  readonly announced: string[];
  dispose(): Promise<void>;
}

export async function openBed(): Promise<MoveBed> {
  const directory = makeDirectory();
  const collections = [PRODUCTS, STRIPED];
  const open = (shard: ShardId): Promise<Store> =>
    createSqliteStore({ file: join(directory, `${shard}.db`), shard, collections });
  const stores = { source: await open(SOURCE), destination: await open(DESTINATION) };
  for (const { name, placement } of collections) await stores.source.claimFirst(name, slotsOf(placement));
  return bedOver(stores, directory);
}

/** A bed over open stores, the source's with something claimed. They are closed with it, and the directory removed. */
export function bedOver(stores: MoveBed["stores"], directory: string): MoveBed {
  const traces: MoveTrace[] = [];
  const announced: string[] = [];
  const over = new AbortController();
  const world: RunnerWorld = {
    clock: hurriedClock,
    monotonicMs: () => performance.now(),
    newToken: randomUUID,
    trace: (trace) => traces.push(trace),
  };
  const storeOf = (shard: ShardId): Store => (shard === SOURCE ? stores.source : stores.destination);
  return {
    ...{ directory, stores, traces, announced, world, over },
    peers: {
      ownership: (shard, address) => storeOf(shard).ownership(address),
      rows: (shard, address, question) => sourceSide(storeOf(shard), address).rows(question),
      send: (shard, { address, event, seen }) => applyEvent(storeOf(shard), { address, event, seen }),
      sendForRows: (shard, { address, event, seen }, recentMs) =>
        sourceSide(storeOf(shard), address).send(event, { seen, rows: { recentMs } }),
      announce: async (shard, { slot }, destination) =>
        void announced.push(`${shard} ${slot} ${destination === null ? "restored" : destination.state}`),
      slots: (shard, question) => reportsOf(storeOf(shard), question),
    },
    async dispose() {
      over.abort();
      await stores.source.close();
      await stores.destination.close();
      removeDirectory(directory);
    },
  };
}

/** A side that answers in short where it is asked to, and sends rows with a reply, as another shard does. */
function sourceSide(store: Store, address: SlotAddress): SlotSide {
  const side = localSide(store, address);
  const rowsOfSide: SlotSide["rows"] = (question) => {
    const { recentMs } = question;
    return recentMs === null ? side.rows(question) : abridge(side.rows(question), Date.now() - recentMs);
  };
  return {
    ...side,
    rows: rowsOfSide,
    async send(event, terms) {
      const { reply } = await side.send(event, terms);
      if (terms.rows === null || reply.kind === "refused") return { reply, rows: null };
      return { reply, rows: aheadOf(rowsOfSide({ ...terms.rows, seen: reply.ownership })) };
    },
  };
}

/** What is put around a stream of rows. */
export type AroundRows = (
  parts: AsyncIterable<SlotPart>,
  question: Pick<RowsQuestion, "recentMs">,
) => AsyncIterable<SlotPart>;

/** The side with something around each stream of its rows, whether they are asked for or come with a reply. */
export function aroundRows(side: SlotSide, around: AroundRows): SlotSide {
  return {
    ...side,
    rows: (question) => around(side.rows(question), question),
    async send(event, terms) {
      const { reply, rows } = await side.send(event, terms);
      if (terms.rows === null || rows === null) return { reply, rows };
      return { reply, rows: { ...rows, parts: around(rows.parts, terms.rows) } };
    },
  };
}

/** Parts that nobody can read once they were dropped. */
function aheadOf(parts: AsyncIterable<SlotPart>): RowsAhead {
  let isDropped = false;
  const whole = async function* (): AsyncGenerator<SlotPart, void, undefined> {
    for await (const part of parts) {
      if (isDropped) throw new Error("these rows were dropped");
      yield part;
    }
  };
  return { parts: whole(), drop: () => void (isDropped = true) };
}

async function reportsOf(store: Store, { collection, start, end, weigh }: Parameters<Peers["slots"]>[1]) {
  const { placement } = [PRODUCTS, STRIPED].find(({ name }) => name === collection) ?? PRODUCTS;
  const slots = slotsOf(placement).filter((slot) => slot >= start && (end === null || slot < end));
  const found = await store.ownerships(collection, slots);
  return Promise.all(
    slots.map(async (slot, index) => {
      const ownership = found[index] ?? (await store.ownership({ collection, slot }));
      return { slot, ownership, ...(weigh ? await store.weighSlot({ collection, slot }) : {}) };
    }),
  );
}

/** The move of one slot as a plan would pin it. */
export async function planSlot({ stores }: MoveBed, address: SlotAddress = SLOT): Promise<SlotMove> {
  const { epoch } = await stores.source.ownership(address);
  return { move: randomUUID(), epoch: epoch + 1, source: SOURCE, destination: DESTINATION };
}

/** What a runner at the destination is given. */
export function runOptions(
  bed: MoveBed,
  { move, goal, signal }: { readonly move: SlotMove; readonly goal: MoveGoal; readonly signal?: AbortSignal },
  address: SlotAddress = SLOT,
): SlotRunOptions & { readonly sides: Readonly<Record<Side, SlotSide>> } {
  const { stores, world } = bed;
  const limits = { rowsPerSecond: null, bytesPerSecond: null };
  const limit = new RateLimit(hurriedClock, limits);
  return {
    ...world,
    ...{ address, move, goal },
    sides: { source: sourceSide(stores.source, address), destination: localSide(stores.destination, address) },
    copying:
      goal === "help"
        ? null
        : {
            store: stores.destination,
            limit,
            courtesy: NO_COURTESY,
            cutovers: new CutoverGate(1),
            onCopying: () => undefined,
            onCopied: () => undefined,
          },
    signal: signal ?? bed.over.signal,
  };
}

/** All rows of a slot. */
export function rowsOf(store: Store, address: SlotAddress = SLOT): Promise<readonly SlotRow[]> {
  return rowsAt(store, address);
}

/** Writes until a shard takes it: at one store, at the other, and again, as an edge and its shards do for a client. */
async function writeFollowing({ stores }: MoveBed, write: Write): Promise<void> {
  const order = [stores.source, stores.destination];
  for (let attempt = 0; attempt < 10_000; attempt += 1) {
    const [outcome] = (await order[attempt % 2]?.commit([write])) ?? [];
    if (outcome?.kind === "verdict") return;
    await delay(1);
  }
  throw new Error("nobody took the write");
}

/** A client that writes and deletes keys of one slot without a break, and remembers what was acknowledged last for each. */
export interface Writer {
  readonly latest: ReadonlyMap<string, { readonly op: string; readonly kind: "document" | "tombstone" }>;
  writes(): number;
  stop(): Promise<void>;
}

export function startWriter(bed: MoveBed, keys: readonly string[], options: WriteOptions = {}): Writer {
  const latest = new Map<string, { readonly op: string; readonly kind: "document" | "tombstone" }>();
  let count = 0;
  let isOver = false;
  const running = (async () => {
    while (!isOver) {
      const key = keys[count % keys.length] ?? "lamp";
      count += 1;
      const claim = { id: randomUUID(), fingerprint: "same request" };
      const isDelete = count % 5 === 0 && latest.get(key)?.kind === "document";
      const write = isDelete ? remove(key, { claim, ...options }) : put(key, `{"n":${count}}`, { claim, ...options });
      await writeFollowing(bed, write);
      // A store that never waits would keep everybody else from their turn.
      await nextTurn();
      latest.set(key, { op: write.op, kind: isDelete ? "tombstone" : "document" });
    }
  })();
  return {
    latest,
    writes: () => count,
    async stop() {
      isOver = true;
      await running;
    },
  };
}

/** The key rows of a store's slot by key, as a writer remembers them. */
export async function keysIn(store: Store, address: SlotAddress = SLOT) {
  const rows = await rowsOf(store, address);
  return new Map(rows.flatMap((row) => (row.kind === "record" ? [] : [[row.key, { op: row.op, kind: row.kind }]])));
}
