/**
 * Sends writes to the shards of a starting instance as its edge would: routed by the current map, signed with the
 * instance's key. Only the sample goes this way, while the edge is still starting; everything else goes through the
 * edge. It must not follow a moved slot: nothing moves before the instance is ready.
 */
import { createHmac, hash, randomUUID } from "node:crypto";
import { Pool } from "undici";
import type { CollectionConfig, GatewayConfig } from "../../config/config.ts";
import type { SigningKeys } from "../../config/signing-keys.ts";
import { parsePathSegment } from "../../router/canonical-key.ts";
import { HEADER, type SignedTarget, signedText } from "../../router/contract.ts";
import { accessPermissions } from "../../router/permissions.ts";
import { rangeOf, type ShardMap } from "../../router/shard-map.ts";
import { sortKeyOf } from "../../router/slot.ts";
import { CliFailure } from "../failure.ts";
import type { GatewayAnswer, GatewayRequest } from "../gateway-client.ts";

/** Whom and what to write as. */
export interface ShardSenderOptions {
  readonly config: GatewayConfig;
  readonly collection: CollectionConfig;
  readonly map: ShardMap;
  readonly keys: SigningKeys;
  readonly connections: number;
}

const SUBJECT = "zgate-sample";

/** A client of the shards themselves; it holds connections until closed. */
export class ShardSender {
  readonly #options: ShardSenderOptions;
  readonly #pools: ReadonlyMap<string, Pool>;

  constructor(options: ShardSenderOptions) {
    this.#options = options;
    const { connections } = options;
    const shards = [...options.config.shards.values()];
    this.#pools = new Map(shards.map(({ id, origins }) => [id, new Pool(origins[0] ?? "", { connections })]));
  }

  /** Sends a write to the shard that owns its key. Rejects when no answer came. */
  async send(request: GatewayRequest): Promise<GatewayAnswer> {
    const { statusCode, headers, body } = await this.#poolFor(request.path).request({
      method: request.method,
      path: request.path,
      headers: this.#sign(request),
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    const retryAfter = headers["retry-after"];
    const kept = typeof retryAfter === "string" ? { "retry-after": retryAfter } : {};
    return { status: statusCode, headers: kept, body: await body.text() };
  }

  /** Closes the connections, cutting what is under way. */
  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }

  #poolFor(path: string): Pool {
    const { map, collection } = this.#options;
    const key = parsePathSegment(path.slice(path.lastIndexOf("/") + 1));
    const shard = key.ok ? rangeOf(map, sortKeyOf(collection.placement, key.value)).shard : "";
    const pool = this.#pools.get(shard);
    if (pool === undefined) throw new CliFailure(`no shard for ${path}`);
    return pool;
  }

  #sign({ method, path, headers = {}, body = "" }: GatewayRequest): Readonly<Record<string, string>> {
    const { keys, collection, map } = this.#options;
    const signed: Record<string, string> = {
      ...headers,
      [HEADER.keyId]: keys[0].id,
      [HEADER.time]: String(Date.now()),
      [HEADER.bodyDigest]: hash("sha256", body, "base64url"),
      [HEADER.subject]: SUBJECT,
      [HEADER.permissions]: accessPermissions(collection.name).join(" "),
      [HEADER.mapVersion]: String(map.version),
      [HEADER.slotEpoch]: "0",
      [HEADER.op]: randomUUID(),
      [HEADER.requestId]: randomUUID(),
    };
    const target: SignedTarget = { method, path, query: "" };
    const text = signedText(target, (name) => signed[name] ?? null);
    signed[HEADER.signature] = createHmac("sha256", keys[0].secret).update(text).digest("base64url");
    return signed;
  }
}
