// One edge: the product's forwarder, map holder, origin health and retry rules on simulated ports. It forgets all when it dies.
// Must not judge requests.

import { ANONYMOUS } from "../../edge/auth/identity.ts";
import { EdgeProblem } from "../../edge/edge-problem.ts";
import type { EdgePorts, ShardCall } from "../../edge/ports.ts";
import { type Aim, createForwarder, type Forwarder } from "../../edge/shard/forwarder.ts";
import { createMapHolder, type MapHolder } from "../../edge/shard/map-holder.ts";
import { createOriginHealth } from "../../edge/shard/origin-health.ts";
import type { RequestSigner } from "../../edge/shard/request-signer.ts";
import { createShardClient } from "../../edge/shard/shard-client.ts";
import { encodeKey } from "../../router/canonical-key.ts";
import { HEADER } from "../../router/contract.ts";
import { hintsGoForward } from "../../router/history-invariants.ts";
import { accessPermissions } from "../../router/permissions.ts";
import { noHints, type RouteHints, routeOf } from "../../router/route-hints.ts";
import { isNewer } from "../../router/shard-map.ts";
import { digestBody } from "../../shards/http/signature.ts";
import type { RowAddress } from "../../shards/store/port.ts";
import type { Life } from "./life.ts";
import type { Network } from "./network.ts";
import { PlainResponse } from "./plain-response.ts";
import type { Stage } from "./stage.ts";
import type { Town } from "./town.ts";

/** What a client asks of an edge. `op` is the edge's to choose; here the client knows it beforehand. */
export interface EdgeRequest {
  readonly method: "GET" | "PUT" | "DELETE";
  readonly address: RowAddress;
  readonly op: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** What the client gets. `code` of the problem, "" for none. */
export interface EdgeAnswer {
  readonly status: number;
  readonly code: string;
  readonly op: string | null;
  readonly text: string;
}

/** What an edge stands on. */
export interface EdgeOptions {
  readonly stage: Stage;
  readonly town: Town;
  readonly life: Life;
  readonly machine: string;
  readonly network: Network;
}

/** Lives until its life ends. */
export class SimEdge {
  readonly life: Life;
  readonly #options: EdgeOptions;
  readonly #forwarder: Forwarder;
  readonly #maps: MapHolder;
  #hints: RouteHints;

  constructor(options: EdgeOptions) {
    const ports = portsOf(options);
    const shards = createShardClient(ports, SIGNER, createOriginHealth(ports));
    this.life = options.life;
    this.#options = options;
    this.#forwarder = createForwarder(ports, shards);
    this.#maps = createMapHolder(ports, options.town.collection, shards);
    this.#hints = noHints(options.town.collection.placement);
  }

  /** Rejects only when an assumption is broken. */
  async answer({ method, address, op, headers, body }: EdgeRequest): Promise<EdgeAnswer> {
    const { town, life } = this.#options;
    const bytes = body === null ? null : new TextEncoder().encode(body);
    const identity = { ...ANONYMOUS, permissionText: accessPermissions(town.collection.name).join(" ") };
    const request = {
      ...{ method, identity, requestId: op, op, clientHeaders: headers, body: bytes },
      bodyDigest: digestBody(bytes ?? new Uint8Array()),
      replay: replayOf(method, headers),
      answer: "streamed",
      deadlineMs: life.clock.nowMs() + town.config.edge.totalTimeoutMs,
    } as const;
    const lifetime = { waitUntil: () => undefined };
    try {
      const { response } = await this.#forwarder.forward({
        request,
        aim: this.#aim(address),
        maps: this.#maps,
        lifetime,
      });
      const text = await response.text();
      const etag = response.headers.get("etag");
      const isProblem = response.headers.get("content-type")?.startsWith("application/problem") === true;
      const code = isProblem ? String(JSON.parse(text).code) : "";
      return { status: response.status, code, op: etag?.replaceAll('"', "") ?? null, text };
    } catch (error) {
      if (!(error instanceof EdgeProblem)) throw error;
      return { status: error.status, code: error.code, op: null, text: "" };
    }
  }

  #aim({ slot, sortKey, collection, key }: RowAddress): Aim {
    return (hints) => {
      this.#checkHints(hints);
      const route = routeOf(hints, slot, sortKey);
      return route === null ? null : { route, path: `/${collection}/${encodeKey(key)}`, query: "" };
    };
  }

  #checkHints(hints: RouteHints): void {
    const { stage } = this.#options;
    const before = this.#hints;
    this.#hints = hints;
    stage.find(hintsGoForward(before, hints));
    if (before.map !== null && hints.map !== null && isNewer(hints.map, before.map)) {
      stage.coverage.add("edge takes a newer map");
    }
  }
}

function replayOf(method: EdgeRequest["method"], headers: EdgeRequest["headers"]): "safe" | "keyed" | "once" {
  if (method === "GET") return "safe";
  return headers["idempotency-key"] === undefined ? "once" : "keyed";
}

/** Shards of a simulation believe everybody; signatures have their own tests, and take time. */
const SIGNER: RequestSigner = {
  sign: (_target, headers) => Promise.resolve({ ...headers }),
  seal: () => Promise.reject(new Error("broken assumption: nothing is sealed here")),
  isSeal: () => Promise.resolve(false),
};

function portsOf({ stage, town, life, machine, network }: EdgeOptions): EdgePorts {
  const { random } = stage.scheduler;
  const ports: Pick<EdgePorts, "config" | "transport" | "clock" | "random" | "log"> = {
    config: town.config,
    transport: { send: (call) => sendCall({ life, machine, network }, call) },
    clock: {
      nowMs: life.clock.nowMs,
      startTimer(delayMs, action) {
        let isWanted = true;
        life.after(delayMs, () => isWanted && action());
        return () => {
          isWanted = false;
        };
      },
    },
    random: { uuid: stage.newToken, fraction: () => random.below(1_000_000) / 1_000_000 },
    log: { write: () => undefined },
  };
  return ports as EdgePorts;
}

function sendCall(
  { life, machine, network }: Pick<EdgeOptions, "life" | "machine" | "network">,
  { url, method, headers, body, signal }: ShardCall,
): Promise<Response> {
  const { host: to, pathname: path, search } = new URL(url);
  const request = { method, path, query: search.slice(1), headers: { ...headers }, body };
  // A connection does not repeat what is sent on it. Reads are doubled all the same: that has to be harmless.
  const mayDouble = method === "GET";
  return new Promise((resolve, reject) => {
    let isSettled = false;
    signal.addEventListener("abort", () => isSettled || reject(new DOMException("simulated: too late", "AbortError")));
    network.ask({ life, from: machine, to, request: withDigest(request), mayDouble }).then((answer) => {
      isSettled = true;
      const { status, headers: fields, text } = answer;
      resolve(new PlainResponse(text, { status, headers: fields }) as unknown as Response);
    }, reject);
  });
}

/** The health question comes without one. */
function withDigest<Request extends { readonly headers: Readonly<Record<string, string>> }>(request: Request): Request {
  if (request.headers[HEADER.bodyDigest] !== undefined) return request;
  return { ...request, headers: { ...request.headers, [HEADER.bodyDigest]: digestBody(new Uint8Array()) } };
}
