// Asking another shard for a slot's ownership: any of its origins will do, and only a valid answer counts. And a statement whose reply
// brings rows: what is believed of it, and that nothing stays open.
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { INTERNAL_PATH } from "../../../router/contract.ts";
import type { ShardId } from "../../../router/ids.ts";
import { FIRST_OWNER } from "../../../router/ownership.ts";
import type { Exchange } from "../../../shards/http/exchange.ts";
import { answerLines } from "../../../shards/http/line-stream.ts";
import { createShardServer } from "../../../shards/http/server.ts";
import type { RowsAhead } from "../../../shards/mover/reply-lines.ts";
import type { SlotPart } from "../../../shards/mover/slot-stream.ts";
import { createHttpPeers } from "../../../shards/peers/http-peers.ts";
import { addressOf } from "./memory-store.ts";

const D = "shard-2" as ShardId;
const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((close) => close()));
});

async function listen(answer: RequestListener): Promise<{ readonly origin: string; close(): Promise<void> }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  opened.push(close);
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

const answering = (status: number, text: string): RequestListener => {
  return (_request, response) => response.writeHead(status, { "Content-Type": "application/json" }).end(text);
};

/** An origin that nobody listens on any more. */
async function closedOrigin(): Promise<string> {
  const { origin, close } = await listen(answering(500, ""));
  await close();
  return origin;
}

function peersAt(origins: readonly string[]) {
  const shards = new Map([[D, { id: D, origins, store: { kind: "sqlite" } as const }]]);
  const sign = () => ({ "x-signature": "signed" });
  return createHttpPeers({ shards, sign });
}

function ask(origins: readonly string[]) {
  return peersAt(origins).ownership(D, addressOf("abc"));
}

const OWNED = JSON.stringify(FIRST_OWNER);

describe("the ownership of a slot at another shard", () => {
  test("is asked with the signed headers, collection and slot", async () => {
    const seen: (string | undefined)[] = [];
    const { origin } = await listen((request, response) => {
      seen.push(request.url, String(request.headers["x-signature"]));
      answering(200, OWNED)(request, response);
    });
    expect(await ask([origin])).toEqual(FIRST_OWNER);
    expect(seen).toEqual([`${INTERNAL_PATH.ownership}?collection=products&slot=ab`, "signed"]);
  });

  test.each<[string, RequestListener | null]>([
    ["is gone", null],
    ["answers with a failure", answering(503, "{}")],
    ["answers with something else", answering(200, "<html>")],
    ["does not answer", () => undefined],
  ])("comes from another origin when the first %s", async (_name, first) => {
    const bad = first === null ? await closedOrigin() : (await listen(first)).origin;
    const good = await listen(answering(200, OWNED));
    expect(await ask([bad, good.origin])).toEqual(FIRST_OWNER);
  });

  test("is not known when no origin tells it; the error says why of each", async () => {
    const failing = await listen(answering(503, "{}"));
    const asked = ask([await closedOrigin(), failing.origin]);
    await expect(asked).rejects.toThrow(/^shard-2 did not answer: .*ECONNREFUSED.*; status 503/);
  });

  test("is not known of a shard that is not configured", async () => {
    const shards = new Map();
    const peers = createHttpPeers({ shards, sign: () => ({}) });
    await expect(peers.ownership(D, addressOf("abc"))).rejects.toThrow("no origin for shard-2");
  });
});

