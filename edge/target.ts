/**
 * The raw request URL to what it names: a collection, and a key in its one spelling.
 * It must not decode anything by itself; router/canonical-key.ts does, once.
 */
import type { CollectionConfig, GatewayConfig } from "../config/config.ts";
import { encodeKey, parsePathSegment } from "../router/canonical-key.ts";
import type { CanonicalKey, SlotId } from "../router/ids.ts";
import { routeOf } from "../router/route-hints.ts";
import { slotOf, sortKeyOf } from "../router/slot.ts";
import { EdgeProblem } from "./edge-problem.ts";
import type { Aim } from "./shard/forwarder.ts";

/** One document's place. */
export interface DocumentTarget {
  readonly collection: CollectionConfig;
  readonly key: CanonicalKey;
  readonly slot: SlotId;
  readonly aim: Aim;
}

/** The path of a request URL as it came, without its query: `URL` would normalise it. */
export function rawPathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  if (start < 0) return "/";
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}

/** The query of a request URL as it came, without its question mark. */
export function rawQueryOf(url: string): string {
  const [beforeFragment = ""] = url.split("#");
  const start = beforeFragment.indexOf("?");
  return start < 0 ? "" : beforeFragment.slice(start + 1);
}

/** A raw path segment to a collection. Names have one spelling, so an encoded one is unknown. */
export function findCollection(config: GatewayConfig, segment: string): CollectionConfig {
  const collection = config.collections.get(segment);
  if (collection !== undefined) return collection;
  throw new EdgeProblem("ROUTE_NOT_FOUND", `there is no collection here; this gateway serves ${listNames(config)}`);
}

function listNames(config: GatewayConfig): string {
  return [...config.collections.keys()].map((name) => `/${name}`).join(", ");
}

/** A raw path segment to a document's place, or a 400 that says why it is no key. */
export function findDocument(collection: CollectionConfig, segment: string): DocumentTarget {
  const parsed = parsePathSegment(segment);
  if (!parsed.ok) throw new EdgeProblem("INVALID_KEY", parsed.detail, { extra: { reason: parsed.reason } });
  const key = parsed.value;
  const slot = slotOf(collection.placement, key);
  const sortKey = sortKeyOf(collection.placement, key);
  const path = `/${collection.name}/${encodeKey(key)}`;
  const aim: Aim = (hints) => {
    const route = routeOf(hints, slot, sortKey);
    return route === null ? null : { route, path, query: "" };
  };
  return { collection, key, slot, aim };
}
