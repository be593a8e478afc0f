// What moves ask of a shard, over real HTTP with real signatures and a real store.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../../../config/config.ts";
import { parseSigningKeys } from "../../../config/signing-keys.ts";
import { INTERNAL_PATH } from "../../../router/contract.ts";
import type { ShardId, SlotId } from "../../../router/ids.ts";
import { FIRST_OWNER } from "../../../router/ownership.ts";
import { slotsOf } from "../../../router/slot.ts";
import { systemClock } from "../../../shards/clock.ts";
import { createRoutes } from "../../../shards/http/routes.ts";
import { createShardServer, type ShardServer } from "../../../shards/http/server.ts";
import { createSigner, createVerifier } from "../../../shards/http/signature.ts";
import type { SlotNews } from "../../../shards/http/slot-waiting.ts";
import { NO_COURTESY } from "../../../shards/mover/courtesy.ts";
import type { RowsAhead } from "../../../shards/mover/reply-lines.ts";
import { CHUNK_ROWS, digestRows } from "../../../shards/mover/slot-digest.ts";
import type { SlotPart } from "../../../shards/mover/slot-stream.ts";
import { createHttpPeers } from "../../../shards/peers/http-peers.ts";
import type { Peers } from "../../../shards/peers/port.ts";
import { GOOD_STANDING } from "../../../shards/standing.ts";
import type { SlotAddress, Store } from "../../../shards/store/port.ts";
import { createSqliteStore } from "../../../shards/store/sqlite-store.ts";
import type { SlotPageRequest, SlotRow } from "../../../shards/store/transfer.ts";
import { addressOf, PRODUCTS, put } from "../../contract/store-fixture.ts";
import { makeDirectory, removeDirectory } from "../../contract/temporary-directory.ts";

const S1 = "shard-1" as ShardId;
const S2 = "shard-2" as ShardId;
const SLOT = { collection: PRODUCTS.name, slot: addressOf("lamp").slot };
const KEYS = parseSigningKeys(`current:${"A".repeat(43)}`);

let directory: string;
let store: Store;
let server: ShardServer;
let origin: string;
let peers: Peers;
let pages: SlotPageRequest[];
let news: SlotNews[];
/** Slots whose columns were read by themselves. */
let looked: string[];
/** Rests that were taken. */
let rests: number;

beforeEach(async () => {
  directory = makeDirectory();
  store = await createSqliteStore({ file: join(directory, "store.db"), shard: S1, collections: [PRODUCTS] });
  await store.claimFirst(PRODUCTS.name, slotsOf(PRODUCTS.placement));
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  pages = [];
  news = [];
  looked = [];
  rests = 0;
  await serve(port);
});

afterEach(async () => {
  await server.stop(0);
  await store.close();
  removeDirectory(directory);
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function serve(port: number): Promise<void> {
  const text = `[[collections]]\nname = "products"\nkind = "range"\nread = "public"\n[[collections.map]]\nstart = ""\nshard = "shard-1"\n`;
  const config = parseConfig(`${text}\n[[shards]]\nid = "shard-1"\norigins = ["${origin}"]\n`, "test");
  const watched = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...given: readonly [SlotPageRequest & SlotAddress]) => {
        if (name === "slotPage") pages.push(given[0]);
        if (name === "ownership") looked.push(given[0].slot);
        return Reflect.apply(value, target, given) as unknown;
      };
    },
  });
  const routes = createRoutes({
    ...{ shard: S1, collections: config.collections, store: watched, clock: systemClock },
    commits: { submit: () => Promise.reject(new Error("no writes here")) },
    access: () => Promise.reject(new Error("no documents here")),
    peers,
    ...{
      courtesy: { ...NO_COURTESY, begin: () => () => Promise.resolve(void (rests += 1)) },
      traffic: { note: () => undefined },
    },
    spreadNews: (told) => void news.push(told),
    maps: { current: () => Promise.resolve(null) },
    verify: createVerifier(KEYS, systemClock),
    log: () => undefined,
    standing: () => GOOD_STANDING,
    isReady: () => true,
  });
  server = createShardServer({ routes, log: () => undefined });
  await server.listen({ host: "127.0.0.1", port });
  peers = createHttpPeers({ shards: config.shards, sign: createSigner(KEYS, systemClock) });
}

