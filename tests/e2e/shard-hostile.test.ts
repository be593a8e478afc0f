// Clients that mean no good: half requests, slow ones, lies about length, bytes that are no HTTP, random requests.
// None of them may hang the server, get a 5xx or see a stack.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HEADER } from "../../router/contract.ts";
import { SEED } from "../unit/seed.ts";
import { HOSTILE_SEGMENTS } from "./hostile-paths.ts";
import { sendRaw } from "./raw-request.ts";
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

/** The header block of a PUT signed with `body`, with anything added or replaced. */
function headOf(path: string, body: string, more: Readonly<Record<string, string>>): string {
  const headers = { host: "s", connection: "close", ...signRequest({ method: "PUT", path, body }), ...more };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `PUT ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

function openSocket(): Socket {
  return connect(Number(new URL(shard.origin).port), "127.0.0.1").on("error", () => undefined);
}

describe("bytes that are no good request get a problem, not silence", () => {
  test.each([
    ["no HTTP", 400, "hello\r\n\r\n"],
    ["a broken header", 400, "GET / HTTP/1.1\r\nHost s\r\n\r\n"],
    ["a header block that is too large", 431, `GET / HTTP/1.1\r\nHost: s\r\nx: ${"y".repeat(20_000)}\r\n\r\n`],
    ["a request line that is too long", 431, `GET /${"y".repeat(20_000)} HTTP/1.1\r\nHost: s\r\n\r\n`],
    ["two lengths", 400, "PUT /a HTTP/1.1\r\nHost: s\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
    ["length and chunks", 400, "PUT /a HTTP/1.1\r\nHost: s\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["a negative length", 400, "PUT /a HTTP/1.1\r\nHost: s\r\nContent-Length: -1\r\n\r\n"],
    ["no Host, unsigned", 401, "GET /a HTTP/1.1\r\nConnection: close\r\n\r\n"],
    ["a Host that is none", 400, "GET /a HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n"],
    ["an asterisk", 400, "OPTIONS * HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n"],
    ["another server's URL", 401, "GET http://other/products/a HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n"],
  ])("%s: %i", async (_name, status, bytes) => {
    const answer = await sendRaw(shard.origin, bytes);
    expect(answer.status).toBe(status);
    expect(answer.head).toContain("application/problem+json");
    expect(JSON.parse(answer.body)).toMatchObject({ status, retryable: false });
  });
});

describe("bodies", () => {
  test("a body that is announced as too large is refused before it is sent", async () => {
    const socket = openSocket();
    socket.write(headOf("/products/a", "{}", { "content-length": "999999999" }));
    const [chunk] = await once(socket, "data");
    expect(String(chunk)).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
  });

  test("a chunked body is refused when it passes the limit, whatever it announced", async () => {
    const socket = openSocket();
    socket.write(headOf("/products/a", "{}", { "transfer-encoding": "chunked" }));
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    for (let sent = 0; sent < 6; sent += 1) socket.write(chunk);
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
  });

  test("a body cut off by the client is not applied and does not crash anything", async () => {
    const socket = openSocket();
    socket.write(`${headOf("/products/cut", '{"a":1234}', { "content-length": "10" })}{"a":`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
    expect((await client.send({ path: "/products/cut" })).status).toBe(404);
  });

  test("a length shorter than the body: the digest does not match, the rest is no request", async () => {
    const bytes = `${headOf("/products/brief", "{}x", { "content-length": "2", connection: "keep-alive" })}{}x`;
    const answer = await sendRaw(shard.origin, bytes);
    expect([400, 401]).toContain(answer.status);
    expect((await client.send({ path: "/products/brief" })).status).toBe(404);
  });
});

test("two hundred slow and half-open clients do not keep others from being served", async () => {
  const sockets = Array.from({ length: 200 }, (_, index) => {
    const socket = openSocket();
    if (index % 2 === 0) socket.write("GET /products/a HTTP/1.1\r\nHost:");
    else socket.write(`${headOf("/products/slow", "{}", { "content-length": "100" })}{`);
    return socket;
  });
  const startedAtMs = performance.now();
  for (let count = 0; count < 50; count += 1) expect((await client.send({ path: "/products/b" })).status).toBe(404);
  expect(performance.now() - startedAtMs).toBeLessThan(5000);
  for (const socket of sockets) socket.destroy();
});

test("headers that never end are answered with 408 and cut", async () => {
  const socket = openSocket();
  socket.write("GET /products/a HTTP/1.1\r\nHost: s\r\n");
  const drip = setInterval(() => socket.write("x: y\r\n"), 500);
  const [answer] = await once(socket, "data");
  clearInterval(drip);
  expect(String(answer)).toMatch(/^HTTP\/1\.1 408 /);
  expect(String(answer)).toContain('"code":"REQUEST_TIMEOUT"');
  await once(socket, "close");
});

describe("ten thousand random requests, signed", () => {
  const pick = fc.constantFrom;
  const rawText = fc.stringMatching(/^[!-~]{0,24}$/);
  const segment = fc.oneof(
    pick(...HOSTILE_SEGMENTS.map(([, text]) => text).filter((text) => /^[!-~]*$/.test(text))),
    rawText,
    fc.string({ unit: "grapheme", maxLength: 6 }).map((text) => encodeURIComponent(text.toWellFormed())),
  );
  const path = fc.oneof(
    segment.map((key) => `/products/${key}`),
    fc
      .tuple(pick("products", "carts", "notes", "internal", "PRODUCTS", ""), segment)
      .map((parts) => `/${parts.join("/")}`),
    fc.array(segment, { maxLength: 3 }).map((parts) => `/${parts.join("/")}`),
    pick("/products", "/internal/map", "/internal/ownership", "/internal/health"),
  );
  const value = fc.oneof(
    pick("*", '"a"', 'W/"a"', "application/json", "application/merge-patch+json", "identity", ""),
    rawText,
  );
  const names = ["if-match", "if-none-match", "idempotency-key", "content-type", "content-encoding"] as const;
  const headers = fc.dictionary(
    pick(...names, HEADER.op, HEADER.slotEpoch, HEADER.permissions, HEADER.subject),
    value,
    {
      maxKeys: 4,
    },
  );
  const query = fc.oneof(pick("", "from=&limit=5", "collection=products", "collection=products&slot=ab"), rawText);
  const body = fc.oneof(
    fc.json(),
    rawText,
    fc.uint8Array({ maxLength: 64 }),
    pick("null", "{}", '{"__proto__":{"a":1}}'),
  );
  const asked = fc.record({
    method: pick("GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "OPTIONS", "PROPFIND"),
    path: path.filter((text) => !/[?#]/.test(text)),
    query: query.filter((text) => !text.includes("#")),
    headers,
    body: fc.option(body, { nil: undefined }),
  });
  const EXPECTED = [200, 201, 204, 304, 400, 401, 403, 404, 405, 412, 413, 414, 415, 421, 422, 428];

  test("every answer is one of the table, none is a 5xx, none shows a stack", async () => {
    const requests = fc.sample(asked, { seed: SEED, numRuns: 10_000 });
    const unexpected: unknown[] = [];
    const queue = requests.entries();
    const work = async (): Promise<void> => {
      for (const [index, request] of queue) {
        const { body: content, ...rest } = request;
        const hasBody = content !== undefined && request.method !== "HEAD";
        const answer = await client.send(hasBody ? { ...rest, body: content } : rest);
        const isExpected = EXPECTED.includes(answer.status) && !/\bat .+:\d+:\d+/.test(answer.text);
        if (!isExpected) unexpected.push({ index, request, status: answer.status, text: answer.text });
      }
    };
    await Promise.all(Array.from({ length: 16 }, work));
    expect(unexpected, `ZGATE_SEED=${SEED}`).toEqual([]);
    expect(shard.lines.filter((line) => line.includes("request-failed"))).toEqual([]);
  });
});
