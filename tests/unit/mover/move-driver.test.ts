// A whole move on real stores and a real catalog: driven by an agent, aborted half-way, throttled, told in the map, cleaned up.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type CollectionConfig, parseConfig } from "../../../config/config.ts";
import { runsOfEpochs } from "../../../router/epoch-runs.ts";
import type { MapVersion } from "../../../router/ids.ts";
import { slotsIn } from "../../../router/move-plan.ts";
import { parseProgress } from "../../../router/move-progress.ts";
import { rangeOf } from "../../../router/shard-map.ts";
import type { Author, Catalog, Move, MoveSettings } from "../../../shards/catalog/port.ts";
import { createSqliteCatalog } from "../../../shards/catalog/sqlite-catalog.ts";
import { NO_COURTESY } from "../../../shards/mover/courtesy.ts";
import { CleanMoves, cleanLeftovers } from "../../../shards/mover/leftovers.ts";
import { type MoverAgentOptions, runMoverAgent } from "../../../shards/mover/mover-agent.ts";
import { runSlot } from "../../../shards/mover/slot-runner.ts";
import { put, STRIPED } from "../../contract/store-fixture.ts";
import { DESTINATION, type MoveBed, openBed, rowsOf, runOptions, SOURCE, startWriter } from "./move-bed.ts";

const CONFIG = parseConfig(
  ["products", "striped"]
    .map((name) => {
      const head = `[[collections]]\nname = "${name}"\nkind = "range"\nread = "public"\n`;
      const stripes = name === "striped" ? "stripes = 3\n" : "";
      return `${head}${stripes}[[collections.map]]\nstart = ""\nshard = "shard-1"\n`;
    })
    .join("\n") +
    [1, 2].map((id) => `\n[[shards]]\nid = "shard-${id}"\norigins = ["http://127.0.0.1:100${id}"]\n`).join(""),
  "test",
);

const SETTINGS: MoveSettings = { parallel: 4, rowsPerSecond: null, bytesPerSecond: null, retentionMs: 3_600_000 };

let bed: MoveBed;
let catalog: Catalog;
let stopping: AbortController;
let agents: Promise<unknown>[];
const logged: string[] = [];

beforeEach(async () => {
  bed = await openBed();
  catalog = await createSqliteCatalog({ file: join(bed.directory, "catalog.db") });
  for (const { initialMap } of CONFIG.collections.values()) await catalog.create(initialMap, author());
  stopping = new AbortController();
  agents = [];
  logged.length = 0;
});

afterEach(async () => {
  stopping.abort();
  await Promise.all(agents);
  await catalog.close();
  await bed.dispose();
});

function author(): Author {
  return { actor: "test", writer: randomUUID(), atMs: Date.now() };
}

function collectionOf(name: string): CollectionConfig {
  const collection = CONFIG.collections.get(name);
  if (collection === undefined) throw new Error(`no collection ${name}`);
  return collection;
}

async function createMove(
  { start, end, name = "products" }: { readonly start: string; readonly end: string; readonly name?: string },
  settings: Partial<MoveSettings> = {},
): Promise<Move> {
  const collection = collectionOf(name);
  const slots = slotsIn(collection.placement, { start, end });
  const found = await bed.stores.source.ownerships(collection.name, slots);
  const epochs = runsOfEpochs(found.map(({ epoch }) => epoch + 1));
  const parent = (await catalog.current(collection.name))?.version ?? (1 as MapVersion);
  const created = await catalog.createMove(
    {
      ...{ id: randomUUID(), collection: collection.name, start, end, from: SOURCE, to: DESTINATION, epochs, parent },
      settings: { ...SETTINGS, ...settings },
    },
    author(),
  );
  if (created.kind !== "created") throw new Error(created.kind);
  return created.move;
}

function startAgent(change: Partial<MoverAgentOptions> = {}, signal = stopping.signal): Promise<void> {
  const options: MoverAgentOptions = {
    ...bed.world,
    ...{ store: bed.stores.destination, peers: bed.peers, catalog, courtesy: NO_COURTESY },
    ...{ shard: DESTINATION, collections: CONFIG.collections, shards: new Set(CONFIG.shards.keys()) },
    log: (_level, event) => void logged.push(event),
    ...change,
  };
  const running = runMoverAgent(options, signal);
  agents.push(running);
  return running;
}

async function entryOf({ id }: Move): Promise<Move> {
  const move = await catalog.move(id);
  if (move === null) throw new Error("the move is gone");
  return move;
}

function progressOf(move: Move) {
  const progress = parseProgress(move.progress);
  if (!progress.ok || progress.value === null) throw new Error("no progress");
  return progress.value;
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await delay(2);
}

async function endOf(move: Move): Promise<Move> {
  await until(async () => ["done", "aborted"].includes((await entryOf(move)).state));
  return entryOf(move);
}

