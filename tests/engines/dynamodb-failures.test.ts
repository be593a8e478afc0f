// What the DynamoDB catalog does when the server turns requests away, loses replies for good, or answers in small pieces.
// Must not test what the contract does.
import { expect, test } from "vitest";
import type { MapVersion, ShardId } from "../../router/ids.ts";
import type { ShardMap } from "../../router/shard-map.ts";
import { prefixesOf } from "../../router/slot.ts";
import type { Pacing } from "../../shards/catalog/pacing.ts";
import { type Catalog, CatalogError } from "../../shards/catalog/port.ts";
import { author, mapOf, moveOf, PRODUCTS } from "../contract/catalog-fixture.ts";
import {
  connectionReset,
  type Fault,
  HASTE,
  makeTable,
  parseOutput,
  type TestTable,
  turnedAway,
} from "./dynamodb-fixture.ts";
import { describeOnEngines, type EngineAddresses } from "./engines.ts";

/** Time that passes by waiting only, and the waits. */
function createTime(): Pacing & { readonly waits: number[] } {
  const waits: number[] = [];
  let nowMs = 0;
  return {
    waits,
    now: () => nowMs,
    random: () => 0.5,
    sleep: async (ms) => {
      waits.push(ms);
      nowMs += ms;
    },
  };
}

/** A table, and a catalog whose network can be changed while it is open. */
interface Scene {
  readonly table: TestTable;
  readonly catalog: Catalog;
  /** The catalog's network; sends everything at first. */
  fault: Fault;
}

async function inScene(engines: EngineAddresses, pacing: Pacing, body: (scene: Scene) => Promise<void>): Promise<void> {
  const table = await makeTable(engines);
  try {
    const send: Fault = (_, deliver) => deliver();
    const network = { fault: send };
    const client = await table.openFaulty((operation, deliver) => network.fault(operation, deliver));
    const catalog = await table.open({ client, pacing });
    await catalog.create(mapOf(1), author());
    await body(Object.assign(network, { table, catalog }));
  } finally {
    await table.dispose();
  }
}

function cancelled(code: string): Error {
  return Object.assign(turnedAway("TransactionCanceledException"), {
    CancellationReasons: [{ Code: "None" }, { Code: code }],
  });
}

const BUSY: readonly { name: string; error: () => Error }[] = [
  { name: "throughput exceeded", error: () => turnedAway("ProvisionedThroughputExceededException") },
  { name: "throttling", error: () => turnedAway("ThrottlingException") },
  { name: "request limit exceeded", error: () => turnedAway("RequestLimitExceeded") },
  { name: "a transaction in progress", error: () => turnedAway("TransactionInProgressException") },
  { name: "a conflict of transactions", error: () => cancelled("TransactionConflict") },
  { name: "a throttled transaction", error: () => cancelled("ThrottlingError") },
  { name: "an error of the server", error: () => turnedAway("InternalServerError", 500) },
];

describeOnEngines("a DynamoDB catalog that is turned away", (engines) => {
  test.each(BUSY)("waits $name out, for longer each time", async ({ error }) => {
    const time = createTime();
    await inScene(engines, time, async (scene) => {
      let turns = 6;
      scene.fault = (operation, send) => {
        if (operation === "GetItemCommand") return send();
        turns -= 1;
        return turns < 0 ? send() : Promise.reject(error());
      };
      time.waits.length = 0;
      expect(await scene.catalog.publish(mapOf(2), author())).toEqual({ kind: "published" });
      expect(time.waits).toHaveLength(6);
      expect(time.waits).toEqual(time.waits.toSorted((left, right) => left - right));
    });
  });

  test("waits as long for reads", async () => {
    const time = createTime();
    await inScene(engines, time, async (scene) => {
      let turns = 5;
      scene.fault = (_, send) => {
        turns -= 1;
        return turns < 0 ? send() : Promise.reject(turnedAway("ThrottlingException"));
      };
      expect(await scene.catalog.current(PRODUCTS)).toEqual(mapOf(1));
    });
  });

  test("gives up after its patience, and says that it was turned away and nothing was changed", async () => {
    const time = createTime();
    await inScene(engines, time, async (scene) => {
      scene.fault = (operation, send) =>
        operation === "GetItemCommand" ? send() : Promise.reject(turnedAway("ThrottlingException"));
      const before = time.now();
      const failure = await failureOf(scene.catalog.publish(mapOf(2), author()));
      expect(failure).toMatchObject({ kind: "failed", message: expect.stringContaining("ThrottlingException") });
      expect(time.now() - before).toBeGreaterThanOrEqual(10_000);
      expect(time.now() - before).toBeLessThan(12_000);
      expect(Math.max(...time.waits)).toBeLessThanOrEqual(1001);
      expect((await scene.catalog.current(PRODUCTS))?.version).toBe(1);
    });
  });

  test("does not go on with the next page once its patience is over", async () => {
    const time = createTime();
    await inScene(engines, time, async (scene) => {
      let pages = 0;
      let first: unknown = null;
      // A slow server that always has more.
      scene.fault = async (operation, send) => {
        if (operation !== "QueryCommand") return send();
        pages += 1;
        await time.sleep(3000);
        first ??= await send();
        const more = { pk: { S: "a" }, sk: { S: "b" } };
        Object.assign(parseOutput(first).output, { Items: [], LastEvaluatedKey: pages < 20 ? more : undefined });
        return first;
      };
      expect(await failureOf(scene.catalog.moves(PRODUCTS, { limit: 10 }))).toMatchObject({
        kind: "failed",
        message: expect.stringContaining("left reads undone"),
      });
      expect(pages).toBe(4);
    });
  });

  test("says what it is not allowed to do, at once", async () => {
    await inScene(engines, HASTE, async (scene) => {
      let asked = 0;
      scene.fault = async () => {
        asked += 1;
        throw turnedAway("AccessDeniedException");
      };
      expect(await failureOf(scene.catalog.current(PRODUCTS))).toMatchObject({
        kind: "failed",
        message: expect.stringContaining("access denied"),
      });
      expect(asked).toBe(1);
    });
  });
});