async function fill(count: number, json = "{}"): Promise<void> {
  for (let first = 0; first < count; first += 200) {
    const some = Array.from({ length: Math.min(200, count - first) }, (_, index) => put(`lamp-${first + index}`, json));
    await store.commit(some);
  }
}

async function collect<Part>(parts: AsyncIterable<Part>): Promise<readonly Part[]> {
  const found: Part[] = [];
  for await (const part of parts) found.push(part);
  return found;
}

function partsOf(rows: RowsAhead | null): AsyncIterable<SlotPart> {
  if (rows === null) throw new Error("no rows came");
  return rows.parts;
}

async function ask(method: "GET" | "POST", path: string, { query = "", body }: { query?: string; body?: string } = {}) {
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const headers = createSigner(KEYS, systemClock)({ method, path, query }, {}, bytes);
  const target = query === "" ? `${origin}${path}` : `${origin}${path}?${query}`;
  return fetch(target, { method, headers, ...(bytes === undefined ? {} : { body: bytes }) });
}

const WHOLE = { seen: null, recentMs: null };
const fence = { kind: "fence", move: randomUUID(), epoch: 2, destination: S2 } as const;
const fencing = { address: SLOT, event: fence, seen: null };

describe("rows of a slot", () => {
  test("come complete and in order, with the columns before and after them", async () => {
    await fill(700);
    const parts = await collect(peers.rows(S1, SLOT, WHOLE));
    const ownership = await store.ownership(SLOT);
    expect(parts[0]).toEqual({ kind: "begin", ownership });
    expect(parts.at(-1)).toEqual({ kind: "end", rows: 700, ownership });
    const rows = parts.flatMap((part) => (part.kind === "rows" ? part.rows : []));
    const page = await store.slotPage({ address: SLOT, after: null, rowsMax: 1000, bytesMax: 1 << 30 });
    expect(rows).toEqual(page.rows);
  });

  test("come as digests where they are old and the asker has read them, between those that are new", async () => {
    await fill(700);
    await store.commit([put("lamp-3", '"new"', { atMs: Date.now() })]);
    const parts = await collect(peers.rows(S1, SLOT, { ...WHOLE, recentMs: 60_000 }));
    const { rows } = await store.slotPage({ address: SLOT, after: null, rowsMax: 1000, bytesMax: 1 << 30 });
    const chunks = Array.from({ length: Math.ceil(rows.length / CHUNK_ROWS) }, (_, index) =>
      rows.slice(index * CHUNK_ROWS, (index + 1) * CHUNK_ROWS),
    );
    const said = parts.flatMap((part): readonly unknown[] => {
      if (part.kind === "digests") return part.chunks.map(({ digest, rows: count }) => ({ digest, count }));
      return part.kind === "rows" ? [part.rows] : [];
    });
    const isNew = (chunk: readonly SlotRow[]): boolean =>
      chunk.some((row) => row.kind !== "record" && row.key === "lamp-3");
    expect(said).toEqual(
      chunks.map((chunk) => (isNew(chunk) ? chunk : { digest: digestRows(chunk), count: chunk.length })),
    );
    expect(chunks.filter(isNew)).toHaveLength(1);
    expect(parts.at(-1)).toMatchObject({ kind: "end", rows: 700 });
  });

  test("end when the columns change meanwhile", async () => {
    await fill(2000, `"${"x".repeat(2000)}"`);
    const parts: string[] = [];
    for await (const part of peers.rows(S1, SLOT, WHOLE)) {
      parts.push(part.kind);
      if (parts.length === 1) await peers.send(S1, fencing);
    }
    expect(parts.at(-1)).toBe("changed");
  });

  test("wait for a reader that is slow, and are not read on for one that is gone", async () => {
    await fill(3000, `"${"x".repeat(10_000)}"`);
    const reader = peers.rows(S1, SLOT, WHOLE)[Symbol.asyncIterator]();
    await reader.next();
    await reader.next();
    let before = -1;
    while (pages.length !== before) {
      before = pages.length;
      await delay(100);
    }
    // 30 MB lie in the slot; what is on its way is what sockets hold.
    expect(pages.length).toBeLessThan(80);
    await reader.return?.(undefined);
    await delay(100);
    before = pages.length;
    await delay(200);
    expect(pages.length).toBe(before);
  });

  test("that are broken off are an error", async () => {
    await fill(3000, `"${"x".repeat(2000)}"`);
    const reading = (async () => {
      for await (const part of peers.rows(S1, SLOT, WHOLE)) if (part.kind === "begin") void server.stop(0);
    })();
    await expect(reading).rejects.toThrow(/terminated|closed|broken off|aborted/);
  });
});