async function aborting(move: Move): Promise<void> {
  for (;;) {
    const { revision } = await entryOf(move);
    const change = { expectedRevision: revision, state: "aborting" } as const;
    if ((await catalog.updateMove(move.id, change, author())).kind === "changed") return;
  }
}

async function fill(prefixes: readonly string[], count: number): Promise<readonly string[]> {
  const keys = prefixes.flatMap((prefix) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`));
  for (let first = 0; first < keys.length; first += 200) {
    await bed.stores.source.commit(keys.slice(first, first + 200).map((key) => put(key, `{"key":"${key}"}`)));
  }
  return keys;
}

const addressIn = (slot: string, name = "products") => ({ collection: collectionOf(name).name, slot: slot as never });

test("a range goes over while it is written to; the map and the catalog say so, with all its counts", async () => {
  await fill(["la", "lb", "lc"], 100);
  const writer = startWriter(bed, ["lb-1", "lb-2", "lb-new"]);
  const move = await createMove({ start: "la", end: "ld" });
  void startAgent();
  const ended = await endOf(move);
  await writer.stop();
  expect(ended.state).toBe("done");
  expect(progressOf(ended)).toMatchObject({ slots: 3, decided: 3, aborted: 0, active: [], trouble: null });
  expect(progressOf(ended).wasLimited).toBe(false);
  expect(progressOf(ended).rows).toBeGreaterThanOrEqual(300);
  expect(progressOf(ended).rowsPlanned).toBeGreaterThanOrEqual(300);
  expect(progressOf(ended).pause.counts.reduce((sum, [, count]) => sum + count, 0)).toBe(3);
  expect(bed.announced.toSorted()).toEqual(["la", "lb", "lc"].map((slot) => `${SOURCE} ${slot} OWNER`));
  const map = await catalog.current(move.collection);
  if (map === null) throw new Error("no map");
  expect(rangeOf(map, "lb")).toEqual({ start: "la", end: "ld", shard: DESTINATION });
  expect(rangeOf(map, "ld").shard).toBe(SOURCE);
  for (const slot of ["la", "lb", "lc"]) {
    expect(await bed.stores.destination.ownership(addressIn(slot))).toMatchObject({ state: "OWNER", move: move.id });
  }
  const rows = await rowsOf(bed.stores.destination, addressIn("lb"));
  const found = new Map(rows.flatMap((row) => (row.kind === "record" ? [] : [[String(row.key), row.op]])));
  for (const [key, { op }] of writer.latest) expect(found.get(key)).toBe(op);
});

test("a move that was aborted half-way: what is decided stays and is published, the rest is the source's again", async () => {
  await fill(["la", "lb", "lc", "ld"], 50);
  const move = await createMove({ start: "la", end: "le" }, { parallel: 1, rowsPerSecond: 40 });
  void startAgent();
  await until(async () => (await bed.stores.destination.ownership(addressIn("la"))).state === "OWNER");
  await aborting(move);
  const ended = await endOf(move);
  expect(ended.state).toBe("aborted");
  const { decided, aborted } = progressOf(ended);
  expect(decided + aborted).toBe(4);
  expect(decided).toBeGreaterThan(0);
  expect(aborted).toBeGreaterThan(0);
  const map = await catalog.current(move.collection);
  if (map === null) throw new Error("no map");
  for (const slot of ["la", "lb", "lc", "ld"]) {
    const owner = rangeOf(map, slot).shard === SOURCE ? bed.stores.source : bed.stores.destination;
    expect(await owner.ownership(addressIn(slot))).toMatchObject({ state: "OWNER" });
    expect(await rowsOf(owner, addressIn(slot))).toHaveLength(50);
  }
});

test("all stripes of a prefix end the same way: one that is decided takes the others along", async () => {
  const { name, placement } = collectionOf("striped");
  await bed.stores.source.commit(
    Array.from({ length: 60 }, (_, index) => put(`la-${index}`, "{}", { collection: STRIPED })),
  );
  const slots = slotsIn(placement, { start: "la", end: "lb" });
  expect(slots).toHaveLength(3);
  const [first] = slots;
  if (first === undefined) throw new Error("no slot");
  // Nobody copies before the abort is there: the first stripe is brought over by hand.
  const move = await createMove({ start: "la", end: "lb", name }, { parallel: 1 });
  const slotMove = { move: move.id, epoch: 2, source: SOURCE, destination: DESTINATION };
  await runSlot(runOptions(bed, { move: slotMove, goal: "finish" }, { collection: name, slot: first }));
  await aborting(move);
  void startAgent();
  expect((await endOf(move)).state).toBe("done");
  for (const found of await bed.stores.destination.ownerships(name, slots)) expect(found.state).toBe("OWNER");
});

test("a move whose agent stops is gone on with by the next one, from the columns alone", async () => {
  await fill(["la", "lb", "lc", "ld", "le", "lf"], 40);
  const move = await createMove({ start: "la", end: "lg" }, { parallel: 2, rowsPerSecond: 400 });
  const first = new AbortController();
  const running = startAgent({}, first.signal);
  await until(async () => (await bed.stores.destination.ownership(addressIn("la"))).state === "OWNER");
  first.abort();
  await running;
  expect((await entryOf(move)).state).toBe("running");
  void startAgent();
  const ended = await endOf(move);
  expect(ended.state).toBe("done");
  expect(progressOf(ended)).toMatchObject({ decided: 6, aborted: 0 });
});

test("two agents: one drives, the other waits for its lease", async () => {
  await fill(["la"], 40);
  const move = await createMove({ start: "la", end: "lb" });
  await catalog.acquireLease(`move/${move.id}`, { holder: "somebody", nowMs: Date.now(), ttlMs: 60_000 });
  void startAgent();
  await delay(100);
  expect(bed.traces).toEqual([]);
  await catalog.releaseLease(`move/${move.id}`, "somebody");
  expect((await endOf(move)).state).toBe("done");
});

test("a catalog that is away disturbs nothing and is said once; the move ends when it is back", async () => {
  await fill(["la"], 40);
  const move = await createMove({ start: "la", end: "lb" });
  let isAway = true;
  const flaky = new Proxy(catalog, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...given: unknown[]) =>
        isAway ? Promise.reject(new Error("away")) : Promise.resolve(Reflect.apply(value, target, given));
    },
  });
  void startAgent({ catalog: flaky });
  await delay(120);
  expect(logged).toEqual(["mover-catalog-silent"]);
  isAway = false;
  expect((await endOf(move)).state).toBe("done");
});

test("leftovers are removed after the retention time and the decision, columns stay", async () => {
  await fill(["la"], 700);
  const move = await createMove({ start: "la", end: "lb" });
  void startAgent();
  const ended = await endOf(move);
  let nowMs = ended.changedAtMs + SETTINGS.retentionMs - 1;
  let isSilent = true;
  const peers = {
    ownership: (...given: Parameters<MoveBed["peers"]["ownership"]>) =>
      isSilent ? Promise.reject(new Error("silent")) : bed.peers.ownership(...given),
  };
  const clock = { nowMs: () => nowMs, sleep: () => Promise.resolve() };
  const options = {
    ...{ shard: SOURCE, collections: CONFIG.collections, store: bed.stores.source, peers, catalog, clock },
    log: () => undefined,
  };
  const round = { known: new CleanMoves(), signal: stopping.signal };
  round.known.ids.add("a move that the walk does not come to any more");
  const address = addressIn("la");
  await cleanLeftovers(options, round);
  expect(await rowsOf(bed.stores.source, address)).toHaveLength(700);
  nowMs += 2;
  await cleanLeftovers(options, round);
  expect(await rowsOf(bed.stores.source, address)).toHaveLength(700);
  const before = await bed.stores.source.ownership(address);
  isSilent = false;
  await cleanLeftovers(options, round);
  expect(await rowsOf(bed.stores.source, address)).toEqual([]);
  expect(await bed.stores.source.ownership(address)).toEqual(before);
  expect([...round.known.ids]).toEqual([move.id]);
  expect(await rowsOf(bed.stores.destination, address)).toHaveLength(700);
});

test("a limit that is lifted while the move runs lets it go on at once", async () => {
  await fill(["la", "lb"], 600);
  const move = await createMove({ start: "la", end: "lc" }, { rowsPerSecond: 1 });
  void startAgent();
  await until(async () => {
    const { progress } = await entryOf(move);
    return progress !== "" && progressOf(await entryOf(move)).active.length > 0;
  });
  expect(progressOf(await entryOf(move)).decided).toBe(0);
  for (;;) {
    const { revision, settings } = await entryOf(move);
    const change = { expectedRevision: revision, settings: { ...settings, rowsPerSecond: null } };
    if ((await catalog.updateMove(move.id, change, author())).kind === "changed") break;
  }
  const ended = await endOf(move);
  expect(ended.state).toBe("done");
  expect(ended.changedAtMs - ended.createdAtMs).toBeLessThan(60_000);
  expect(ended.settings.rowsPerSecond).toBeNull();
  expect(progressOf(ended).wasLimited, "it does not tell how fast it could have been").toBe(true);
});

test("a move that does not fit the collection is left alone, and said so", async () => {
  const fitting = await createMove({ start: "la", end: "lb" });
  const { epochs: _epochs, ...intent } = fitting;
  const parent = 1 as MapVersion;
  const broken = { ...intent, id: randomUUID(), start: "lc", end: "lf", parent, epochs: [{ slots: 1, epoch: 2 }] };
  expect((await catalog.createMove(broken, author())).kind).toBe("created");
  void startAgent();
  expect((await endOf(fitting)).state).toBe("done");
  await until(() => logged.includes("move-failed"));
  expect((await catalog.move(broken.id))?.state).toBe("running");
  expect(await bed.stores.destination.ownership(addressIn("lc"))).toMatchObject({ state: "NONE" });
});
