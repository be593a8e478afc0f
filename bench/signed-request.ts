/**
 * Requests signed as an edge signs them, so that a shard can be measured without one.
 * It must not be used for anything but load: it takes the shard's own key.
 */
import { randomUUID } from "node:crypto";
import { parseSigningKeys } from "../config/signing-keys.ts";
import { HEADER } from "../router/contract.ts";
import { createSigner } from "../shards/http/signature.ts";
import type { ClientTraffic, PlainRequest, WriteTraffic } from "./load-plan.ts";
import type { Product } from "./products.ts";
import { productAt } from "./spread.ts";

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
  const { collection, products, signingKeys, writesMax } = traffic;
  const put = putSigner(signingKeys, collection);
  return Array.from({ length: writesMax }, (_, index) =>
    put(products[index % products.length] ?? { key: "", json: "" }),
  );
}

/** The same for each connection by itself. */
export function signedClientWrites(traffic: ClientTraffic): readonly (readonly PlainRequest[])[] {
  const { collection, clients, signingKeys, writesMax } = traffic;
  const put = putSigner(signingKeys, collection);
  const length = Math.ceil(writesMax / clients.length);
  return clients.map((work) => Array.from({ length }, (_, index) => put(productAt(work, index))));
}

function putSigner(signingKeys: string, collection: string): (product: Product) => PlainRequest {
  const sign = createSigner(parseSigningKeys(signingKeys), { nowMs: Date.now });
  return ({ key, json }) => {
    const target = { method: "PUT", path: documentPath(collection, key), query: "" };
    const headers = { ...identity("bench", `${collection}:write`), "content-type": "application/json" };
    return { method: target.method, path: target.path, headers: sign(target, headers, Buffer.from(json)), body: json };
  };
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