describe("rows behind a statement", () => {
  const body = (recentMs: number | null): string =>
    JSON.stringify({ collection: "products", slot: "la", event: fence, rows: { recentMs } });

  test.each([null, 60_000])(
    "follow its reply, as they are asked for by themselves, recent ones of %j ms",
    async (recentMs) => {
      await fill(700);
      await store.commit([put("lamp-3", '"new"', { atMs: Date.now() })]);
      const answer = await ask("POST", INTERNAL_PATH.ownershipEvents, { body: body(recentMs) });
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
      const [first = "", ...rows] = (await answer.text()).split(/(?<=\n)/);
      const ownership = await store.ownership(SLOT);
      expect(JSON.parse(first)).toEqual({ reply: { kind: "changed", ownership } });
      expect(pages.map(({ seen }) => seen)).toEqual(pages.map(() => ownership));
      const recent = recentMs === null ? "" : `&recent=${recentMs}`;
      const query = `collection=products&slot=la&courteous=1${recent}`;
      expect(rows.join("")).toBe(await (await ask("GET", INTERNAL_PATH.slotRows, { query })).text());
      expect(rows.some((line) => "through" in JSON.parse(line))).toBe(recentMs !== null);
    },
  );

  test("come to the shard that has sent it, and again when it is repeated", async () => {
    await fill(700);
    for (const kind of ["changed", "done"]) {
      const { reply, rows } = await peers.sendForRows(S1, fencing, 60_000.5);
      expect(reply).toMatchObject({ kind, ownership: { state: "FENCED", move: fence.move } });
      const asked = peers.rows(S1, SLOT, { seen: reply.ownership, recentMs: 60_000.5 });
      expect(await collect(partsOf(rows))).toEqual(await collect(asked));
    }
  });

  test("of a fenced slot are sent without rests", async () => {
    await fill(2000);
    rests = 0;
    const { rows } = await peers.sendForRows(S1, fencing, null);
    await collect(partsOf(rows));
    expect(pages.length).toBeGreaterThan(5);
    expect(rests).toBe(0);
  });

  test("do not come where it is refused", async () => {
    await fill(3);
    await peers.send(S1, fencing);
    const event = { ...fence, move: randomUUID() };
    const { reply, rows } = await peers.sendForRows(S1, { ...fencing, event }, null);
    expect(reply).toMatchObject({ kind: "refused", reason: "other-move" });
    expect(rows).toBeNull();
    const text = JSON.stringify({ collection: "products", slot: "la", event, rows: { recentMs: null } });
    const answer = await ask("POST", INTERNAL_PATH.ownershipEvents, { body: text });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toEqual(reply);
    expect(pages).toEqual([]);
  });

  test("say when the columns have changed under them", async () => {
    await fill(2000, `"${"x".repeat(2000)}"`);
    const { rows } = await peers.sendForRows(S1, fencing, null);
    const parts: string[] = [];
    for await (const part of partsOf(rows)) {
      parts.push(part.kind);
      if (parts.length === 1) {
        await peers.send(S1, { ...fencing, event: { kind: "go", move: fence.move, epoch: 2 } });
      }
    }
    expect(parts.at(-1)).toBe("changed");
  });

  test("are not read on where they are dropped, and hold no connection", async () => {
    await fill(3000, `"${"x".repeat(10_000)}"`);
    // More often than there are connections.
    for (let count = 0; count < 40; count += 1) {
      const { reply, rows } = await peers.sendForRows(S1, fencing, null);
      expect(reply.ownership.state).toBe("FENCED");
      rows?.drop();
      rows?.drop();
      await expect(collect(partsOf(rows))).rejects.toThrow("aborted");
    }
    let before = -1;
    while (pages.length !== before) {
      before = pages.length;
      await delay(100);
    }
    expect(await peers.send(S1, fencing)).toMatchObject({ kind: "done" });
    const { rows } = await peers.sendForRows(S1, fencing, null);
    expect((await collect(partsOf(rows))).at(-1)).toMatchObject({ kind: "end", rows: 3000 });
  });

  test("that are broken off leave the reply as it is", async () => {
    await fill(3000, `"${"x".repeat(2000)}"`);
    const { reply, rows } = await peers.sendForRows(S1, fencing, null);
    expect(reply).toMatchObject({ kind: "changed" });
    const reading = (async () => {
      for await (const part of partsOf(rows)) if (part.kind === "begin") void server.stop(0);
    })();
    await expect(reading).rejects.toThrow(/terminated|closed|broken off|aborted/);
    expect(await store.ownership(SLOT)).toMatchObject({ state: "FENCED" });
  });
});

