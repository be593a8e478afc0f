// What a shard does with requests that no edge has signed, or that were changed on the way.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HEADER, SIGNATURE_WINDOW_MS, SIGNED_CLIENT_HEADERS } from "../../router/contract.ts";
import { createShardClient, type ShardClient, signRequest } from "./shard-client.ts";
import { createTwoShards, type ShardFiles, type ShardProcess, startShard } from "./shard-process.ts";

let files: ShardFiles;
let shard: ShardProcess;
let client: ShardClient;

beforeAll(async () => {
  const made = await createTwoShards();
  files = made.files;
  shard = await startShard({ files, shard: "shard-1", port: made.ports[0] });
  client = createShardClient(shard.origin);
});

afterAll(async () => {
  await client.close();
  await shard.destroy();
  await files.remove();
});

/** Nothing that was refused has been applied. */
async function expectAbsent(path: string): Promise<void> {
  expect((await client.send({ path })).status).toBe(404);
}

const SIGNED = [...Object.values(HEADER).filter((name) => name !== HEADER.listCovered), ...SIGNED_CLIENT_HEADERS];

/** A write with every signed header set. */
const WRITE = {
  method: "PUT",
  path: "/products/closed",
  query: "",
  body: "{}",
  headers: {
    "content-encoding": "identity",
    "if-match": '"a"',
    "if-none-match": '"b"',
    "idempotency-key": "k",
  },
};

describe("without a signature", () => {
  test.each([
    ["GET", "/products/a"],
    ["PUT", "/products/a"],
    ["GET", "/products?from=&limit=1"],
    ["GET", "/internal/map?collection=products"],
    ["GET", "/internal/ownership?collection=products&slot=ab"],
    ["GET", "/nowhere"],
    ["GET", "/internal/nothing"],
    ["POST", "/products/a"],
    ["OPTIONS", "/products/a"],
    ["POST", "/internal/health"],
    ["GET", "/internal/health/"],
  ])("%s %s: 401", async (method, target) => {
    const init = method === "PUT" ? { method, body: "{}" } : { method };
    const answer = await fetch(shard.origin + target, init);
    const isHealth = target === "/internal/health";
    expect(answer.status).toBe(isHealth ? 405 : 401);
    if (!isHealth) expect(await answer.json()).toMatchObject({ code: "INVALID_SIGNATURE" });
  });
});

describe("a signed write", () => {
  test.each(SIGNED)("with one changed byte in %s: 401, and it is not applied", async (name) => {
    const answer = await client.send({
      ...WRITE,
      bend: (headers) => {
        const value = headers[name] ?? "";
        headers[name] = value === "" ? "x" : `${value.slice(0, -1)}${value.endsWith("A") ? "B" : "A"}`;
      },
    });
    expect(answer.status).toBe(401);
    await expectAbsent(WRITE.path);
  });

  test.each(SIGNED)("without %s: 401", async (name) => {
    const bend = (headers: Record<string, string>): void => void Reflect.deleteProperty(headers, name);
    expect((await client.send({ ...WRITE, bend })).status).toBe(401);
  });

  test.each([
    ["method", { method: "PATCH" }],
    ["path", { path: "/products/closer" }],
    ["query", { query: "a" }],
    ["body", { body: "[]" }],
    ["body length", { body: "{} " }],
  ])("with another %s: 401, and nothing is applied", async (_name, change) => {
    const signed = signRequest({ method: "PUT", path: "/products/closed", body: "{}" });
    const asked = { method: "PUT", path: "/products/closed", body: "{}", ...change };
    const replace = (headers: Record<string, string>): void => {
      for (const name of Object.keys(headers)) Reflect.deleteProperty(headers, name);
      Object.assign(headers, signed);
    };
    expect((await client.send({ ...asked, bend: replace })).status).toBe(401);
    await expectAbsent("/products/closed");
    await expectAbsent("/products/closer");
  });

  test("too old or from the future: 401; within the window: taken", async () => {
    const write = { method: "PUT", path: "/products/dated", body: "{}" };
    for (const clockOffsetMs of [-SIGNATURE_WINDOW_MS - 2000, SIGNATURE_WINDOW_MS + 2000]) {
      expect((await client.send({ ...write, clockOffsetMs })).status).toBe(401);
    }
    await expectAbsent(write.path);
    expect((await client.send({ ...write, clockOffsetMs: 2000 - SIGNATURE_WINDOW_MS })).status).toBe(201);
  });
});

test("a read with a body that was not signed: 401", async () => {
  const bend = (headers: Record<string, string>): void => {
    headers[HEADER.bodyDigest] = String(signRequest({ path: "/products/a" })[HEADER.bodyDigest]);
  };
  expect((await client.send({ path: "/products/a", body: "{}", bend })).status).toBe(401);
});

test("a problem names the request by the edge's id, and by one of its own when that is unfit", async () => {
  const signed = await client.send({ path: "/nowhere", headers: { [HEADER.requestId]: "request-7" } });
  expect(signed.json().requestId).toBe("request-7");
  const unfit = await fetch(`${shard.origin}/nowhere`, { headers: { [HEADER.requestId]: "x".repeat(500) } });
  expect(JSON.parse(await unfit.text()).requestId).toMatch(/^[0-9a-f-]{36}$/);
});
