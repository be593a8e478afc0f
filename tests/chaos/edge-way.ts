/**
 * One client's way to the shards as an edge goes it (edge/shard/forwarder.ts): to whom the hints name, on with each 421, and to
 * nobody else. A 421 says that nothing was applied, so a write may go on; what got no answer is never sent again here.
 * It must not show a 421 to the client.
 */
import { HEADER, HOPS_MAX, type NotOwned, parseNotOwned } from "../../router/contract.ts";
import type { CollectionName } from "../../router/ids.ts";
import { type Route, type RouteHints, routeOf } from "../../router/route-hints.ts";
import type { ShardWire, WireAnswer, WireOutcome } from "../faults/shard-wire.ts";
import type { SignedRequest } from "../faults/signed-request.ts";
import type { Way } from "../faults/way.ts";
import type { EdgeMaps } from "./edge-maps.ts";

/** A request that was told of another owner on its way. `tookMs`: from its start to the owner's answer. */
export interface MetCutover {
  readonly collection: CollectionName;
  readonly told: NotOwned;
  readonly tookMs: number;
}

/** What the way stands on. */
export interface EdgeWayOptions {
  readonly origins: Readonly<Record<string, string>>;
  readonly wire: ShardWire;
  readonly maps: EdgeMaps;
  readonly onCutover: (met: MetCutover) => void;
}

type Target = Parameters<Way["send"]>[0];

/** A way for shards between which ranges move. */
export function createEdgeWay(options: EdgeWayOptions): Way {
  const { wire } = options;
  return {
    async send(target, request) {
      const startedMs = performance.now();
      const told: NotOwned[] = [];
      const outcome = await follow(options, { target, request, onTold: (owner) => told.push(owner) });
      const tookMs = performance.now() - startedMs;
      for (const each of told) options.onCutover({ collection: target.collection, told: each, tookMs });
      return outcome;
    },
    reconnect: () => wire.reconnect(),
    close: () => wire.close(),
  };
}

interface Errand {
  readonly target: Target;
  readonly request: SignedRequest;
  readonly onTold: (told: NotOwned) => void;
}

async function follow(options: EdgeWayOptions, { target, request, onTold }: Errand): Promise<WireOutcome> {
  const { maps } = options;
  const { collection } = target;
  let route = aim(await maps.current(collection), target);
  let hasReloaded = false;
  for (let hops = 1; route !== null; hops += 1) {
    const outcome = await sendTo(options, route, request);
    if (outcome.kind !== "answer" || outcome.status !== 421) return outcome;
    const told = parseNotOwned(JSON.parse(outcome.text));
    if (!told.ok) return refusal("ROUTE_UNSETTLED");
    const { owner } = told.value;
    let next = aim(owner === null ? maps.hints(collection) : maps.learn(collection, told.value), target);
    if (owner !== null) onTold(told.value);
    if (hops > HOPS_MAX || owner === null || isSame(next, route)) {
      if (hasReloaded) return refusal("ROUTE_UNSETTLED");
      hasReloaded = true;
      next = aim(await maps.reload(collection), target);
      if (isSame(next, route)) return refusal("ROUTE_UNSETTLED");
    }
    route = next;
  }
  return refusal("NO_MAP");
}

function aim(hints: RouteHints, { slot, sortKey }: Target): Route | null {
  return routeOf(hints, slot, sortKey);
}

function isSame(next: Route | null, last: Route): boolean {
  return next?.shard === last.shard && next.epoch === last.epoch;
}

function sendTo({ origins, wire }: EdgeWayOptions, route: Route, request: SignedRequest): Promise<WireOutcome> {
  const origin = origins[route.shard];
  if (origin === undefined) throw new Error(`broken assumption: an origin of ${route.shard}`);
  const hints = { [HEADER.mapVersion]: String(route.mapVersion), [HEADER.slotEpoch]: String(route.epoch) };
  return wire.send(origin, { ...request, headers: { ...request.headers, ...hints } });
}

/** What an edge says by itself: nothing was changed. */
function refusal(code: "ROUTE_UNSETTLED" | "NO_MAP"): WireAnswer {
  return { kind: "answer", status: 503, code, op: null, hasRetryAfter: true, header: () => null, text: "" };
}