test("columns that were seen before come with the question for rows, and are checked", async () => {
  await fill(3);
  const seen = await store.ownership(SLOT);
  await collect(peers.rows(S1, SLOT, { ...WHOLE, seen }));
  expect(pages[0]?.seen).toEqual(seen);
  for (const text of ["{", "7", '{"state":"OWNER"}']) {
    const query = `collection=products&slot=la&seen=${encodeURIComponent(text)}`;
    const answer = await ask("GET", INTERNAL_PATH.slotRows, { query });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("seen: expected")]);
  }
});

test.each(["", "x", "-1", "1.5", "1e3"])("what is recent is told in milliseconds, not as %j", async (text) => {
  const answer = await ask("GET", INTERNAL_PATH.slotRows, { query: `collection=products&slot=la&recent=${text}` });
  expect([answer.status, await answer.text()]).toEqual([
    400,
    expect.stringContaining("recent: expected milliseconds, got"),
  ]);
});

describe("news of a slot", () => {
  test("reach the shard it is about, and nothing is lost where nobody hears them", async () => {
    await peers.announce(S1, SLOT, null);
    await peers.announce(S1, SLOT, FIRST_OWNER);
    expect(news).toEqual([
      { ...SLOT, destination: null },
      { ...SLOT, destination: FIRST_OWNER },
    ]);
    await peers.announce("shard-9" as ShardId, SLOT, null);
    await server.stop(0);
    await peers.announce(S1, SLOT, null);
    expect(news).toHaveLength(2);
  });

  test("of an older shard say nothing of the destination", async () => {
    const { status } = await ask("POST", INTERNAL_PATH.slotNews, { body: JSON.stringify(SLOT) });
    expect([status, news]).toEqual([204, [{ ...SLOT, destination: null }]]);
  });

  test.each([
    ["{}", 400, "collection: expected a configured collection"],
    ['{"collection":"products","slot":"lamp"}', 400, "slot: expected a slot of products"],
    [JSON.stringify({ ...SLOT, destination: "shard-2" }), 400, "destination: expected"],
    ["nonsense", 400, ""],
    [JSON.stringify({ x: "y".repeat(9000) }), 413, ""],
  ])("that say %s are refused", async (body, status, detail) => {
    const answer = await ask("POST", INTERNAL_PATH.slotNews, { body });
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(detail);
    expect(news).toEqual([]);
  });
});