describeOnEngines("a DynamoDB catalog whose replies stay lost", (engines) => {
  const lostFrom: readonly { name: string; isApplied: boolean; afterwards: Fault }[] = [
    { name: "the write was applied and nothing answers any more", isApplied: true, afterwards: lose },
    { name: "the write was dropped and nothing answers any more", isApplied: false, afterwards: lose },
    { name: "the write was applied and reading back is forbidden", isApplied: true, afterwards: forbid },
    { name: "the write was dropped and reading back is forbidden", isApplied: false, afterwards: forbid },
  ];

  test.each(lostFrom)("says that the outcome is unknown: $name", async ({ isApplied, afterwards }) => {
    await inScene(engines, createTime(), async (scene) => {
      const writer = author();
      let isLost = false;
      scene.fault = async (operation, send) => {
        if (isLost) return afterwards(operation, send);
        if (operation === "GetItemCommand") return send();
        isLost = true;
        if (isApplied) await send();
        throw connectionReset();
      };
      expect(await failureOf(scene.catalog.publish(mapOf(2), writer))).toMatchObject({ kind: "outcome-unknown" });
      scene.fault = (_, send) => send();
      expect((await scene.catalog.current(PRODUCTS))?.version).toBe(isApplied ? 2 : 1);
      expect(await scene.catalog.publish(mapOf(2), writer)).toEqual({ kind: "published" });
    });
  });

  test("knows that its own change came through when reading back works again", async () => {
    await inScene(engines, createTime(), async (scene) => {
      let readsToLose = 0;
      scene.fault = async (operation, send) => {
        const reply = await send();
        const isWrite = operation === "TransactWriteItemsCommand";
        if (isWrite) readsToLose = 3;
        if (!isWrite && readsToLose === 0) return reply;
        readsToLose -= isWrite ? 0 : 1;
        throw connectionReset();
      };
      const move = moveOf("a", "b");
      expect((await scene.catalog.createMove(move, author())).kind).toBe("created");
      expect(await scene.catalog.moves(PRODUCTS, { limit: 10 })).toHaveLength(1);
    });
  });

  test("says that a change of a move is unknown when too many others followed", async () => {
    await inScene(engines, HASTE, async (scene) => {
      const judge = await scene.table.open();
      const { id } = moveOf("a", "b");
      await judge.createMove({ ...moveOf("a", "b"), id }, author());
      let isFirst = true;
      scene.fault = async (operation, send) => {
        if (operation === "GetItemCommand" || !isFirst) return send();
        isFirst = false;
        await send();
        for (let revision = 2; revision < 20; revision += 1) {
          await judge.updateMove(id, { expectedRevision: revision, progress: `${revision}` }, author());
        }
        throw connectionReset();
      };
      const update = scene.catalog.updateMove(id, { expectedRevision: 1, progress: "mine" }, author());
      expect(await failureOf(update)).toMatchObject({ kind: "outcome-unknown" });
      expect((await judge.updateMove(id, { expectedRevision: 1, progress: "x" }, author())).kind).toBe("conflict");
    });
  });
});

