// Lists of a striped collection while a real move takes the stripes of its prefixes one after the other: through a real edge, every
// document once and in order, at any moment. Must not test how a move is made.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CollectionName } from "../../router/ids.ts";
import { parseProgress } from "../../router/move-progress.ts";
import type { Catalog } from "../../shards/catalog/port.ts";
import { findFreePorts } from "./free-ports.ts";
import type { GatewayClient } from "./gateway-client.ts";
import { gatewayConfig } from "./gateway-config.ts";
import { createGateway, type Gateway } from "./gateway-process.ts";
import { createPlannedMove } from "./planned-move.ts";

const TAGS = "tags" as CollectionName;
const STRIPED = `
[[collections]]
name = "${TAGS}"
kind = "range"
stripes = 4
read = "public"
[[collections.map]]
start = ""
shard = "shard-1"
`;
/** Four stripes of each of two prefixes, at a rate at which they take seconds. */
const PREFIXES = ["ga", "gb"];
const KEYS = PREFIXES.flatMap((prefix) => Array.from({ length: 30 }, (_, index) => `${prefix}-${index + 10}`));
const ROWS_PER_SECOND = 8;

let gateway: Gateway;
let catalog: Catalog;
let client: GatewayClient;

beforeAll(async () => {
  const first = await findFreePorts(3);
  gateway = await createGateway({ configText: gatewayConfig({ ports: [first + 1, first + 2], more: STRIPED }) });
  await Promise.all([gateway.startShard("shard-1"), gateway.startShard("shard-2")]);
  ({ client } = await gateway.startEdge("edge", first));
  catalog = await gateway.files.openCatalog();
  const token = await gateway.token("tags:write");
  for (const key of KEYS) {
    const { status, text } = await client.put(`/tags/${key}`, { key }, { token });
    if (status !== 201) throw new Error(`${key} was not created: ${status} ${text}`);
  }
});

afterAll(async () => {
  await catalog?.close();
  await gateway?.end();
});

/** All keys, page by page as a client follows them. */
async function listAll(limit: number): Promise<readonly string[]> {
  const found: string[] = [];
  for (let next: string | null = `/tags?start=ga&end=gc&limit=${limit}`; next !== null; ) {
    const page = await client.get(next);
    expect(page.status, page.text).toBe(200);
    found.push(...page.json().items.map(({ key }: { key: string }) => key));
    next = /<([^>]*)>/.exec(page.header("link"))?.[1] ?? null;
  }
  return found;
}

test("are whole and in order while stripes are on both sides", async () => {
  const range = { collection: TAGS, start: "ga", end: "gc" };
  const settings = { parallel: 1, rowsPerSecond: ROWS_PER_SECOND };
  const id = await createPlannedMove(gateway.files, catalog, { ...range, settings });
  let divided = 0;
  for (let times = 0; ; times += 1) {
    expect(await listAll([1000, 7][times % 2] ?? 1)).toEqual(KEYS);
    const move = await catalog.move(id);
    const progress = parseProgress(move?.progress ?? "");
    const decided = progress.ok ? (progress.value?.decided ?? 0) : 0;
    if (decided % 4 !== 0) divided += 1;
    if (move?.state === "done") break;
  }
  expect(divided, "lists while a prefix was divided").toBeGreaterThan(3);
  expect(await listAll(1000)).toEqual(KEYS);
});
