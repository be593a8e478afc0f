// What one run is made of, drawn from its seed: a small world, its clients, what operators do, what breaks.
// Must not contain chance of its own: the same seed is the same scenario.
import { createRandom, type Random } from "../history/random.ts";

/** How rough the world is until it calms down. All parts are from 0 to 1. */
export interface Weather {
  /** Longest that a message or a storage operation usually takes, in milliseconds. */
  readonly usualMs: number;
  /** Of messages and storage operations that take long, and how long at most, in milliseconds. */
  readonly slowPart: number;
  readonly slowMsMax: number;
  readonly requestLossPart: number;
  readonly replyLossPart: number;
  readonly doublingPart: number;
  readonly breakOffPart: number;
  readonly storeFailurePart: number;
  /** Of pages that are written at a destination, besides. */
  readonly fillFailurePart: number;
  readonly catalogFailurePart: number;
  /** Of requests for a lease that somebody else holds, and yet are granted: clocks differ, and nothing may hang on a lease. */
  readonly leaseTheftPart: number;
}

/** Times are milliseconds from the beginning. */
export type OperatorAction =
  | { readonly kind: "move"; readonly atMs: number; readonly to: number; readonly isWide: boolean }
  | { readonly kind: "abort" | "reverse" | "throttle"; readonly atMs: number };

/** `step`: not at a time, but when the shard's runners have taken so many steps. `isAborted`: an operator aborts all moves just then. */
export type Fault =
  | {
      readonly kind: "crash";
      readonly atMs: number;
      readonly shard: number;
      readonly worker: number;
      readonly downMs: number;
    }
  | {
      readonly kind: "crash-at-step";
      readonly isAborted: boolean;
      readonly step: number;
      readonly shard: number;
      /** After the step, in usual delays. */
      readonly delays: number;
      readonly downMs: number;
    }
  | {
      readonly kind: "stop";
      readonly atMs: number;
      readonly shard: number;
      readonly worker: number;
      readonly forMs: number;
    }
  | {
      readonly kind: "stop-at-step";
      readonly isAborted: boolean;
      readonly step: number;
      readonly shard: number;
      readonly forMs: number;
    }
  | { readonly kind: "edge-crash"; readonly atMs: number; readonly edge: number }
  | {
      readonly kind: "end";
      readonly atMs: number;
      readonly shard: number;
      readonly worker: number;
      readonly downMs: number;
    }
  | {
      readonly kind: "partition";
      readonly atMs: number;
      readonly forMs: number;
      readonly link: readonly [string, string];
    };

/** One run. `operations` is for each client. */
export interface Scenario {
  readonly seed: number;
  readonly shards: number;
  readonly workers: number;
  readonly edges: number;
  readonly clients: number;
  readonly operations: number;
  readonly keys: number;
  readonly isStriped: boolean;
  readonly commitScope: "slot" | "store";
  readonly ending: "resume" | "abort";
  readonly retentionMs: number;
  readonly parallel: number;
  readonly rowsPerSecond: number | null;
  readonly weather: Weather;
  readonly actions: readonly OperatorAction[];
  readonly faults: readonly Fault[];
}

/** Nothing is broken any more after this time, in milliseconds. */
export const CALM_MS = 9000;

const FAIR: Weather = {
  usualMs: 2,
  slowPart: 0.02,
  slowMsMax: 60,
  requestLossPart: 0,
  replyLossPart: 0,
  doublingPart: 0,
  breakOffPart: 0,
  storeFailurePart: 0,
  fillFailurePart: 0,
  catalogFailurePart: 0,
  leaseTheftPart: 0,
};

