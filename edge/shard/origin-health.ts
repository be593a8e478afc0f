/**
 * Which origins are suspect after a lost connection, and a quick question to those before they are trusted with a
 * request. workerd cannot tell a refused connection from one that broke after the request was read; asking first is what
 * keeps a write from being sent into the unknown, and makes a shard that is down fail fast.
 * It must not send client requests.
 */
import { INTERNAL_PATH } from "../../router/contract.ts";
import type { EdgePorts } from "../ports.ts";
import { createSingleFlight, type SingleFlight } from "../single-flight.ts";
import { callInTime } from "./timed-call.ts";

/** How long a suspect origin may take to say that it is well, in milliseconds. */
const PROBE_LIMIT_MS = 500;

/** How long a bad answer is believed before the origin is asked again, in milliseconds. */
const PROBE_KEPT_MS = 500;

/** What is believed of each origin, per isolate. */
export interface OriginHealth {
  /** A connection to `origin` was lost, or it did not answer in time. */
  suspect(origin: string): void;
  /** Whether `origin` may be sent a request: at once when it is not suspect, else after a probe. */
  isUsable(origin: string): Promise<boolean>;
  /** Asks `origin` unless it was found unwell a moment ago, suspect or not. */
  probe(origin: string): Promise<boolean>;
}

interface Suspicion {
  readonly flight: SingleFlight<boolean>;
  failedAtMs: number;
}

/** Trusts every origin until told otherwise. */
export function createOriginHealth(ports: Pick<EdgePorts, "transport" | "clock">): OriginHealth {
  const suspicions = new Map<string, Suspicion>();

  function suspicionOf(origin: string): Suspicion {
    const known = suspicions.get(origin);
    if (known !== undefined) return known;
    const flight = createSingleFlight<boolean>(ports.clock, PROBE_LIMIT_MS * 2);
    const suspicion = { flight, failedAtMs: Number.NEGATIVE_INFINITY };
    suspicions.set(origin, suspicion);
    return suspicion;
  }

  async function ask(origin: string, suspicion: Suspicion): Promise<boolean> {
    const isWell = await answersHealth(ports, origin);
    if (isWell) suspicions.delete(origin);
    else {
      suspicion.failedAtMs = ports.clock.nowMs();
      suspicions.set(origin, suspicion);
    }
    return isWell;
  }

  async function probe(origin: string): Promise<boolean> {
    const suspicion = suspicionOf(origin);
    if (ports.clock.nowMs() - suspicion.failedAtMs < PROBE_KEPT_MS) return false;
    return suspicion.flight.run(() => ask(origin, suspicion));
  }

  return {
    suspect: (origin) => void suspicionOf(origin),
    isUsable: async (origin) => !suspicions.has(origin) || probe(origin),
    probe,
  };
}

async function answersHealth(ports: Pick<EdgePorts, "transport" | "clock">, origin: string): Promise<boolean> {
  const call = { url: origin + INTERNAL_PATH.health, method: "GET", headers: {}, body: null };
  const outcome = await callInTime(ports, call, PROBE_LIMIT_MS);
  if (outcome.kind === "loss") return false;
  await outcome.response.body?.cancel();
  return outcome.response.ok;
}
