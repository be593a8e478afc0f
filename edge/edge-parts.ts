/**
 * The parts of one edge, each made once, and what several handlers ask of them together.
 * It must not answer requests.
 */
import { type Authenticator, createAuthenticator } from "./auth/authenticator.ts";
import type { Identity } from "./auth/identity.ts";
import { createDocumentCache, type DocumentCache } from "./cache/document-cache.ts";
import { EdgeProblem } from "./edge-problem.ts";
import type { Exchange } from "./exchange.ts";
import type { EdgePorts } from "./ports.ts";
import { createForwarder, type Forwarder } from "./shard/forwarder.ts";
import { createMapHolder, type MapHolder } from "./shard/map-holder.ts";
import { createOriginHealth } from "./shard/origin-health.ts";
import { createRequestSigner, EMPTY_BODY_DIGEST, type RequestSigner } from "./shard/request-signer.ts";
import { createShardClient, type ForwardRequest, type ShardClient } from "./shard/shard-client.ts";

/** Everything that handlers share. State lives here, per isolate; none of it is needed for correctness. */
export interface EdgeParts {
  readonly ports: EdgePorts;
  readonly authenticator: Authenticator;
  readonly signer: RequestSigner;
  readonly shards: ShardClient;
  readonly forwarder: Forwarder;
  readonly maps: (collection: string) => MapHolder;
  readonly cache: DocumentCache;
}

/** Builds the parts; nothing is fetched yet. */
export function createEdgeParts(ports: EdgePorts): EdgeParts {
  const signer = createRequestSigner(ports.signingKeys, ports.clock);
  const shards = createShardClient(ports, signer, createOriginHealth(ports));
  const holders = new Map<string, MapHolder>();
  for (const collection of ports.config.collections.values()) {
    holders.set(collection.name, createMapHolder(ports, collection, shards));
  }
  return {
    ports,
    authenticator: createAuthenticator(ports),
    signer,
    shards,
    forwarder: createForwarder(ports, shards),
    maps: (collection) => {
      const holder = holders.get(collection);
      if (holder === undefined) throw new Error(`broken assumption: no map holder for ${collection}`);
      return holder;
    },
    cache: createDocumentCache(ports),
  };
}

/** Who asks, if the rate limit lets them and `authorise` does not throw. */
export async function admit(
  parts: EdgeParts,
  exchange: Exchange,
  authorise: (identity: Identity) => void,
): Promise<Identity> {
  const identity = await parts.authenticator.authenticate(exchange.request);
  authorise(identity);
  const { rateLimiter } = parts.ports;
  if (rateLimiter === null) return identity;
  const { success } = await rateLimiter.limit({ key: rateKeyOf(identity, exchange.request) });
  if (!success) throw new EdgeProblem("RATE_LIMITED", "too many requests of this client; slow down");
  return identity;
}

function rateKeyOf(identity: Identity, request: Request): string {
  if (identity.issuer !== "") return `subject ${identity.issuer} ${identity.subject}`;
  return `address ${request.headers.get("cf-connecting-ip") ?? "unknown"}`;
}

/** A read on its way to a shard; `change` makes something else of it. */
export function forwardRequest(
  parts: EdgeParts,
  exchange: Exchange,
  change: Pick<ForwardRequest, "identity"> & Partial<ForwardRequest>,
): ForwardRequest {
  const { clock, config, random } = parts.ports;
  return {
    method: "GET",
    requestId: exchange.requestId,
    op: random.uuid(),
    clientHeaders: {},
    body: null,
    bodyDigest: EMPTY_BODY_DIGEST,
    replay: "safe",
    answer: "streamed",
    deadlineMs: clock.nowMs() + config.edge.totalTimeoutMs,
    ...change,
  };
}
