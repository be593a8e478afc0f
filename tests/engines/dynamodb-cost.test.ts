// What each operation of the DynamoDB catalog costs in request units while its items are small: counted from the requests by
// AWS's rules, because a local server does not count transactions as AWS does. docs/dynamodb.md has the same table.
// Must not test what the operations do.
import { expect, test } from "vitest";
import type { MapVersion } from "../../router/ids.ts";
import type { Catalog } from "../../shards/catalog/port.ts";
import { author, mapOf, moveOf, PRODUCTS, SHARD_1 } from "../contract/catalog-fixture.ts";
import { makeTable, type TestTable } from "./dynamodb-fixture.ts";
import { describeOnEngines } from "./engines.ts";

/** Request units of a strongly consistent read of up to 4 KB, and of a write of up to 1 KB in a transaction. */
const TRANSACTIONAL_WRITE = 2;

/** Units of a request, by its command. */
function unitsOf(command: string, input: unknown): { readonly read: number; readonly write: number } {
  const { RequestItems: batches = {}, TransactItems: parts = [] } = parseInput(input);
  switch (command) {
    case "GetItemCommand":
    case "QueryCommand":
      return { read: 1, write: 0 };
    case "BatchGetItemCommand":
      return { read: Object.values(batches).reduce((sum, { Keys: keys }) => sum + keys.length, 0), write: 0 };
    case "TransactWriteItemsCommand":
      return { read: 0, write: parts.length * TRANSACTIONAL_WRITE };
    case "PutItemCommand":
    case "DeleteItemCommand":
      return { read: 0, write: 1 };
    default:
      throw new Error(`expected a command of known cost, got ${command}`);
  }
}

interface Input {
  readonly RequestItems?: Readonly<Record<string, { readonly Keys: readonly unknown[] }>>;
  readonly TransactItems?: readonly unknown[];
}

function parseInput(input: unknown): Input {
  return input as Input;
}

/** A client whose requests are added up. */
async function openMetered(table: TestTable, spent: { read: number; write: number }) {
  const client = await table.openFaulty((_, send) => send());
  client.middlewareStack.add(
    (next, context) => (request) => {
      const units = unitsOf(String(context["commandName"]), request.input);
      spent.read += units.read;
      spent.write += units.write;
      return next(request);
    },
    { step: "initialize", name: "meter" },
  );
  return client;
}

const MOVE = moveOf("a", "b");
const LEASE = { holder: "a", nowMs: 0, ttlMs: 10 };

/** In this order, on one table. */
const COSTS: readonly { name: string; work: (catalog: Catalog) => Promise<unknown>; read: number; write: number }[] = [
  { name: "create", work: (catalog) => catalog.create(mapOf(1), author()), read: 1, write: 8 },
  { name: "publish", work: (catalog) => catalog.publish(mapOf(2), author()), read: 1, write: 6 },
  { name: "current, first", work: (catalog) => catalog.current(PRODUCTS), read: 2, write: 0 },
  { name: "current, again", work: (catalog) => catalog.current(PRODUCTS), read: 1, write: 0 },
  {
    name: "createMove",
    work: (catalog) => catalog.createMove({ ...MOVE, parent: 2 as MapVersion }, author()),
    read: 3,
    write: 10,
  },
  {
    name: "updateMove, progress",
    work: (catalog) => catalog.updateMove(MOVE.id, { expectedRevision: 1, progress: "p" }, author()),
    read: 1,
    write: 1,
  },
  { name: "move", work: (catalog) => catalog.move(MOVE.id), read: 1, write: 0 },
  {
    name: "moves, running",
    work: (catalog) => catalog.moves(PRODUCTS, { limit: 10, state: "running" }),
    read: 2,
    write: 0,
  },
  {
    name: "updateMove, done",
    work: (catalog) => catalog.updateMove(MOVE.id, { expectedRevision: 2, state: "done" }, author()),
    read: 2,
    write: 8,
  },
  {
    // What has ended is no longer looked at.
    name: "moves, running, none left",
    work: (catalog) => catalog.moves(PRODUCTS, { limit: 10, state: "running" }),
    read: 1,
    write: 0,
  },
  { name: "acquireLease", work: (catalog) => catalog.acquireLease("m", LEASE), read: 1, write: 1 },
  { name: "audit", work: (catalog) => catalog.audit(PRODUCTS, { limit: 10 }), read: 1, write: 0 },
  { name: "recordClaim", work: (catalog) => catalog.recordClaim(PRODUCTS, SHARD_1, author()), read: 1, write: 1 },
];

describeOnEngines("the cost of a DynamoDB catalog", (engines) => {
  test("is what docs/dynamodb.md says", async () => {
    const table = await makeTable(engines);
    const spent = { read: 0, write: 0 };
    const catalog = await table.open({ client: await openMetered(table, spent) });
    const found = [];
    for (const { name, work } of COSTS) {
      Object.assign(spent, { read: 0, write: 0 });
      await work(catalog);
      found.push({ name, ...spent });
    }
    await table.dispose();
    expect(found).toEqual(COSTS.map(({ name, read, write }) => ({ name, read, write })));
  });
});
