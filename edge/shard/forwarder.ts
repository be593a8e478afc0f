/**
 * Sends a request to the shard that owns its slot, and follows 421 answers until it is there: at most `HOPS_MAX` on
 * their word, then the map is loaded again, once. A client never sees a 421. A write with an idempotency key is sent once more when the
 * shard does not know what became of it.
 * It must not know what the request means.
 */
import { HOPS_MAX, type NotOwned, parseNotOwned } from "../../router/contract.ts";
import { isProblemCode, type ProblemCode } from "../../router/problem.ts";
import type { Route, RouteHints } from "../../router/route-hints.ts";
import { EdgeProblem } from "../edge-problem.ts";
import type { EdgePorts, RequestLifetime } from "../ports.ts";
import type { MapHolder } from "./map-holder.ts";
import { isVerdict } from "./retry-rules.ts";
import type { ForwardRequest, ShardClient, ShardTarget } from "./shard-client.ts";
import { shardProblem } from "./shard-problem.ts";

/** What is sent where, as the hints say; null while there is no map. Asked again after each 421. */
export type Aim = (hints: RouteHints) => ShardTarget | null;

/** An answer and where it came from. */
export interface Forwarded {
  readonly response: Response;
  readonly target: ShardTarget;
}

/** One request on its way. */
export interface Errand {
  readonly request: ForwardRequest;
  readonly aim: Aim;
  readonly maps: MapHolder;
  readonly lifetime: RequestLifetime;
}

/** Finds the owner. */
export interface Forwarder {
  /** Resolves with the owner's answer, never a 421 or 401; rejects with an `EdgeProblem`. */
  forward(errand: Errand): Promise<Forwarded>;
}

/** A forwarder that sends through `shards`. */
export function createForwarder(ports: EdgePorts, shards: ShardClient): Forwarder {
  return {
    async forward(errand) {
      const trace: Trace = { mayBeApplied: false };
      try {
        return await follow({ ports, shards, trace }, errand);
      } catch (error) {
        if (trace.mayBeApplied && error instanceof EdgeProblem) throw shardProblem("OUTCOME_UNKNOWN", error);
        throw error;
      }
    },
  };
}

/** What is to be remembered over all hops: once a write was lost, no failure may say that nothing was changed. */
interface Trace {
  mayBeApplied: boolean;
}

interface Way {
  readonly ports: EdgePorts;
  readonly shards: ShardClient;
  readonly trace: Trace;
}

async function follow(way: Way, errand: Errand): Promise<Forwarded> {
  let target = aimAt(errand.aim(await errand.maps.current(errand.lifetime)));
  let hops = 0;
  let hasReloaded = false;
  for (;;) {
    const response = await unlessToRepeat(way, errand.request, await ask(way, errand.request, target));
    if (response === null) continue;
    if (response.status !== 421) return { response, target };
    const told = await readNotOwned(response);
    const taught = told.owner === null ? errand.maps.hints() : errand.maps.learn(told);
    let next = aimAt(errand.aim(taught));
    hops += 1;
    if (hops > HOPS_MAX || told.owner === null || isSameRoute(next.route, target.route)) {
      if (hasReloaded) throw unsettled();
      hasReloaded = true;
      next = aimAt(errand.aim(await errand.maps.reload()));
      if (isSameRoute(next.route, target.route)) throw unsettled();
    }
    target = next;
  }
}

/** One shard's answer: a 421, or one that the client may see. */
async function ask({ ports, shards, trace }: Way, request: ForwardRequest, target: ShardTarget): Promise<Response> {
  const { response, hadLoss } = await shards.send(request, target);
  if (hadLoss && request.replay !== "safe") trace.mayBeApplied = true;
  if (response.status === 401) throw await refusedSignature(ports, response);
  if (trace.mayBeApplied && response.status !== 421 && !isVerdict(response.status)) {
    await response.body?.cancel();
    throw shardProblem("OUTCOME_UNKNOWN", new Error(`the shard answered the repetition with ${response.status}`));
  }
  return response;
}

/**
 * The answer as it was; null when the shard cannot say what became of a write whose record will: a repetition is harmless then, wherever the
 * slot is by now. Read whole, because what is passed on could not be read twice.
 */
async function unlessToRepeat(
  { trace }: Way,
  { replay }: ForwardRequest,
  response: Response,
): Promise<Response | null> {
  if (replay !== "keyed" || response.status !== 503) return response;
  const text = await response.text().catch(() => null);
  if (text !== null && codeIn(text) !== "OUTCOME_UNKNOWN") return new Response(text, response);
  trace.mayBeApplied = true;
  return null;
}

function codeIn(text: string): ProblemCode | null {
  try {
    return parseProblemCode(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Untrusted data to the code of a problem; null for anything else. */
function parseProblemCode(input: unknown): ProblemCode | null {
  const { code } = (typeof input === "object" && input !== null ? input : {}) as { readonly code?: unknown };
  return typeof code === "string" && isProblemCode(code) ? code : null;
}

function aimAt(target: ShardTarget | null): ShardTarget {
  if (target !== null) return target;
  throw new EdgeProblem("NO_MAP", "no shard could be asked for the shard map");
}

/** Whether sending there again would ask the same shard the same question. */
function isSameRoute(next: Route, last: Route): boolean {
  return next.shard === last.shard && next.epoch === last.epoch;
}

function unsettled(): EdgeProblem {
  return new EdgeProblem("ROUTE_UNSETTLED", "no shard says that it owns this key's slot; nothing was changed");
}

async function readNotOwned(response: Response): Promise<NotOwned> {
  const parsed = parseNotOwned(await response.json().catch(() => null));
  if (parsed.ok) return parsed.value;
  throw new EdgeProblem("ROUTE_UNSETTLED", "a shard gave no owner; nothing was changed", {
    cause: new Error(parsed.detail),
  });
}

/** The shard holds other keys than this edge, or their clocks differ: nothing that the client can mend. */
async function refusedSignature(ports: EdgePorts, response: Response): Promise<EdgeProblem> {
  await response.body?.cancel();
  ports.log.write("error", "signature-refused", {
    hint: "compare ZGATE_SIGNING_KEYS and the clocks of edge and shards",
  });
  return new EdgeProblem("SHARD_UNAVAILABLE", "the shard of this range cannot be used by this edge");
}
