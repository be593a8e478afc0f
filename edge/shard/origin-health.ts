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

/** The same for a good one, in milliseconds: however often /readyz is asked, shards are not asked more often. */
const WELL_KEPT_MS = 250;

/** What is believed of each origin, per isolate. */
export interface OriginHealth {
  /** A connection to `origin` was lost, or it did not answer in time. */
  suspect(origin: string): void;
  /** Whether `origin` may be sent a request: at once when it is not suspect, else after a probe. */
  isUsable(origin: string): Promise<boolean>;
  /** Asks `origin` unless it was asked a moment ago. May clear a suspicion, never raises one: it is open to everybody. */
  probe(origin: string): Promise<boolean>;
}

interface Probe {
  readonly flight: SingleFlight<boolean>;
  isWell: boolean;
  /** How long the last answer is believed, in milliseconds since 1970. */
  keptUntilMs: number;
}

/** Trusts every origin until told otherwise. */
export function createOriginHealth(ports: Pick<EdgePorts, "transport" | "clock">): OriginHealth {
  const { clock } = ports;
  const suspects = new Set<string>();
  const probes = new Map<string, Probe>();

  function probeOf(origin: string): Probe {
    const known = probes.get(origin);
    if (known !== undefined) return known;
    const flight = createSingleFlight<boolean>(clock, PROBE_LIMIT_MS * 2);
    const probe = { flight, isWell: false, keptUntilMs: Number.NEGATIVE_INFINITY };
    probes.set(origin, probe);
    return probe;
  }

  async function ask(origin: string, probe: Probe): Promise<boolean> {
    probe.isWell = await answersHealth(ports, origin);
    probe.keptUntilMs = clock.nowMs() + (probe.isWell ? WELL_KEPT_MS : PROBE_KEPT_MS);
    if (probe.isWell) suspects.delete(origin);
    return probe.isWell;
  }

  async function probe(origin: string): Promise<boolean> {
    const known = probeOf(origin);
    if (clock.nowMs() < known.keptUntilMs) return known.isWell;
    return known.flight.run(() => ask(origin, known));
  }

  return {
    suspect(origin) {
      suspects.add(origin);
      // A good answer from before says nothing any more.
      const known = probes.get(origin);
      if (known?.isWell === true) known.keptUntilMs = Number.NEGATIVE_INFINITY;
    },
    isUsable: async (origin) => !suspects.has(origin) || probe(origin),
    probe,
  };
}

async function answersHealth(ports: Pick<EdgePorts, "transport" | "clock">, origin: string): Promise<boolean> {
  const call = { url: origin + INTERNAL_PATH.health, method: "GET", headers: {}, body: null };
  const outcome = await callInTime(ports, call, { headMs: PROBE_LIMIT_MS, wholeMs: PROBE_LIMIT_MS });
  if (outcome.kind === "loss") return false;
  await outcome.response.body?.cancel();
  return outcome.response.ok;
}
