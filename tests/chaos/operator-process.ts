/**
 * An operator who moves ranges back and forth without end: for each collection in turn or at once moves, aborts, throttles, reverses,
 * splits and merges, with the functions of the commands, and now and then with the commands themselves. It ends when its parent is gone; killed, it leaves its moves behind.
 * It must not be imported; operator-crew.ts starts it.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createShardClient } from "../../cli/shard-client.ts";
import { parseConfig } from "../../config/config.ts";
import { parseSigningKeys } from "../../config/signing-keys.ts";
import { openCatalog } from "../../shards/catalog/open-catalog.ts";
import { createRandom } from "../history/random.ts";
import { createCommandLine } from "./command-line.ts";
import type { OperatorOrder } from "./operator-message.ts";
import { runOperator } from "./operator-work.ts";

const REPORT_MS = 200;

const order = JSON.parse(process.argv[2] ?? "") as OperatorOrder;
const config = parseConfig(readFileSync(order.configFile, "utf8"), order.configFile);
const catalog = await openCatalog(config.catalog, { file: order.catalogFile, environment: process.env });
const keys = parseSigningKeys(order.signingKeys);
const shards = createShardClient({ shards: config.shards, keys: () => keys, nowMs: Date.now });
const author = () => ({ actor: "operator", writer: randomUUID(), atMs: Date.now() });
const operator = { config, catalog, shards, author, nowMs: Date.now };
const commands = createCommandLine(order);
const { limits } = order;
const counts = new Map<string, number>();
const over = new AbortController();
const report = (): boolean | undefined => process.send?.(Object.fromEntries(counts));

process.on("disconnect", () => process.exit(1));
process.on("SIGINT", () => undefined);
process.on("message", () => over.abort());

const reporting = setInterval(report, REPORT_MS);
const count = (name: string) => void counts.set(name, (counts.get(name) ?? 0) + 1);
await Promise.all(
  [...config.collections.values()].map((collection, index) =>
    runOperator({
      ...{ operator, collection, commands, count, limits, signal: over.signal },
      random: createRandom(order.seed + index),
    }),
  ),
);
clearInterval(reporting);
report();
await Promise.all([catalog.close(), shards.close()]);
process.disconnect();