describe("a statement that is sent for rows", () => {
  const event = { kind: "go", move: "m", epoch: 2 } as const;
  const change = { address: addressOf("abc"), event, seen: FIRST_OWNER };
  const reply = { kind: "changed", ownership: { ...FIRST_OWNER, state: "GONE" } } as const;
  const replied = `${JSON.stringify({ reply })}\n`;
  const begun = `${JSON.stringify({ ownership: reply.ownership })}\n`;
  const ended = `${JSON.stringify({ end: true, rows: 0, ownership: reply.ownership })}\n`;
  const whole: readonly SlotPart[] = [
    { kind: "begin", ownership: reply.ownership },
    { kind: "end", rows: 0, ownership: reply.ownership },
  ];

  /** Chunks of an answer of lines; `null`: the connection breaks there. */
  const lines = (...chunks: readonly (string | null)[]): RequestListener => {
    return (_request, response) => {
      response.writeHead(200, { "Content-Type": "application/x-ndjson" });
      void write(response, chunks);
    };
  };

  async function write(response: ServerResponse, chunks: readonly (string | null)[]): Promise<void> {
    for (const chunk of chunks) {
      if (chunk === null) return void response.destroy();
      await new Promise((resolve) => response.write(chunk, resolve));
      await delay(5);
    }
    response.end();
  }

  async function send(answer: RequestListener) {
    return peersAt([(await listen(answer)).origin]).sendForRows(D, change, 12.3);
  }

  async function collect(rows: RowsAhead | null): Promise<readonly SlotPart[]> {
    if (rows === null) throw new Error("no rows came");
    const parts: SlotPart[] = [];
    for await (const part of rows.parts) parts.push(part);
    return parts;
  }

  test("says so, with what it says without", async () => {
    const bodies: unknown[] = [];
    const answer = await send((request, response) => {
      request.on("data", (chunk: Buffer) => bodies.push(JSON.parse(chunk.toString())));
      lines(replied, begun, ended)(request, response);
    });
    const { collection, slot } = change.address;
    expect(bodies).toEqual([{ collection, slot, event, seen: FIRST_OWNER, rows: { recentMs: 13 } }]);
    expect(answer.reply).toEqual(reply);
    expect(await collect(answer.rows)).toEqual(whole);
  });

  test.each([
    ["each line by itself", [replied, begun, ended]],
    ["all at once", [replied + begun + ended]],
    ["in pieces of a line", [replied.slice(0, 9), replied.slice(9) + begun.slice(0, 9), begun.slice(9) + ended]],
  ])("brings them however the lines come: %s", async (_name, chunks) => {
    const answer = await send(lines(...chunks));
    expect([answer.reply, await collect(answer.rows)]).toEqual([reply, whole]);
  });

  test("has its reply before the rows are there", async () => {
    let goOn = (): void => undefined;
    const answer = await send((_request, response) => {
      response.writeHead(200, { "Content-Type": "application/x-ndjson" }).write(replied);
      goOn = () => void response.end(begun + ended);
    });
    expect(answer.reply).toEqual(reply);
    goOn();
    expect(await collect(answer.rows)).toEqual(whole);
  });

  test.each([
    ["an older shard", reply],
    [
      "a shard that refuses it",
      { kind: "refused", reason: "other-move", detail: "another one", ownership: FIRST_OWNER },
    ],
  ])("has no rows where %s answers with a reply alone", async (_name, said) => {
    expect(await send(answering(200, JSON.stringify(said)))).toEqual({ reply: said, rows: null });
  });

  const refusal = { ...reply, kind: "refused", reason: "other-move", detail: "" };
  const refused = `${JSON.stringify({ reply: refusal })}\n`;
  test.each<[string, RequestListener, string]>([
    ["before its reply", lines("", null), "other side closed"],
    ["inside its reply", lines(replied.slice(0, -1), null), "other side closed"],
    ["before its reply, as if that were all", lines(), "the reply is broken off"],
    ["inside its reply, as if that were all", lines(replied.slice(0, -1)), "broken off inside a line"],
    ["with something else", lines(begun, ended), "expected {kind, ownership}"],
    ["with a refusal and rows", lines(refused, begun, ended), "expected no rows behind a refusal"],
    ["with nonsense", lines("nonsense\n"), "not valid JSON"],
    ["with a failure", answering(503, "{}"), "status 503"],
  ])("is not known to have happened where the answer ends %s", async (_name, answer, error) => {
    await expect(send(answer)).rejects.toThrow(error);
  });

  test.each<[string, readonly (string | null)[], string]>([
    ["behind the reply", [replied, null], "other side closed"],
    ["behind the reply, as if that were all", [replied], "the rows of the slot are broken off"],
    ["behind the columns", [replied, begun, null], "other side closed"],
    ["inside the end", [replied, begun, ended.slice(0, 9), null], "other side closed"],
  ])("has its reply, and rows that fail, where the answer is broken off %s", async (_name, chunks, error) => {
    const answer = await send(lines(...chunks));
    expect(answer.reply).toEqual(reply);
    await expect(collect(answer.rows)).rejects.toThrow(error);
  });

  /** Rows without an end from a real shard's server, which notes when nobody wants them any more. */
  async function serveEndless() {
    const origin = await closedOrigin();
    const noted = { begun: 0, ended: 0 };
    async function* texts(): AsyncGenerator<string, void, undefined> {
      noted.begun += 1;
      try {
        yield replied + begun;
        const row = { kind: "tombstone", key: "abc", op: "op", atMs: 1 };
        for (;;) {
          await delay(1);
          yield `${JSON.stringify({ row })}\n`;
        }
      } finally {
        noted.ended += 1;
      }
    }
    const routes = (_request: Request, exchange: Exchange) =>
      Promise.resolve(answerLines({ exchange, log: () => undefined, texts: texts() }));
    const server = createShardServer({ routes, log: () => undefined });
    await server.listen({ host: "127.0.0.1", port: Number(new URL(origin).port) });
    opened.push(() => server.stop(0));
    return { noted, peers: peersAt([origin]) };
  }

  test.each(["unread", "half read"])("leaves nothing open where its rows are dropped %s", async (when) => {
    const { noted, peers } = await serveEndless();
    const TIMES = 40;
    for (let count = 0; count < TIMES; count += 1) {
      const { rows } = await peers.sendForRows(D, change, null);
      if (rows === null) throw new Error("no rows came");
      const reader = rows.parts[Symbol.asyncIterator]();
      if (when === "half read") expect(await reader.next()).toMatchObject({ value: { kind: "begin" } });
      rows.drop();
      await expect(collect(rows)).rejects.toThrow("aborted");
    }
    while (noted.ended < TIMES) await delay(5);
    expect(noted).toEqual({ begun: TIMES, ended: TIMES });
  });

  test("leaves nothing open where whoever reads its rows leaves early", async () => {
    const { noted, peers } = await serveEndless();
    const { rows } = await peers.sendForRows(D, change, null);
    for await (const _part of rows?.parts ?? []) break;
    while (noted.ended < 1) await delay(5);
    expect(noted).toEqual({ begun: 1, ended: 1 });
  });

  test("may drop rows that have been read, and its connection is used again", async () => {
    const ports = new Set<number | undefined>();
    const { origin } = await listen((request, response) => {
      ports.add(request.socket.remotePort);
      lines(replied, begun, ended)(request, response);
    });
    const peers = peersAt([origin]);
    for (let count = 0; count < 3; count += 1) {
      const { rows } = await peers.sendForRows(D, change, null);
      expect(await collect(rows)).toEqual(whole);
      rows?.drop();
      await delay(5);
    }
    expect(ports.size).toBe(1);
  });
});
