/**
 * Sends a request to one shard: signed, in time, to the next origin or once more where that is allowed.
 * It must not know which shard owns what.
 */
import type { GatewayConfig } from "../../config/config.ts";
import { HEADER } from "../../router/contract.ts";
import type { ShardId } from "../../router/ids.ts";
import type { Route } from "../../router/route-hints.ts";
import type { Identity } from "../auth/identity.ts";
import type { EdgePorts } from "../ports.ts";
import type { OriginHealth } from "./origin-health.ts";
import type { RequestSigner } from "./request-signer.ts";
import { decideAfterLoss, decideUnreachable, type Replay } from "./retry-rules.ts";
import { shardProblem } from "./shard-problem.ts";
import { callInTime } from "./timed-call.ts";

/** A client's request as it goes on to whichever shard. `op` and `requestId` stay the same over all its sends. */
export interface ForwardRequest {
  readonly method: string;
  readonly identity: Identity;
  readonly requestId: string;
  readonly op: string;
  /** The client's headers that the contract passes on, in lower case. */
  readonly clientHeaders: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | null;
  readonly bodyDigest: string;
  readonly replay: Replay;
  /** `streamed`: the body of a good answer may take until the deadline. `whole`: it has the time of one attempt. */
  readonly answer: "streamed" | "whole";
  /** Time by the edge's clock at which the client is answered in any case, in milliseconds since 1970. */
  readonly deadlineMs: number;
}

/** A shard's answer. `hadLoss`: an earlier send of the same request got none, so it may have been applied already. */
export interface Sent {
  readonly response: Response;
  readonly hadLoss: boolean;
}

/** Where one send goes. `path` and `query` are as they are sent. */
export interface ShardTarget {
  readonly route: Route;
  readonly path: string;
  readonly query: string;
}

/** Talks to shards by id. */
export interface ShardClient {
  /** Resolves with whatever the shard answers; rejects with an `EdgeProblem` when it does not. */
  send(request: ForwardRequest, target: ShardTarget): Promise<Sent>;
  /** Whether at least one origin of the shard answers. */
  isReachable(shard: ShardId): Promise<boolean>;
}

/** A client for the configured shards. */
export function createShardClient(ports: EdgePorts, signer: RequestSigner, health: OriginHealth): ShardClient {
  return {
    async send(request, target) {
      let sends = 0;
      for (const origin of candidatesOf(originsOf(ports, target.route.shard))) {
        if (!(await health.isUsable(origin))) continue;
        const wholeMs = request.deadlineMs - ports.clock.nowMs();
        const headMs = Math.min(ports.config.edge.shardTimeoutMs, wholeMs);
        if (headMs <= 0)
          throw shardProblem(sends > 0 && request.replay !== "safe" ? "OUTCOME_UNKNOWN" : "DEADLINE_EXCEEDED");
        sends += 1;
        const call = await buildCall(signer, request, { ...target, origin });
        const outcome = await callInTime(ports, call, {
          headMs,
          wholeMs: request.answer === "streamed" ? wholeMs : headMs,
        });
        if (outcome.kind === "answer") return { response: outcome.response, hadLoss: sends > 1 };
        health.suspect(origin);
        const isPastDeadline = ports.clock.nowMs() >= request.deadlineMs;
        const decision = decideAfterLoss({ replay: request.replay, sends, loss: outcome.loss, isPastDeadline });
        if (decision !== "resend") throw shardProblem(decision, outcome.cause);
      }
      throw shardProblem(decideUnreachable(request.replay, sends));
    },
    async isReachable(shard) {
      const answers = await Promise.all(originsOf(ports, shard).map((origin) => health.probe(origin)));
      return answers.includes(true);
    },
  };
}

/** The origins from a random one on; the last word goes to the first again, which may have come back. */
function candidatesOf(origins: readonly string[]): readonly string[] {
  return [...origins, ...origins.slice(0, 1)];
}

function originsOf(ports: EdgePorts, shard: ShardId): readonly string[] {
  const { origins } = configOf(ports.config, shard);
  if (origins.length === 1) return origins;
  const first = Math.floor(ports.random.fraction() * origins.length);
  return [...origins.slice(first), ...origins.slice(0, first)];
}

function configOf(config: GatewayConfig, shard: ShardId): { readonly origins: readonly string[] } {
  return config.shards.get(shard) ?? { origins: [] };
}

async function buildCall(
  signer: RequestSigner,
  request: ForwardRequest,
  target: ShardTarget & { readonly origin: string },
): Promise<{ url: string; method: string; headers: Record<string, string>; body: Uint8Array<ArrayBuffer> | null }> {
  const { method, identity, body } = request;
  const { route, path, query, origin } = target;
  const headers = await signer.sign(
    { method, path, query },
    {
      ...request.clientHeaders,
      [HEADER.bodyDigest]: request.bodyDigest,
      [HEADER.subject]: identity.subjectText,
      [HEADER.permissions]: identity.permissionText,
      [HEADER.mapVersion]: String(route.mapVersion),
      [HEADER.slotEpoch]: String(route.epoch),
      [HEADER.op]: request.op,
      [HEADER.requestId]: request.requestId,
    },
  );
  return { url: origin + path + (query === "" ? "" : `?${query}`), method, headers, body };
}
