// What each operation of the DynamoDB catalog costs in request units while its items are small: counted from the requests by
// AWS's rules, because a local server does not count transactions as AWS does. What is expected is the table of docs/dynamodb.md.
// Must not test what the operations do.
import { expect, test } from "vitest";
import type { MapVersion } from "../../router/ids.ts";
import type { Catalog } from "../../shards/catalog/port.ts";
import { author, mapOf, moveOf, PRODUCTS, SHARD_1 } from "../contract/catalog-fixture.ts";
import { readText, tableRowsOf } from "../unit/docs/markdown.ts";
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

/** A row of the document's table, and what it says the cost of. `moves`: how many of them the answer has. */
interface Priced {
  readonly operation: string;
  readonly moves?: number;
  readonly work: (catalog: Catalog) => Promise<unknown>;
}

/** In this order, on one table. */
const PRICED: readonly Priced[] = [
  { operation: "create a collection", work: (catalog) => catalog.create(mapOf(1), author()) },
  { operation: "publish a version", work: (catalog) => catalog.publish(mapOf(2), author()) },
  { operation: "current map, new version", work: (catalog) => catalog.current(PRODUCTS) },
  { operation: "current map, version known to the process", work: (catalog) => catalog.current(PRODUCTS) },
  {
    operation: "create a move",
    work: (catalog) => catalog.createMove({ ...MOVE, parent: 2 as MapVersion }, author()),
  },
  {
    operation: "progress of a move",
    work: (catalog) => catalog.updateMove(MOVE.id, { expectedRevision: 1, progress: "p" }, author()),
  },
  { operation: "read a move", work: (catalog) => catalog.move(MOVE.id) },
  {
    operation: "list running moves",
    moves: 1,
    work: (catalog) => catalog.moves(PRODUCTS, { limit: 10, state: "running" }),
  },
  {
    operation: "end of a move",
    work: (catalog) => catalog.updateMove(MOVE.id, { expectedRevision: 2, state: "done" }, author()),
  },
  {
    // What has ended is no longer looked at.
    operation: "list running moves",
    moves: 0,
    work: (catalog) => catalog.moves(PRODUCTS, { limit: 10, state: "running" }),
  },
  { operation: "take or renew a lease", work: (catalog) => catalog.acquireLease("m", LEASE) },
  { operation: "take or renew a lease", work: (catalog) => catalog.acquireLease("m", LEASE) },
  { operation: "a page of the audit trail", work: (catalog) => catalog.audit(PRODUCTS, { limit: 10 }) },
  { operation: "record a claim", work: (catalog) => catalog.recordClaim(PRODUCTS, SHARD_1, author()) },
];

/** The cells of the document's table as they are written, by operation. */
function readPrices(): ReadonlyMap<string, { readonly read: string; readonly write: string }> {
  const [, section = ""] = /^## Cost per operation\n(.*?)^## /ms.exec(readText("docs/dynamodb.md")) ?? [];
  const [, ...rows] = tableRowsOf(section);
  return new Map(rows.map(([operation = "", read = "", write = ""]) => [operation, { read, write }]));
}

/** `8`, nothing for none, or `1 + 2 for each move`. */
function unitsIn(cell: string, moves: number): number {
  const { base = "0", each = "0" } = /^(?<base>\d+)(?: \+ (?<each>\d+) for each move)?$/.exec(cell)?.groups ?? {};
  if (base === "0" && cell !== "") throw new Error(`expected units, got "${cell}"`);
  return Number(base) + Number(each) * moves;
}

describeOnEngines("the cost of a DynamoDB catalog", (engines) => {
  test("is what docs/dynamodb.md says", async () => {
    const prices = readPrices();
    const table = await makeTable(engines);
    const spent = { read: 0, write: 0 };
    const catalog = await table.open({ client: await openMetered(table, spent) });
    for (const { operation, moves = 0, work } of PRICED) {
      Object.assign(spent, { read: 0, write: 0 });
      await work(catalog);
      const { read = "", write = "" } = prices.get(operation) ?? {};
      expect(spent, operation).toEqual({ read: unitsIn(read, moves), write: unitsIn(write, moves) });
    }
    await table.dispose();
    expect(new Set(prices.keys()), "each row is measured").toEqual(new Set(PRICED.map(({ operation }) => operation)));
  });
});
