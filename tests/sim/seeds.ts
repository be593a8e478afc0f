// The scenario of each seed: most have any weather, some a rough one, some a storm.
// Must not contain chance of its own: the same seed is the same scenario.
import { createRandom, type Random } from "../history/random.ts";
import { FAIR, type Fault, type OperatorAction, type Scenario, type Weather } from "./scenario.ts";
import { drawStorm } from "./storm.ts";

/** The scenario of a seed. */
export function drawScenario(seed: number): Scenario {
  const random = createRandom(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
  return seed % STORM_EVERY === STORM_AT ? drawStorm(seed, random) : drawUsual(seed, random);
}

function drawUsual(seed: number, random: Random): Scenario {
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
    pausesMs: PAUSES_MS,
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

/** Every so many seeds there is a storm, and which of them: none with rough weather. */
const STORM_EVERY = 16;
const STORM_AT = 7;

/** The n-th seed with a storm. */
export const stormSeed = (number: number): number => (number - 1) * STORM_EVERY + STORM_AT;

/** How hurried clients are. */
const PAUSES_MS = [5, 5, 60, 400] as const;

function drawWeather(random: Random): Weather {
  if (random.chance(0.1)) return FAIR;
  const some = (part: number): number => (random.chance(0.5) ? 0 : (part * (1 + random.below(10))) / 10);
  return {
    ...FAIR,
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
