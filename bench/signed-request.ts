/**
 * Requests signed as an edge signs them, so that a shard can be measured without one.
 * It must not be used for anything but load: it takes the shard's own key.
 */
import { randomUUID } from "node:crypto";
import { parseSigningKeys } from "../config/signing-keys.ts";
import { HEADER } from "../router/contract.ts";
import { createSigner } from "../shards/http/signature.ts";
import type { PlainRequest, WriteTraffic } from "./load-plan.ts";

/** Path of a document, as the edge writes it. */
export function documentPath(collection: string, key: string): string {
  return `/${collection}/${encodeURIComponent(key)}`;
}

/** Reads that a shard accepts for as long as the signature window lasts. `keys` is the text of the signing keys. */
export function signedReads(signingKeys: string, collection: string, keys: readonly string[]): readonly PlainRequest[] {
  const sign = createSigner(parseSigningKeys(signingKeys), { nowMs: Date.now });
  return keys.map((key) => {
    const target = { method: "GET", path: documentPath(collection, key), query: "" };
    return { method: target.method, path: target.path, headers: sign(target, identity("", "")) };
  });
}

/** Writes of documents, each with its own op id. */
export function signedWrites(traffic: WriteTraffic): readonly PlainRequest[] {
  const { collection, products } = traffic;
  const sign = createSigner(parseSigningKeys(traffic.signingKeys), { nowMs: Date.now });
  return Array.from({ length: traffic.writesMax }, (_, index) => {
    const { key, json } = products[index % products.length] ?? { key: "", json: "" };
    const target = { method: "PUT", path: documentPath(collection, key), query: "" };
    const headers = { ...identity("bench", `${collection}:write`), "content-type": "application/json" };
    return { method: target.method, path: target.path, headers: sign(target, headers, Buffer.from(json)), body: json };
  });
}

function identity(subject: string, permissions: string): Readonly<Record<string, string>> {
  return {
    [HEADER.subject]: subject,
    [HEADER.permissions]: permissions,
    [HEADER.mapVersion]: "1",
    [HEADER.slotEpoch]: "1",
    [HEADER.op]: randomUUID(),
    [HEADER.requestId]: randomUUID(),
  };
}