describe("slots", () => {
  test("of a range, with their columns, weighed when that is asked for", async () => {
    await fill(3);
    const [first, ...others] = await peers.slots(S1, {
      collection: PRODUCTS.name,
      start: "la",
      end: "lc",
      weigh: true,
    });
    expect(first).toMatchObject({ slot: "la", ownership: { state: "OWNER", epoch: 1 }, rows: 3 });
    expect(others).toHaveLength(1);
    const all = await peers.slots(S1, { collection: PRODUCTS.name, start: "", end: null, weigh: false });
    expect(all.map(({ slot }) => slot)).toEqual(slotsOf(PRODUCTS.placement));
    expect(all[0]).not.toHaveProperty("rows");
  });

  test("of a range, with the keys that belong elsewhere, and a sign of life from each page of a large one", async () => {
    await fill(2500);
    await store.commit([put("zoo", "1")]);
    const db = new DatabaseSync(join(directory, "store.db"));
    db.exec("INSERT INTO tombstones VALUES ('products', 'la', 'zoo', 'op', 1)");
    db.close();
    const answer = await ask("GET", INTERNAL_PATH.slots, { query: "collection=products&start=l&end=lc&check=1" });
    const lines = (await answer.text()).trimEnd().split("\n");
    const said = lines.map((line) => JSON.parse(line)).filter(({ slot }) => slot !== "l");
    const signs = said.flatMap(({ checking, rows }) => (checking === "la" ? [rows] : []));
    expect(signs.length).toBeGreaterThan(1);
    expect(signs.every((rows, index) => rows > (signs[index - 1] ?? 0))).toBe(true);
    expect(said.filter(({ slot }) => slot === "la")).toEqual([
      {
        ...{ slot: "la", ownership: await store.ownership(SLOT), rows: 2501 },
        misplaced: { rows: 1, named: [{ key: "zoo", belongsTo: "zo" }] },
      },
    ]);
    expect(said.at(-1)).toMatchObject({ end: true });
    expect(rests).toBeGreaterThan(signs.length);
  });

  test.each([
    ["collection=nothing&start=", "collection: expected a configured collection"],
    ["collection=products&start=lamp", "expected a slot boundary"],
    ["collection=products&start=&weigh=2", "weigh: expected 1 or nothing"],
    ["collection=products&start=&check=2", "check: expected 1 or nothing"],
    ["collection=products&start=&check=1&weigh=1", "expected weigh or check, got both"],
  ])("asked as %s are refused", async (query, detail) => {
    const answer = await ask("GET", INTERNAL_PATH.slots, { query });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(detail);
  });
});

test("the room that is left is that of the store's disk", async () => {
  const answer = await ask("GET", INTERNAL_PATH.room);
  expect(answer.status).toBe(200);
  const { freeBytes } = (await answer.json()) as { readonly freeBytes: number };
  const there = Number(store.freeBytes());
  expect(Math.abs(freeBytes - there)).toBeLessThan(there / 2);
});

