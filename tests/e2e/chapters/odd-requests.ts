// Chapter: requests that are legal but odd, or not quite HTTP: doubled headers, chunks, broken uploads, strange methods.
// Must not test keys or tokens; they have chapters of their own.
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { NOTE_BYTES_MAX } from "../gateway-config.ts";
import { sendRaw } from "../raw-request.ts";
import { eventually } from "../shard-process.ts";
import { freshKey, useSurface } from "./surface.ts";

describe("odd requests", () => {
  const surface = useSurface();
  const head = (method: string, path: string, lines: readonly string[]): string =>
    [
      `${method} ${path} HTTP/1.1`,
      "Host: gateway",
      `Authorization: Bearer ${surface().token}`,
      "Connection: close",
      ...lines,
      "\r\n",
    ].join("\r\n");
  const json = ["Content-Type: application/json", "If-None-Match: *"];
  const chunked = (text: string, size: number): string => {
    const pieces = text.match(new RegExp(`.{1,${size}}`, "gs")) ?? [];
    return `${pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join("")}0\r\n\r\n`;
  };

  test("a body in chunks is taken up to the limit, and not beyond", async () => {
    const { client } = surface();
    const path = `/notes/${freshKey()}`;
    const exact = `"${"x".repeat(NOTE_BYTES_MAX - 2)}"`;
    const lines = [...json, "Transfer-Encoding: chunked"];
    const over = await sendRaw(client.url, head("PUT", path, lines) + chunked(`${exact} `, 100));
    expect(over.status).toBe(413);
    const taken = await sendRaw(client.url, head("PUT", path, lines) + chunked(exact, 100));
    expect(taken.status).toBe(201);
    expect((await client.get(path)).text).toBe(exact);
  });

  test("a body that is announced too long is refused before it is sent", async () => {
    const { client } = surface();
    const lines = [...json, "Content-Length: 99999999", "Expect: 100-continue"];
    const answer = await sendRaw(client.url, head("PUT", `/notes/${freshKey()}`, lines));
    expect(answer.status).toBe(413);
  });

  test.for([
    ["with its length", 1],
    ["with its length", 5],
    ["in chunks", 1],
    ["in chunks", 5],
  ] as const)("a body that is really sent %s, of %i MB, is refused with 413 each time", async ([how, megabytes]) => {
    const { client } = surface();
    const text = "x".repeat(megabytes * 1_000_000);
    const length = how === "in chunks" ? "Transfer-Encoding: chunked" : `Content-Length: ${text.length}`;
    const bytes = head("PUT", `/notes/${freshKey()}`, [...json, length]);
    const request = bytes + (how === "in chunks" ? chunked(text, 60_000) : text);
    const statuses: number[] = [];
    for (let count = 0; count < 10; count += 1) statuses.push((await sendRaw(client.url, request)).status);
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 413));
  });

  test("an upload that breaks off changes nothing", async () => {
    const { client, token } = surface();
    const path = `/notes/${freshKey()}`;
    const created = await client.put(path, 1, { token, headers: { "if-none-match": "*" } });
    const { hostname, port } = new URL(client.url);
    for (const lines of [["Content-Length: 3"], ["Transfer-Encoding: chunked"]]) {
      const type = ["Content-Type: application/json", `If-Match: ${created.header("etag")}`];
      const part = lines[0]?.startsWith("Content") === true ? "22" : "2\r\n22\r\n";
      const socket = connect({ host: hostname, port: Number(port) });
      socket.on("error", () => undefined);
      socket.end(head("PUT", path, [...type, ...lines]) + part);
      await new Promise((settle) => socket.resume().once("close", settle));
    }
    // Were one of them applied, this precondition would be false.
    const headers = { "if-match": created.header("etag") };
    expect((await client.put(path, 3, { token, headers })).status).toBe(200);
  });

  test.for([
    ["Idempotency-Key", "a", 400],
    ["Content-Type", "application/json", 415],
    ["Content-Length", "1", 400],
  ] as const)("a doubled %s is refused", async ([name, value, status]) => {
    const { client } = surface();
    const path = `/notes/${freshKey()}`;
    const others = [...json, "Content-Length: 1"].filter((line) => !line.startsWith(name));
    const second = name === "Content-Length" ? "2" : value;
    const lines = [...others, `${name}: ${value}`, `${name}: ${second}`];
    expect((await sendRaw(client.url, `${head("PUT", path, lines)}11`)).status).toBe(status);
    expect((await client.get(path)).status).toBe(404);
  });

  test("two If-Match headers are one list", async () => {
    const { client, token } = surface();
    const path = `/notes/${freshKey()}`;
    const created = await client.put(path, 1, { token, headers: { "if-none-match": "*" } });
    const headers = { "if-match": ['"other"', created.header("etag")] };
    expect((await client.put(path, 2, { token, headers })).status).toBe(200);
  });

  test("both length and chunks are not believed at once", async () => {
    const { client } = surface();
    const path = `/notes/${freshKey()}`;
    const smuggled = `GET /products/${freshKey()} HTTP/1.1\r\nHost: gateway\r\n\r\n`;
    const lines = [...json, "Content-Length: 5", "Transfer-Encoding: chunked"];
    const answer = await sendRaw(client.url, `${head("PUT", path, lines)}0\r\n\r\n${smuggled}`);
    expect(answer.status).toBe(400);
    expect(answer.body).not.toContain("HTTP/1.1");
  });

  test.for(["if-match", "idempotency-key", "content-type"])("%s outside ASCII is refused", async (name) => {
    const { client, token } = surface();
    const headers: Record<string, string> = { "content-type": "application/json", [name]: "\u00e9" };
    const answer = await client.send("PUT", `/prices/${freshKey()}`, { token, headers, body: "1" });
    expect([400, 415]).toContain(answer.status);
  });

  test.for(["TRACE", "PROPFIND", "REPORT", "QUERY"])("the method %s is refused", async (method) => {
    const { client } = surface();
    const answer = await sendRaw(client.url, head(method, `/products/${freshKey()}`, []));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });

  test("internal headers of a client mean nothing", async () => {
    const { client } = surface();
    const path = `/carts/${freshKey()}`;
    const headers = {
      "content-type": "application/json",
      "zgate-subject": "admin",
      "zgate-permissions": "carts:read carts:write",
      "zgate-slot-epoch": "99",
      "zgate-op": "11111111-1111-4111-8111-111111111111",
    };
    expect((await client.get(path, { headers })).status).toBe(401);
    const { token } = surface();
    const created = await client.send("PUT", path, { token, headers, body: "1" });
    expect(created.status).toBe(201);
    expect(created.header("etag")).not.toContain("11111111-1111");
  });

  test("a client that does not read its answer does not hold up others", async () => {
    const { client, token } = surface();
    const path = `/prices/${freshKey()}`;
    await client.put(path, JSON.stringify("x".repeat(200_000)), { token });
    const { hostname, port } = new URL(client.url);
    const lazy = Array.from({ length: 20 }, () => {
      const socket = connect({ host: hostname, port: Number(port) });
      socket.on("error", () => undefined);
      socket.pause().write(head("GET", path, []));
      return socket;
    });
    await eventually(async () => (await client.get(path)).status === 200, "others are served");
    expect((await client.get("/healthz")).status).toBe(200);
    for (const socket of lazy) socket.destroy();
  });
});
