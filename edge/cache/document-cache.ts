/**
 * Public documents in the response cache, by collection and canonical key, and the rule that a write is never overtaken
 * by an older read: what was fetched before a write of the same key ended in this isolate is not stored after it.
 * It must not decide freshness, and never sees a client's query or headers.
 */
import type { CacheConfig } from "../../config/config.ts";
import { encodeKey } from "../../router/canonical-key.ts";
import { DOCUMENT_BYTES_MAX } from "../../router/contract.ts";
import type { CanonicalKey, CollectionName } from "../../router/ids.ts";
import { murmur3 } from "../../router/text.ts";
import type { EdgePorts } from "../ports.ts";
import { waitAtMost } from "../single-flight.ts";
import { keepSeconds } from "./freshness.ts";

/** A cached document. `body` can be read once. */
export interface CachedDocument {
  readonly etag: string;
  readonly lastModified: string;
  readonly contentType: string;
  readonly storedAtMs: number;
  readonly body: ReadableStream<Uint8Array> | null;
}

/** Permission to store what is fetched from now on; worthless once the key is written. */
export interface FillTicket {
  readonly url: string;
  readonly lane: number;
  readonly generation: number;
  /** From when the document's age counts, in milliseconds since 1970. */
  readonly startedAtMs: number;
}

/** A document to keep. `byteLength` null: not announced. */
export interface Fill {
  readonly document: Pick<CachedDocument, "etag" | "lastModified" | "contentType" | "body">;
  readonly byteLength: number | null;
  readonly cache: CacheConfig;
}

/** Keeps documents. No method rejects: a cache that fails is a cache that forgot. */
export interface DocumentCache {
  urlOf(collection: CollectionName, key: CanonicalKey): string;
  find(url: string): Promise<CachedDocument | null>;
  /** To be called before the document is asked for. */
  beginFill(url: string): FillTicket;
  /** Reads the body to its end, then keeps it unless the key was written since `ticket`. */
  store(ticket: FillTicket, fill: Fill): Promise<void>;
  /** Forgets a document and outruns all fills that began before. */
  drop(url: string): Promise<void>;
}

/** Number of generation counters; keys share them, which only costs a fill now and then. */
const LANES = 4096;

/** A host that never resolves: the URLs are names, nobody fetches them. */
const CACHE_ORIGIN = "http://documents.zgate.invalid/1/";

/** How long a write waits for a put that another request has under way, in milliseconds. */
const PUT_PATIENCE_MS = 1000;

const STORED_AT = "zgate-stored-at";

/** Keeps documents in `ports.cache`. */
export function createDocumentCache(ports: Pick<EdgePorts, "cache" | "clock" | "log">): DocumentCache {
  const { cache, clock, log } = ports;
  const generations = new Uint32Array(LANES);
  /** By lane: puts under way, and when they began. */
  const puts = new Map<number, Map<Promise<void>, number>>();

  const isCurrent = (ticket: FillTicket): boolean => generations[ticket.lane] === ticket.generation;
  const laneOf = (url: string): number => murmur3(url) % LANES;

  async function quietly<Value>(work: () => Promise<Value>, otherwise: Value): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      log.write("warn", "cache-failed", { cause: String(error) });
      return otherwise;
    }
  }

  /** A put older than a write's patience is not waited for any more: cancelled with its context, it never ends. */
  function forgetOldPuts(lane: number): void {
    const under = puts.get(lane);
    if (under === undefined) return;
    const nowMs = clock.nowMs();
    for (const [put, startedAtMs] of under) if (nowMs - startedAtMs >= PUT_PATIENCE_MS) under.delete(put);
    if (under.size === 0) puts.delete(lane);
  }

  /** Known to writes of the same lane while it is under way, so that their delete comes after it. */
  async function putInLane(ticket: FillTicket, response: Response): Promise<void> {
    forgetOldPuts(ticket.lane);
    const lane = puts.get(ticket.lane) ?? new Map<Promise<void>, number>();
    puts.set(ticket.lane, lane);
    const put = quietly(() => cache.put(ticket.url, response), undefined);
    lane.set(put, clock.nowMs());
    await put;
    lane.delete(put);
    if (lane.size === 0 && puts.get(ticket.lane) === lane) puts.delete(ticket.lane);
    if (!isCurrent(ticket)) await quietly(() => cache.delete(ticket.url), undefined);
  }

  return {
    urlOf: (collection, key) => `${CACHE_ORIGIN}${collection}/${encodeKey(key)}`,
    find: (url) => quietly(async () => parseCached(await cache.match(url)), null),
    beginFill(url) {
      const lane = laneOf(url);
      return { url, lane, generation: generations[lane] ?? 0, startedAtMs: clock.nowMs() };
    },
    store: (ticket, fill) =>
      quietly(async () => {
        const bytes = await new Response(fill.document.body).arrayBuffer();
        const isWhole = fill.byteLength === null || fill.byteLength === bytes.byteLength;
        if (!isWhole || bytes.byteLength > DOCUMENT_BYTES_MAX || !isCurrent(ticket)) return;
        await putInLane(ticket, describe(fill, bytes, ticket.startedAtMs));
      }, undefined),
    async drop(url) {
      const lane = laneOf(url);
      generations[lane] = (generations[lane] ?? 0) + 1;
      forgetOldPuts(lane);
      const under = puts.get(lane);
      if (under !== undefined) await waitAtMost(clock, PUT_PATIENCE_MS, Promise.all(under.keys()));
      await quietly(() => cache.delete(url), undefined);
    },
  };
}

function describe(fill: Fill, bytes: ArrayBuffer, nowMs: number): Response {
  const { etag, lastModified, contentType } = fill.document;
  return new Response(bytes, {
    headers: {
      etag,
      "last-modified": lastModified,
      "content-type": contentType,
      "cache-control": `public, max-age=${keepSeconds(fill.cache)}`,
      [STORED_AT]: String(nowMs),
    },
  });
}

function parseCached(response: Response | undefined): CachedDocument | null {
  if (response === undefined) return null;
  const etag = response.headers.get("etag");
  const storedAt = response.headers.get(STORED_AT);
  if (etag === null || storedAt === null) return null;
  return {
    etag,
    lastModified: response.headers.get("last-modified") ?? "",
    contentType: response.headers.get("content-type") ?? "application/json",
    storedAtMs: Number(storedAt),
    body: response.body,
  };
}
