// Idempotency-Key: one effect and one answer, across workers, restarts and parallel repetitions.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { HEADER } from "../../router/contract.ts";
import { createShardClient, type ShardAnswer, type ShardClient, type ShardRequest } from "./shard-client.ts";
import { createTwoShards, type ShardFiles, type ShardProcess, startShard } from "./shard-process.ts";

let files: ShardFiles;
let port: number;
let shard: ShardProcess;
let client: ShardClient;

let serial = 0;
let path: string;

beforeAll(async () => {
  const made = await createTwoShards();
  files = made.files;
  port = made.ports[0];
  await restart();
});

beforeEach(() => {
  serial += 1;
  path = `/products/a${serial}`;
});

afterAll(async () => {
  await client.close();
  await shard.destroy();
  await files.remove();
});

async function restart(): Promise<void> {
  shard = await startShard({ files, shard: "shard-1", port, workers: 2 });
  client = createShardClient(shard.origin);
}

/** Sends from a fresh connection each time, so that the workers take turns. */
async function sendAnew(asked: ShardRequest): Promise<ShardAnswer> {
  const fresh = createShardClient(shard.origin, 1);
  const answer = await fresh.send(asked);
  await fresh.close();
  return answer;
}

const keyed = (more: Partial<ShardRequest> & { readonly path: string }): ShardRequest => ({
  method: "PUT",
  body: '{"n":1}',
  ...more,
  headers: { "idempotency-key": "k1", ...more.headers },
});

/** What a client can tell two answers apart by. */
const essence = ({ status, headers, text }: ShardAnswer) => ({
  status,
  etag: headers["etag"],
  lastModified: headers["last-modified"],
  text: status >= 400 ? JSON.parse(text).code : text,
});

describe("the same request again", () => {
  test("gets the same answer from any worker, marked as replayed, and changes nothing", async () => {
    const first = await sendAnew(keyed({ path }));
    expect(first.status).toBe(201);
    expect(first.headers["idempotency-replayed"]).toBeUndefined();
    const other = await sendAnew({ method: "PUT", path, body: '{"n":2}' });
    for (let round = 0; round < 6; round += 1) {
      const again = await sendAnew(keyed({ path }));
      expect(essence(again)).toEqual(essence(first));
      expect(again.headers["idempotency-replayed"]).toBe("true");
    }
    expect((await client.send({ path })).headers["etag"]).toBe(other.headers["etag"]);
  });

  test("also a merge that became too large, when it would fit now", async () => {
    const text = (length: number): string => JSON.stringify({ [`t${length}`]: "x".repeat(length) });
    const merge = keyed({ path, method: "PATCH", body: text(100 * 1024) });
    await client.send({ method: "PUT", path, body: text(200 * 1024) });
    const first = await client.send(merge);
    expect(first.status).toBe(413);
    await client.send({ method: "PUT", path, body: "{}" });
    const again = await client.send(merge);
    expect(essence(again)).toEqual(essence(first));
    expect(again.headers["idempotency-replayed"]).toBe("true");
    expect((await client.send({ path })).text).toBe("{}");
  });

  test("also after a restart, and with the key quoted", async () => {
    const first = await client.send(keyed({ path }));
    await client.close();
    await shard.stop();
    await restart();
    const again = await client.send(keyed({ path, headers: { "idempotency-key": '"k1"' } }));
    expect(essence(again)).toEqual(essence(first));
    expect(again.headers["idempotency-replayed"]).toBe("true");
  });

  test("a refusal is replayed too: 404 and 412 stay, although they would now succeed", async () => {
    const patch = keyed({ method: "PATCH", path });
    const replace = keyed({ path, headers: { "idempotency-key": "k2", "if-match": "*" } });
    const refusals = [await client.send(patch), await client.send(replace)];
    expect(refusals.map(({ status }) => status)).toEqual([404, 412]);
    expect((await client.send({ method: "PUT", path, body: "0" })).status).toBe(201);
    const again = [await client.send(patch), await client.send(replace)];
    expect(again.map(essence)).toEqual(refusals.map(essence));
    expect(again.map(({ headers }) => headers["idempotency-replayed"])).toEqual(["true", "true"]);
    expect((await client.send({ path })).text).toBe("0");
  });

  test("a deletion is not repeated", async () => {
    await client.send({ method: "PUT", path, body: "1" });
    const remove: ShardRequest = { method: "DELETE", path, headers: { "idempotency-key": "k3" } };
    expect((await client.send(remove)).status).toBe(204);
    await client.send({ method: "PUT", path, body: "2" });
    expect((await client.send(remove)).status).toBe(204);
    expect((await client.send({ path })).text).toBe("2");
  });
});

test.each<[string, Partial<ShardRequest>]>([
  ["another body", { body: '{"n":2}' }],
  ["another method", { method: "PATCH" }],
  ["another precondition", { headers: { "if-match": "*" } }],
  ["another content type", { headers: { "content-type": "application/ld+json" } }],
])("the same key with %s: 422, and nothing is changed", async (_name, more) => {
  await client.send(keyed({ path }));
  const answer = await client.send(keyed({ path, ...more }));
  expect(answer.status).toBe(422);
  expect((await client.send({ path })).text).toBe('{"n":1}');
});

test.each<[string, () => ShardRequest]>([
  ["another document", () => keyed({ path: "/products/b" })],
  ["another subject", () => keyed({ path, headers: { [HEADER.subject]: "somebody-else" } })],
  ["another collection", () => keyed({ path: "/notes/a", headers: { "if-none-match": "*" } })],
])("the same key for %s is another key", async (_name, asked) => {
  await client.send(keyed({ path }));
  const answer = await client.send(asked());
  expect([200, 201]).toContain(answer.status);
  expect(answer.headers["idempotency-replayed"]).toBeUndefined();
});

test("parallel repetitions over all workers have one effect and one answer", async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, () => sendAnew(keyed({ path }))));
  expect(new Set(answers.map((answer) => JSON.stringify(essence(answer)))).size).toBe(1);
  expect(answers.filter(({ headers }) => headers["idempotency-replayed"] === undefined)).toHaveLength(1);
  expect(answers[0]?.status).toBe(201);
});
