/**
 * A process of its own that publishes map versions, for the test of several processes on one catalog.
 * Started with a JSON task; prints the versions that it has published itself.
 */
import { createSqliteCatalog } from "../../shards/catalog/sqlite-catalog.ts";
import { author, mapOf, PRODUCTS } from "./catalog-fixture.ts";

/** Where, and how many versions to publish. */
export interface CatalogTask {
  readonly file: string;
  readonly times: number;
}

const [, , text = ""] = process.argv;
const task = JSON.parse(text) as CatalogTask;
const catalog = await createSqliteCatalog({ file: task.file });
for (let published = 0; published < task.times; ) {
  const current = await catalog.current(PRODUCTS);
  const next = mapOf((current?.version ?? 0) + 1);
  const outcome = await catalog.publish(next, author(`process ${process.pid}`));
  if (outcome.kind !== "published") continue;
  published += 1;
  process.stdout.write(`${next.version}\n`);
}
await catalog.close();