/** The scenario of a seed. */
export function drawScenario(seed: number): Scenario {
  const random = createRandom(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
  const shards = random.chance(0.25) ? 3 : 2;
  const isRough = seed % ROUGH_EVERY === 0;
  const workers = random.chance(isRough ? 1 : 0.3) ? 2 : 1;
  const edges = random.chance(0.5) ? 2 : 1;
  const world = { shards, workers, edges };
  return {
    seed,
    ...world,
    clients: 2 + random.below(2),
    operations: 5 + random.below(10),
    keys: 1 + random.below(3),
    isStriped: random.chance(0.3),
    commitScope: random.chance(0.5) ? "slot" : "store",
    ending: random.chance(0.5) ? "resume" : "abort",
    retentionMs: random.chance(0.5) ? 0 : 3000,
    parallel: 1 + random.below(2),
    rowsPerSecond: random.chance(0.7) ? null : 3 + random.below(10),
    weather: isRough ? drawRough(random) : drawWeather(random),
    actions: drawActions(random, shards),
    faults: drawFaults(random, world),
  };
}

/** Slow enough that runners overlap, and everything that can be late or twice is. */
function drawRough(random: Random): Weather {
  return {
    ...FAIR,
    usualMs: random.pick([20, 60]),
    slowMsMax: random.pick([400, 3000]),
    doublingPart: 0.4,
    fillFailurePart: 0.5,
    storeFailurePart: 0.02,
    replyLossPart: 0.02,
    leaseTheftPart: 0.9,
  };
}

/** Every so many seeds the weather is rough in a way that brings runners of one move together. */
const ROUGH_EVERY = 4;

/** The n-th seed with rough weather. */
export const roughSeed = (number: number): number => number * ROUGH_EVERY;

function drawWeather(random: Random): Weather {
  if (random.chance(0.1)) return FAIR;
  const some = (part: number): number => (random.chance(0.5) ? 0 : (part * (1 + random.below(10))) / 10);
  return {
    usualMs: random.pick([2, 2, 10, 40]),
    slowPart: 0.02 + some(0.15),
    slowMsMax: random.pick([60, 400, 3000, 6000]),
    requestLossPart: some(0.06),
    replyLossPart: some(0.08),
    doublingPart: some(0.2),
    breakOffPart: some(0.2),
    storeFailurePart: some(0.1),
    fillFailurePart: some(0.5),
    catalogFailurePart: some(0.15),
    leaseTheftPart: some(0.8),
  };
}

function drawActions(random: Random, shards: number): readonly OperatorAction[] {
  const isWide = random.chance(0.4);
  const first: OperatorAction = { kind: "move", atMs: random.below(300), to: 1 + random.below(shards - 1), isWide };
  const actions: OperatorAction[] = [first];
  const lateMs = (): number => random.below(random.pick([300, 800, 2500, 5000]));
  const again = (atMs: number): OperatorAction => ({ kind: "move", atMs, to: random.below(shards), isWide });
  if (random.chance(0.55)) {
    const abortMs = lateMs();
    actions.push({ kind: "abort", atMs: abortMs });
    if (random.chance(0.7)) actions.push(again(abortMs + 200 + lateMs()));
  }
  if (random.chance(0.3)) actions.push({ kind: "reverse", atMs: 600 + lateMs() });
  if (random.chance(0.2)) actions.push(again(600 + lateMs()));
  if (random.chance(0.2)) actions.push({ kind: "abort", atMs: 1500 + lateMs() });
  if (random.chance(0.15)) actions.push({ kind: "throttle", atMs: lateMs() });
  return actions;
}

function drawFaults(random: Random, world: Pick<Scenario, "shards" | "workers" | "edges">): readonly Fault[] {
  const count = random.pick([0, 1, 1, 2, 2, 3, 4]);
  return Array.from({ length: count }, () => drawFault(random, world));
}

function drawFault(random: Random, world: Pick<Scenario, "shards" | "workers" | "edges">): Fault {
  const atMs = random.below(random.pick([600, 2500, 8000]));
  const shard = random.below(world.shards);
  const worker = random.below(world.workers);
  const downMs = random.pick([5, 200, 1500]);
  const forMs = 50 + random.below(random.pick([400, 3000, 12_000]));
  const step = 1 + random.below(45);
  const isAborted = random.chance(0.5);
  switch (random.below(10)) {
    case 0:
    case 1:
      return { kind: "crash", atMs, shard, worker, downMs };
    case 2:
    case 3:
    case 4:
      return {
        kind: "crash-at-step",
        isAborted,
        step,
        shard: random.chance(0.8) ? 1 : shard,
        delays: random.below(9),
        downMs,
      };
    case 5:
      return { kind: "stop", atMs, shard, worker, forMs };
    case 6:
      return { kind: "stop-at-step", isAborted, step, shard: random.chance(0.8) ? 1 : shard, forMs };
    case 7:
      return random.chance(0.5)
        ? { kind: "edge-crash", atMs, edge: random.below(world.edges) }
        : { kind: "end", atMs, shard, worker, downMs };
    default:
      return { kind: "partition", atMs, forMs, link: drawLink(random, world) };
  }
}

function drawLink(random: Random, { shards, edges }: Pick<Scenario, "shards" | "edges">): readonly [string, string] {
  const one = `shard-${random.below(shards)}`;
  const others = ["catalog", `edge-${random.below(edges)}`, `shard-${random.below(shards)}`] as const;
  return [one, random.pick([...others])];
}
