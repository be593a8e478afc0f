// Asking another shard for a slot's ownership: any of its origins will do, and only a valid answer counts.
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { INTERNAL_PATH } from "../../../router/contract.ts";
import type { ShardId } from "../../../router/ids.ts";
import { FIRST_OWNER } from "../../../router/ownership.ts";
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

function ask(origins: readonly string[]) {
  const shards = new Map([[D, { id: D, origins, store: { kind: "sqlite" } as const }]]);
  const sign = () => ({ "x-signature": "signed" });
  return createHttpPeers({ shards, sign }).ownership(D, addressOf("abc"));
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
