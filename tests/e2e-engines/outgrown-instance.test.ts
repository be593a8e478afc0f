// An instance in files that gets a shard on Cassandra beside it, moves a range there while clients are at work, and gives it up again:
// what an operator types, and reads. Must not use the run's shared engines, nor look into a store.
import { randomUUID } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, expect, test } from "vitest";
import { createFolder, type Finished, putAway, startUp, type UpProcess, upOptions, zgate } from "../e2e/cli-process.ts";
import { describeOnEngines } from "../engines/engines.ts";

const READY_MS_MAX = 240_000;
const ATTEMPTS_MAX = 25;
const GROWN = ["--shards", "3", "--store", "cassandra"];
/** Keys of two letters each, so that each has its own slot. */
const LETTERS = [..."abcdefgz"];
const KEYS = LETTERS.flatMap((first) => LETTERS.map((second) => `${first}${second}-key`));
const MOVED = KEYS.filter((key) => key < "c");

const folder = createFolder();
const data = join(folder.path, "data");
let running: UpProcess | undefined;

const run = (...args: string[]): Promise<Finished> => zgate([...args, "--data", data]);
const start = async (...options: string[]): Promise<UpProcess> => {
  running = await startUp(data, ["--empty", ...options], READY_MS_MAX);
  return running;
};
const stop = async (): Promise<void> => {
  await putAway(running);
  running = undefined;
};

afterEach(stop);
afterAll(() => folder.remove());

/** All documents as the edge lists them, in order. */
async function documents(): Promise<ReadonlyMap<string, number>> {
  const { code, stdout, stderr } = await run("list", "products", "--all");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const lines = stdout.trimEnd().split("\n");
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf("\t")), JSON.parse(line.slice(line.indexOf("\t"))).n]),
  );
}

/** Writes one document after the other over the edge until it is stopped, counting up. */
class Writer {
  readonly written = new Map<string, number>();
  readonly failures: string[] = [];
  readonly #over = new AbortController();
  readonly #done: Promise<void>;

  constructor(url: string, token: string) {
    this.#done = this.#write(url, token);
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#done;
  }

  async #write(url: string, token: string): Promise<void> {
    for (let n = 1000; !this.#over.signal.aborted; n += 1) {
      const key = MOVED[n % MOVED.length] ?? "";
      const failure = await put(`${url}/products/${key}`, { n, token });
      if (failure === null) this.written.set(key, n);
      else this.failures.push(failure);
      await delay(5);
    }
  }
}

/** As a client should: what is 503 is repeated under the same key, for a while. Why it was not written, null when it was. */
async function put(url: string, { n, token }: { readonly n: number; readonly token: string }): Promise<string | null> {
  const headers = {
    ...{ authorization: `Bearer ${token}`, "content-type": "application/json" },
    "idempotency-key": randomUUID(),
  };
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(url, { method: "PUT", headers, body: JSON.stringify({ n }) });
    if (answer.status === 200) return null;
    const text = `${answer.status} ${await answer.text()}`;
    if (answer.status !== 503 || attempt === ATTEMPTS_MAX) return text;
    await delay(200);
  }
}

describeOnEngines("an instance that outgrows its files", () => {
  let expected = new Map(KEYS.map((key, index) => [key, index]));

  test("is refused another store as long as no shard would be on it", async () => {
    await start();
    const file = join(folder.path, "rows.tsv");
    writeFileSync(file, `key\tn\n${KEYS.map((key, index) => `${key}\t${index}\n`).join("")}`);
    expect((await run("import", "products", file)).code).toBe(0);
    await stop();
    const { args } = await upOptions(data);
    const refused = await zgate([...args, "--store", "cassandra"]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("no shard would be on Cassandra: those of this directory stay on SQLite");
    expect(refused.stderr).toContain("--shards 3 adds one that is");
    expect((await run("shard", "add", "shard-3")).stdout).toContain("--store cassandra besides gives it a keyspace");
    expect(existsSync(join(data, "engines"))).toBe(false);
  });

  test("gets a shard on Cassandra, and a range goes there while it is written to", {
    timeout: READY_MS_MAX,
  }, async () => {
    const { stdout, stderr, url } = await start(...GROWN);
    expect(stdout()).toContain("on SQLite and Cassandra (1 node) with the catalog in SQLite; stop with Ctrl-C");
    expect(stderr()).toContain("shard-3 is new and owns nothing yet");
    const token = (await run("token")).stdout.trim();
    const writer = new Writer(url, token);
    const moved = await run("move", "products", "--start", "a", "--end", "c", "--to", "shard-3", "--wait", "--json");
    await writer.stop();
    expect({ code: moved.code, stderr: moved.stderr }).toMatchObject({ code: 0 });
    const lines = moved.stdout.trimEnd().split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ state: "done", from: "shard-1", to: "shard-3" });
    expect(writer.failures).toEqual([]);
    expect(writer.written.size, "otherwise this tests nothing").toBeGreaterThan(10);
    expected = new Map([...expected, ...writer.written]);
    expect(await documents()).toEqual(expected);
    expect(JSON.parse((await run("route", "products", "aa-key", "--json")).stdout)).toMatchObject({ shard: "shard-3" });
    const { code, stdout: verdict } = await run("verify", "products");
    expect({ code, verdict }).toMatchObject({
      code: 0,
      verdict: expect.stringContaining(`${MOVED.length} slots compared`),
    });
    expect(existsSync(join(data, "shard-3", "store.db"))).toBe(false);
  });

  test("has everything again after a plain start, and takes the range back", { timeout: READY_MS_MAX }, async () => {
    await start();
    expect(await documents()).toEqual(expected);
    const drained = await run("shard", "drain", "shard-3", "--to", "shard-1", "--wait");
    expect({ code: drained.code, stderr: drained.stderr }).toMatchObject({ code: 0 });
    expect(await documents()).toEqual(expected);
  });

  test("gives the shard up, and is one in files again", { timeout: READY_MS_MAX }, async () => {
    const { stderr } = await start("--shards", "2");
    expect(stderr()).toContain("shard-3 is left out: nothing depends on it any more");
    expect(await documents()).toEqual(expected);
    await stop();
    const { stdout } = await start();
    expect(stdout()).not.toContain("Cassandra");
    expect(await documents()).toEqual(expected);
  });
});
