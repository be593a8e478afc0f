/**
 * Peers over signed HTTP. Uses undici's `request`: Node's `fetch` repeats a request by itself on 421.
 * It must not believe an answer before it is parsed.
 */
import { Agent, request } from "undici";
import type { ShardConfig } from "../../config/config.ts";
import { INTERNAL_PATH } from "../../router/contract.ts";
import { parseShardId, quote, type ShardId } from "../../router/ids.ts";
import { OWN_STATES, type Ownership, type OwnState } from "../../router/ownership.ts";
import { accepted, type Result, refused } from "../../router/result.ts";
import type { Signer } from "../http/signature.ts";
import type { Peers } from "./port.ts";

/** A peer that does not answer in this time counts as silent, in milliseconds. */
const TIMEOUT_MS = 500;

/** What the peers stand on. */
export interface HttpPeersOptions {
  readonly shards: ReadonlyMap<string, ShardConfig>;
  readonly sign: Signer;
}

/** Asks all origins of a shard at once; they share one store, so the first to answer will do. Each worker has its own connections. */
export function createHttpPeers(options: HttpPeersOptions): Peers {
  const dispatcher = new Agent({ connections: 4, connect: { timeout: TIMEOUT_MS } });
  return {
    async ownership(shard, { collection, slot }) {
      const path = INTERNAL_PATH.ownership;
      const query = `collection=${encodeURIComponent(collection)}&slot=${encodeURIComponent(slot)}`;
      const headers = options.sign({ method: "GET", path, query }, {});
      const questions = originsOf(options.shards, shard).map((origin) =>
        askOrigin(dispatcher, `${origin}${path}?${query}`, headers),
      );
      return Promise.any(questions).catch((error: unknown) => {
        throw new Error(`${shard} did not answer: ${reasonsOf(error).join("; ")}`, { cause: error });
      });
    },
  };
}

async function askOrigin(dispatcher: Agent, url: string, headers: Record<string, string>): Promise<Ownership> {
  const timeouts = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS };
  const response = await request(url, { dispatcher, headers, ...timeouts });
  const body: unknown = await response.body.json();
  const ownership = parseOwnership(body);
  if (response.statusCode === 200 && ownership.ok) return ownership.value;
  throw new Error(`status ${response.statusCode}, ${ownership.ok ? quote(body) : ownership.detail}`);
}

function originsOf(shards: ReadonlyMap<string, ShardConfig>, shard: ShardId): readonly string[] {
  const origins = shards.get(shard)?.origins;
  if (origins === undefined) throw new Error(`the configuration has no origin for ${shard}`);
  return origins;
}

function reasonsOf(error: unknown): readonly string[] {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.map((reason) => (reason instanceof Error ? reason.message : String(reason)));
}

/** Untrusted data to ownership columns. */
function parseOwnership(input: unknown): Result<Ownership, "NOT_OWNERSHIP"> {
  const fields = (typeof input === "object" && input !== null ? input : {}) as Readonly<Record<string, unknown>>;
  const { state, epoch, move, run, to, digest } = fields as Fields;
  const isState = OWN_STATES.includes(state as OwnState);
  const isEpoch = typeof epoch === "number" && Number.isSafeInteger(epoch) && epoch >= 0;
  const shard = typeof to === "string" ? parseShardId(to) : null;
  const isShard = to === null || shard?.ok === true;
  if (isState && isEpoch && isShard && [move, run, digest].every(isTextOrNull)) {
    const owner = shard?.ok === true ? shard.value : null;
    return accepted({ state, epoch, move, run, to: owner, digest } as Ownership);
  }
  return refused("NOT_OWNERSHIP", `expected {state, epoch, move, run, to, digest}, got ${quote(input)}`);
}

type Fields = Readonly<Record<keyof Ownership, unknown>>;

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}