describeOnEngines("a DynamoDB catalog that answers in pieces", (engines) => {
  test("reads versions, audit trail and moves whole from small, empty and incomplete pages", async () => {
    const table = await makeTable(engines);
    try {
      const plain = await table.open();
      await plain.create(mapOf(1), author());
      for (let version = 2; version <= 7; version += 1) await plain.publish(mapOf(version), author());
      for (const begin of ["a", "b", "c", "d", "e", "f", "g"]) {
        const move = { ...moveOf(begin, `${begin}z`), parent: 7 as MapVersion };
        await plain.createMove(move, author());
        if (begin > "c") await plain.updateMove(move.id, { expectedRevision: 1, state: "done" }, author());
      }
      const pieces = { asked: 0 };
      const piecemeal = await table.open({ client: await openPiecemeal(table, pieces), pacing: HASTE });
      for (const read of READS) expect(await read(piecemeal)).toEqual(await read(plain));
      expect(pieces.asked).toBeGreaterThan(60);
    } finally {
      await table.dispose();
    }
  });

  test("holds a map that is cut at every boundary, and refuses one that no item can hold, before it changes anything", async () => {
    const table = await makeTable(engines);
    try {
      const catalog = await table.open();
      await catalog.create(mapOf(1), author());
      const prefixes = ["", ...prefixesOf({ kind: "range", stripes: 1 }).slice(1)];
      const largest = mapCutAt(prefixes, "shard-with-a-name-of-32-symbols-");
      expect(largest.ranges.length).toBeGreaterThan(1500);
      expect(await catalog.publish(largest, author())).toEqual({ kind: "published" });
      expect(await (await table.open()).current(PRODUCTS)).toEqual(largest);
      const tooLarge = {
        ...mapCutAt(
          Array.from({ length: 20_000 }, (_, n) => `${n}`),
          "shard-1",
        ),
        version: 3,
        parent: 2,
      };
      const failure = await failureOf(catalog.publish({ ...tooLarge, version: 3 as MapVersion }, author()));
      expect(failure.message).toMatch(/20000 ranges of "products" take \d+ bytes.*merge neighbouring ranges/);
      expect((await catalog.current(PRODUCTS))?.version).toBe(2);
    } finally {
      await table.dispose();
    }
  });
});

const lose: Fault = () => Promise.reject(connectionReset());
const forbid: Fault = () => Promise.reject(turnedAway("AccessDeniedException"));

const READS: readonly ((catalog: Catalog) => Promise<unknown>)[] = [
  (catalog) => catalog.versions(PRODUCTS, { limit: 100 }),
  (catalog) => catalog.versions(PRODUCTS, { limit: 3, before: 6 as MapVersion }),
  (catalog) => catalog.audit(PRODUCTS, { limit: 100 }),
  (catalog) => catalog.audit(PRODUCTS, { limit: 5, before: 12 }),
  (catalog) => catalog.moves(null, { limit: 100 }),
  (catalog) => catalog.moves(PRODUCTS, { limit: 2 }),
  (catalog) => catalog.moves(PRODUCTS, { limit: 100, state: "running" }),
  (catalog) => catalog.moves(null, { limit: 3, state: "done" }),
];

/** A client of a server that gives one item at a time, an empty page after each, and one move of a batch. */
async function openPiecemeal(table: TestTable, pieces: { asked: number }) {
  const client = await table.openFaulty((_, send) => send());
  client.middlewareStack.add(
    (next, context) => async (request) => {
      pieces.asked += 1;
      const input = parseFields(request.input);
      const start = input["ExclusiveStartKey"];
      const isEmpty = context["commandName"] === "QueryCommand" && start !== undefined && pieces.asked % 2 === 0;
      Object.assign(input, piece(input));
      const rest = takeRest(input);
      const reply = await next(request);
      if (isEmpty) Object.assign(parseOutput(reply).output, { Items: [], LastEvaluatedKey: start });
      if (rest !== null) Object.assign(parseOutput(reply).output, { UnprocessedKeys: rest });
      return reply;
    },
    { step: "initialize", name: "piecemeal" },
  );
  return client;
}

/** One item at a time. */
function piece(input: Record<string, unknown>): object {
  return "KeyConditionExpression" in input ? { Limit: 1 } : {};
}

/** Leaves one key of a batch in the request; what is left over, in the form of the reply. */
function takeRest(input: Record<string, unknown>): object | null {
  if (!("RequestItems" in input)) return null;
  const batches = Object.entries(parseFields(input["RequestItems"])).map(([table, batch]) => {
    const { Keys: keys, ...settings } = parseBatch(batch);
    return { table, first: { ...settings, Keys: keys.slice(0, 1) }, rest: { ...settings, Keys: keys.slice(1) } };
  });
  input["RequestItems"] = Object.fromEntries(batches.map(({ table, first }) => [table, first]));
  const left = batches.filter(({ rest }) => rest.Keys.length > 0);
  return Object.fromEntries(left.map(({ table, rest }) => [table, rest]));
}

function parseFields(value: unknown): Record<string, unknown> {
  return value as Record<string, unknown>;
}

function parseBatch(value: unknown): { readonly Keys: readonly unknown[] } {
  return value as { readonly Keys: readonly unknown[] };
}

/** A map of version 2 with a range from each boundary to the next. */
function mapCutAt(boundaries: readonly string[], shard: string): ShardMap {
  const ranges = boundaries.map((start, index) => ({
    start,
    end: boundaries[index + 1] ?? null,
    shard: parseShard(shard),
  }));
  return { collection: PRODUCTS, version: 2 as MapVersion, parent: 1, ranges };
}

function parseShard(name: string): ShardId {
  return name as ShardId;
}

async function failureOf(work: Promise<unknown>): Promise<CatalogError> {
  const outcome: unknown = await work.catch((error: unknown) => error);
  if (outcome instanceof CatalogError) return outcome;
  throw new Error(`expected a CatalogError, got ${String(outcome)}`);
}
