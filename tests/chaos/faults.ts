/**
 * What a chaos run breaks: one thing after the other, chosen by the seed, each of them at least once.
 * It must leave everything whole: whatever is stopped, cut or locked is let go in the end.
 */
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { Load } from "../faults/load.ts";
import type { Random } from "../history/random.ts";
import type { ChaosEdges } from "./chaos-edges.ts";
import type { ChaosShards } from "./chaos-shards.ts";
import type { NodeFaults } from "./node-faults.ts";
import type { OperatorCrew } from "./operator-crew.ts";

/** What there is to break. */
export interface Victims {
  readonly shards: ChaosShards;
  /** Null where there are no real ones. */
  readonly edges: ChaosEdges | null;
  /** Of the engines beneath the shards; null where these store in files. */
  readonly nodes: NodeFaults | null;
  readonly operator: OperatorCrew;
  readonly load: Load;
  readonly random: Random;
  readonly tell: (text: string) => void;
}

/** Pauses between two faults, in milliseconds. */
const CALM_MS_MIN = 500;
const CALM_MS_MAX = 2500;

/** A stop of a worker: mostly short, now and then longer than a lease holds (8 s) and a client waits (9 s). */
const SHORT_MS = 2500;
const LONG_MS = 10_000;

type Fault = (victims: Victims) => Promise<void>;

type Faults = Readonly<Record<string, Fault>>;

/** By name, in every run. */
const FAULTS: Faults = {
  "kill -9 of a worker": ({ shards, random }) => shards.killWorker(pick(shards.workerPids(), random)),
  "kill -9 of a primary": ({ shards, random }) => shards.replacePrimary(pick(shards.primaryPids(), random)),
  "SIGSTOP of a worker": ({ shards, random }) =>
    stopFor([pick(shards.workerPids(), random)], random.chance(0.3) ? LONG_MS : SHORT_MS),
  "SIGSTOP of a primary": ({ shards, random }) => stopFor([pick(shards.primaryPids(), random)], SHORT_MS),
  "SIGSTOP of two workers": ({ shards, random }) =>
    stopFor(shards.workerPids().slice(random.below(5)).slice(0, 2), SHORT_MS),
  "kill -9 of the operator": ({ operator }) => operator.replace(),
  "SIGSTOP of the operator": ({ operator }) => stopFor(operator.pids(), SHORT_MS),
  "kill -9 of a process of clients": ({ load }) => load.killOne(),
  "a cut between two shards": (victims) => part(victims, "cut"),
  "silence between two shards": (victims) => part(victims, "silence"),
};

const ON_FILES: Faults = { "the catalog is locked": lockCatalog };

function edgeFaults(edges: ChaosEdges): Faults {
  return {
    "kill -9 of an edge": ({ random }) => edges.replaceOne(random),
    "SIGSTOP of an edge": ({ random }) => edges.stopOne(random, () => sleep(random.chance(0.3) ? LONG_MS : SHORT_MS)),
  };
}

function nodeFaults(nodes: NodeFaults): Faults {
  return {
    "kill -9 of a Cassandra node": ({ random }) => nodes.killOne(random),
    "restart of a Cassandra node": ({ random }) => nodes.restartOne(random),
    "SIGSTOP of a Cassandra node": ({ random }) => nodes.stopOne(random, LONG_MS),
    "connections to a Cassandra node cut": ({ random }) => nodes.cutOne(random),
    "SIGSTOP of the catalog's server": ({ random }) => nodes.stopCatalog(random.chance(0.5) ? LONG_MS : SHORT_MS),
  };
}

function faultsOf({ edges, nodes }: Victims): Faults {
  return {
    ...FAULTS,
    ...(edges === null ? {} : edgeFaults(edges)),
    ...(nodes === null ? ON_FILES : nodeFaults(nodes)),
  };
}

/** Breaks things until `untilMs` (as of performance.now()), and each at least once. Resolves to how often each was. */
export async function breakThings(victims: Victims, untilMs: number): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const faults = faultsOf(victims);
  const names = Object.keys(faults);
  const fresh = [...names];
  while (performance.now() < untilMs || fresh.length > 0) {
    const name = pick(fresh.length > 0 ? fresh : names, victims.random);
    if (fresh.length > 0) fresh.splice(fresh.indexOf(name), 1);
    victims.tell(name);
    await faults[name]?.(victims);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    await sleep(CALM_MS_MIN + victims.random.below(CALM_MS_MAX - CALM_MS_MIN));
  }
  await victims.nodes?.settle();
  return counts;
}

function pick<Item>(items: readonly Item[], random: Random): Item {
  const item = items[random.below(items.length)];
  if (item === undefined) throw new Error("broken assumption: there is something to break");
  return item;
}

async function stopFor(pids: readonly number[], durationMs: number): Promise<void> {
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  await sleep(durationMs);
  for (const pid of pids) process.kill(pid, "SIGCONT");
}

async function part({ shards, random }: Victims, how: "cut" | "silence"): Promise<void> {
  const wire = pick(shards.wires, random);
  await Promise.all(wire.proxies.map((proxy) => proxy[how]()));
  await sleep(random.chance(0.3) ? LONG_MS : SHORT_MS);
  await Promise.all(wire.proxies.map((proxy) => proxy.mend()));
}

/** A transaction that is held open: nobody can write, so no lease is renewed, no progress told, no map published. */
async function lockCatalog({ shards, random }: Victims): Promise<void> {
  const database = new DatabaseSync(shards.files.catalogFile, { timeout: 5000 });
  try {
    database.exec("BEGIN IMMEDIATE");
    await sleep(random.chance(0.5) ? LONG_MS : SHORT_MS);
    database.exec("ROLLBACK");
  } finally {
    database.close();
  }
}