describe("a change of ownership", () => {
  test("is applied once, is done when it is repeated, and is refused with a reason", async () => {
    expect(await peers.send(S1, fencing)).toMatchObject({ kind: "changed", ownership: { state: "FENCED" } });
    expect(await peers.send(S1, fencing)).toMatchObject({ kind: "done", ownership: { state: "FENCED" } });
    const other = { ...fence, move: randomUUID() };
    const refusal = await peers.send(S1, { address: SLOT, event: other, seen: null });
    expect(refusal).toMatchObject({ kind: "refused", reason: "other-move", ownership: { move: fence.move } });
    expect(await store.ownership(SLOT)).toMatchObject({ state: "FENCED", epoch: 2, move: fence.move, to: S2 });
  });

  test("is compared with columns that were seen before, and what they would not allow is looked up", async () => {
    const seen = await store.ownership(SLOT);
    looked.length = 0;
    expect(await peers.send(S1, { ...fencing, seen })).toMatchObject({ kind: "changed", ownership: { epoch: 2 } });
    expect(looked).toEqual([]);
    expect(await peers.send(S1, { ...fencing, seen })).toMatchObject({ kind: "done", ownership: { epoch: 2 } });
    const other = { ...fence, move: randomUUID() };
    expect(await peers.send(S1, { ...fencing, event: other, seen })).toMatchObject({ reason: "other-move" });
    const go = { kind: "go", move: fence.move, epoch: 2 } as const;
    expect(await peers.send(S1, { ...fencing, event: go, seen })).toMatchObject({ kind: "changed" });
    expect(looked).toEqual(["la"]);
  });

  const good = { collection: "products", slot: "la", event: fence };
  test.each([{}, { rows: null }])(
    "is answered with a reply and nothing else where %j asks for no rows",
    async (more) => {
      await fill(3);
      const answer = await ask("POST", INTERNAL_PATH.ownershipEvents, { body: JSON.stringify({ ...good, ...more }) });
      expect(answer.headers.get("content-type")).toBe("application/json");
      expect(await answer.json()).toMatchObject({ kind: "changed", ownership: { state: "FENCED" } });
      expect(pages).toEqual([]);
    },
  );

  test.each<[string, unknown, string]>([
    ["another collection", { ...good, collection: "nothing" }, "collection: expected a configured collection"],
    ["no slot of it", { ...good, slot: "lamp" as SlotId }, "slot: expected a slot of products"],
    ["no kind of event", { ...good, event: { kind: "fly" } }, "kind: expected one of claim"],
    ["a field too few", { ...good, event: { kind: "go", move: "m" } }, "epoch is nothing"],
    ["a field too many", { ...good, event: { kind: "go", move: "m", epoch: 2, run: "r" } }, "expected no field"],
    ["an epoch of text", { ...good, event: { ...fence, epoch: "2" } }, "epoch is"],
    ["no shard", { ...good, event: { ...fence, destination: "Shard 2" } }, "destination is"],
    ["columns that are none", { ...good, seen: { state: "OWNER" } }, "seen: expected {state, epoch"],
    ["rows asked for by a number", { ...good, rows: 7 }, "rows: expected {recentMs}, milliseconds or null, got 7"],
    ["rows without a time", { ...good, rows: {} }, "rows: expected {recentMs}"],
    ["rows since a text", { ...good, rows: { recentMs: "1" } }, "rows: expected {recentMs}"],
    ["rows of the future", { ...good, rows: { recentMs: -1 } }, "rows: expected {recentMs}"],
    ["rows of half a millisecond", { ...good, rows: { recentMs: 0.5 } }, "rows: expected {recentMs}"],
    ["rows of too long ago", { ...good, rows: { recentMs: 1e17 } }, "rows: expected {recentMs}"],
    ["nothing", null, "collection: expected a configured collection"],
  ])("with %s is refused, and nothing happens", async (_name, body, detail) => {
    const answer = await ask("POST", INTERNAL_PATH.ownershipEvents, { body: JSON.stringify(body) });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(detail);
    expect(await store.ownership(SLOT)).toMatchObject({ state: "OWNER", epoch: 1 });
  });

  test("that is too long, unsigned or bent on its way is refused", async () => {
    const long = await ask("POST", INTERNAL_PATH.ownershipEvents, { body: JSON.stringify({ x: "y".repeat(9000) }) });
    expect(long.status).toBe(413);
    const unsigned = await fetch(`${origin}${INTERNAL_PATH.ownershipEvents}`, { method: "POST", body: "{}" });
    expect(unsigned.status).toBe(401);
    const path = INTERNAL_PATH.ownershipEvents;
    const headers = createSigner(KEYS, systemClock)({ method: "POST", path, query: "" }, {}, Buffer.from("{}"));
    const bent = await fetch(`${origin}${path}`, { method: "POST", headers, body: Buffer.from(JSON.stringify(good)) });
    expect(bent.status).toBe(401);
    expect(await store.ownership(SLOT)).toMatchObject({ state: "OWNER", epoch: 1 });
  });

  test("is asked for by POST, everything else by GET", async () => {
    const got = await ask("GET", INTERNAL_PATH.ownershipEvents);
    expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"]);
    const posted = await ask("POST", INTERNAL_PATH.slotRows);
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET"]);
  });
});
