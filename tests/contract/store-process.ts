/**
 * A process of its own that works on a SQLite store, for the tests of several processes and of sudden death.
 * Started with a JSON task; it must not clean up when it is killed: that is the point.
 */
import { randomUUID } from "node:crypto";
import type { Store } from "../../shards/store/port.ts";
import { createSqliteStore } from "../../shards/store/sqlite-store.ts";
import { commitOne, PRODUCTS, put, rowOf, SHARD } from "./store-fixture.ts";

/** `increment`: adds 1 to the number at "lamp" by compare-and-set. `acknowledge`: creates keys and prints each when acknowledged. */
export type StoreTask =
  | { readonly kind: "increment"; readonly file: string; readonly times: number }
  | { readonly kind: "acknowledge"; readonly file: string; readonly name: string };

async function main(task: StoreTask): Promise<void> {
  const store = await createSqliteStore({ file: task.file, shard: SHARD, collections: [PRODUCTS] });
  if (task.kind === "acknowledge") await acknowledgeForEver(store, task.name);
  else for (let done = 0; done < task.times; ) done += await increment(store);
  await store.close();
}

/** One attempt: 1 when it was applied. */
async function increment(store: Store): Promise<number> {
  const row = await rowOf(store, "lamp");
  if (row === null) throw new Error("lamp is missing");
  const write = put("lamp", `${Number(row.json) + 1}`, { op: randomUUID(), ifMatch: [row.op] });
  const outcome = await commitOne(store, write);
  return outcome.kind === "verdict" && outcome.verdict.kind === "replaced" ? 1 : 0;
}

async function acknowledgeForEver(store: Store, name: string): Promise<never> {
  for (let batch = 0; ; batch += 1) {
    const keys = Array.from({ length: 8 }, (_, index) => `${name}-${batch}-${index}`);
    await store.commit(keys.map((key) => put(key, JSON.stringify(key.repeat(20)))));
    process.stdout.write(`${keys.join("\n")}\n`);
  }
}

const [, , text = ""] = process.argv;
await main(JSON.parse(text) as StoreTask);
