/**
 * Chooses ports for engines: those of the last start while they are free, others otherwise. It must not keep them open.
 */
import { createServer } from "node:net";
import { EnginesError, errorCode, errorText } from "./engines-error.ts";
import type { PortClaims } from "./port-claims.ts";

/** Below the range from which systems take the ports of outgoing connections. */
const CHOICE_MIN = 20_000;
const CHOICE_MAX = 32_000;
const TRIES_MAX = 200;

/** One port that is needed on all of `hosts`; `wanted` is tried first. */
export interface PortNeed {
  readonly hosts: readonly string[];
  readonly wanted: number | null;
}

/** What choosing stands on. */
export interface PortChoice {
  readonly random: () => number;
  /** Whoever starts something at the ports keeps the claims until it listens. */
  readonly claims: PortClaims;
}

/** Chooses a free port for each need; no two are the same. Throws `EnginesError` when there are none. */
export async function choosePorts(needs: readonly PortNeed[], choice: PortChoice): Promise<readonly number[]> {
  const chosen: number[] = [];
  for (const need of needs) chosen.push(await choosePort(need, chosen, choice));
  return chosen;
}

/** Whether the last words of an engine say that somebody else listens at one of its ports. */
export function saysPortTaken(text: string): boolean {
  return /BindException|EADDRINUSE|already in use|in use by another process/i.test(text);
}

/** Whether nobody listens on the port at any of the hosts. */
export async function isFree(port: number, hosts: readonly string[]): Promise<boolean> {
  const faults = await Promise.all(hosts.map((host) => tryPort(port, host)));
  return faults.every((fault) => fault === null);
}

async function choosePort(need: PortNeed, taken: readonly number[], choice: PortChoice): Promise<number> {
  const { random, claims } = choice;
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    // Not the next one after a taken one: two starts at the same time would meet there again.
    const drawn = CHOICE_MIN + Math.floor(random() * (CHOICE_MAX - CHOICE_MIN));
    const port = tries === 0 ? (need.wanted ?? drawn) : drawn;
    // Claimed before it is tried: another start may have chosen it and not listen yet.
    if (taken.includes(port) || !claims.take(port)) continue;
    if (await isFree(port, need.hosts)) return port;
    claims.giveBack(port);
  }
  throw new EnginesError(`found no free port on ${need.hosts.join(", ")}`);
}

/** Null when the port can be had. Throws `EnginesError` when the address does not exist here. */
async function tryPort(port: number, host: string): Promise<Error | null> {
  const fault = await listenOnce(port, host);
  if (fault !== null && errorCode(fault) === "EADDRNOTAVAIL") {
    throw new EnginesError(`this machine has no address ${host}: ${errorText(fault)}`, {
      hint: `on macOS: sudo ifconfig lo0 alias ${host} up`,
    });
  }
  return fault;
}

function listenOnce(port: number, host: string): Promise<Error | null> {
  return new Promise((settle) => {
    const server = createServer();
    server.once("error", settle);
    server.listen({ port, host, exclusive: true }, () => server.close(() => settle(null)));
  });
}
