// Storms: one slot that is moved, aborted, moved again and back, while copies of messages come seconds late and workers sleep
// through whole moves. What one move leaves under way meets the next one. Each storm has a plot that brings some coincidence near.
// Must not contain chance of its own.
import type { Random } from "../history/random.ts";
import {
  CALM_MS,
  FAIR,
  type Fault,
  type Moment,
  type OperatorAction,
  type Scenario,
  type Weather,
} from "./scenario.ts";

/** What a plot says; the rest is as in any storm. */
interface Plot extends Partial<Omit<Scenario, "seed" | "weather">> {
  readonly weather?: Partial<Weather>;
}

/** The scenario of a stormy seed. */
export function drawStorm(seed: number, random: Random): Scenario {
  const { weather, ...plot } = random.pick(PLOTS)(random);
  const shards = plot.shards ?? random.pick([2, 3]);
  return {
    seed,
    ...{ shards, workers: random.pick([1, 2, 2, 2]), edges: 1 },
    ...{ clients: 1 + random.below(3), operations: 6 + random.below(8), pausesMs: [300, 900] },
    ...{ keys: 1, isStriped: false, commitScope: random.pick(["slot", "store"]) },
    ending: random.pick(["resume", "abort"]),
    retentionMs: random.pick([0, 0, 600]),
    ...{ parallel: 1, rowsPerSecond: null },
    actions: drawActions(random, shards),
    faults: Array.from({ length: 1 + random.below(4) }, () => drawFault(random, shards)),
    ...plot,
    weather: { ...drawWeather(random), ...weather },
  };
}

function drawWeather(random: Random): Weather {
  return {
    ...FAIR,
    usualMs: random.pick([4, 20, 40]),
    slowPart: random.pick([0.03, 0.15]),
    slowMsMax: random.pick([300, 1500]),
    requestLossPart: 0.01,
    replyLossPart: 0.02,
    storeFailurePart: 0.02,
    doublingPart: 0.5,
    fillFailurePart: random.pick([0, 0.3]),
    leaseTheftPart: random.pick([0, 0.9]),
    overlapPart: random.pick([0, 1]),
    veryLatePart: random.pick([0.2, 0.6]),
    veryLateMsMax: random.pick([1500, 6000]),
    copiesMax: 3,
  };
}

/** Longest time between two actions, in milliseconds. */
const ACTION_MS = 1600;

/** One after the other until it grows calm; what does not fit now is tried again for a second. */
function drawActions(random: Random, shards: number): readonly OperatorAction[] {
  const actions: OperatorAction[] = [moveAt(random.below(200), 1)];
  for (let atMs = random.below(ACTION_MS); atMs < CALM_MS - ACTION_MS; atMs += 50 + random.below(ACTION_MS)) {
    const kind = random.pick<"move" | "abort" | "reverse">(["move", "move", "abort", "reverse"]);
    actions.push(kind === "move" ? moveAt(atMs, random.below(shards)) : { kind, atMs });
  }
  return actions;
}

function moveAt(atMs: number, to: number): OperatorAction {
  return { kind: "move", atMs, to, isWide: false };
}

const MOMENTS = ["copy", "reconcile", "fence", "seal", "go", "go", "decide", "abort", "abort", "restore"] as const;

function drawFault(random: Random, shards: number): Fault {
  const shard = random.below(shards);
  const worker = random.below(2);
  const forMs = random.pick([300, 1500, 3000]) + random.below(3000);
  if (random.chance(0.15)) return { kind: "crash", atMs: random.below(6000), shard, worker, downMs: 200 };
  if (random.chance(0.1)) return { kind: "partition", atMs: random.below(6000), forMs, link: ["shard-0", "shard-1"] };
  return {
    kind: "stop-at-moment",
    isAborted: random.chance(0.5),
    moment: random.pick<Moment>(MOMENTS),
    count: 1 + random.below(3),
    victim: random.chance(0.7) ? null : { shard, worker },
    delays: random.below(8),
    forMs,
  };
}

type Stop = Extract<Fault, { readonly moment: Moment }>;

/** The runner itself, the first time that one is there. */
function stopAt(moment: Moment, forMs: number, more: Partial<Stop> = {}): Stop {
  return { kind: "stop-at-moment", isAborted: false, moment, count: 1, victim: null, delays: 0, forMs, ...more };
}

/** The same again and again: each is tried for a second, and what does not fit is given up. */
function repeatedly(
  fromMs: number,
  everyMs: number,
  action: (atMs: number) => OperatorAction,
): readonly OperatorAction[] {
  const count = Math.max(0, Math.ceil((CALM_MS - 1000 - fromMs) / everyMs));
  return Array.from({ length: count }, (_, index) => action(fromMs + index * everyMs));
}

/** Where a plot needs its time, the rest is as quick as it can be. */
const SWIFT: Partial<Weather> = {
  ...{ usualMs: 4, slowPart: 0.02, slowMsMax: 200 },
  ...{ requestLossPart: 0, replyLossPart: 0, storeFailurePart: 0, fillFailurePart: 0 },
};

const PLOTS: readonly [(random: Random) => Plot, ...((random: Random) => Plot)[]] = [
  () => ({}),
  crossing,
  handover,
  comingBack,
  race,
  oversleeping,
];

/** Two moves of the slot at once, from one epoch to two shards: the first one is being aborted, and its runner sleeps in the middle of that. */
function crossing(random: Random): Plot {
  const abortMs = 300 + random.below(1800);
  return {
    shards: 3,
    actions: [
      moveAt(random.below(200), 1),
      { kind: "abort", atMs: abortMs },
      moveAt(abortMs + random.below(500), 2),
      moveAt(abortMs + random.below(1500), 2),
      ...repeatedly(4000 + random.below(1000), 900, (atMs) => moveAt(atMs, random.below(3))),
    ],
    faults: [stopAt("abort", 800 + random.below(4000), { delays: random.below(3) })],
    weather: { leaseTheftPart: 0, overlapPart: 1 },
  };
}

/** Runners take the slot from each other, and what earlier ones have sent comes again while a store is long about the seal of a later one. */
function handover(random: Random): Plot {
  return {
    workers: 2,
    clients: 3,
    operations: 16,
    pausesMs: [300],
    actions: repeatedly(random.below(200), 800, (atMs) => moveAt(atMs, random.below(2))),
    faults: [1, 4].map((count) => stopAt("copy", 500 + random.below(2000), { count })),
    weather: {
      ...SWIFT,
      ...{ usualMs: 10, leaseTheftPart: 0.9, sealMsMax: 1500 },
      ...{ doublingPart: 0.9, copiesMax: 4, veryLatePart: 1, veryLateMsMax: random.pick([1200, 2000]) },
    },
  };
}

/** There, back and there again, with clean-up between, of which copies come when the slot is about to leave once more. */
function comingBack(random: Random): Plot {
  const actions = repeatedly(random.below(200), 700, (atMs) => moveAt(atMs, Math.floor(atMs / 1400) % 2 === 0 ? 1 : 0));
  return {
    shards: 2,
    clients: 1,
    actions: random.chance(0.5) ? actions : [...actions, { kind: "abort", atMs: 3500 + random.below(4000) }],
    faults: [stopAt("go", 300 + random.below(2500), { count: 3 })],
    retentionMs: 0,
    weather: { usualMs: 4, doublingPart: 0.8, veryLatePart: 0.9, veryLateMsMax: 7000, leaseTheftPart: 0 },
  };
}

/** An abort on its way meets the decision on its way: stores are long about some changes of columns. */
function race(random: Random): Plot {
  const stop = (count: number): Stop =>
    stopAt(random.pick(["reconcile", "seal", "go"]), 50 + random.below(1000), { isAborted: true, count });
  return {
    workers: 2,
    clients: 3,
    pausesMs: [100, 500],
    operations: 20,
    actions: repeatedly(random.below(200), 700, (atMs) => moveAt(atMs, random.below(2))),
    faults: [1, 2, 3].map(stop),
    weather: { ...SWIFT, leaseTheftPart: 0.6, heldPart: 0.4, heldMsMax: 300 + random.below(1200) },
  };
}

/** A runner, or a shard with a request in hand, sleeps through the abort of a move and the begin of the next one. */
function oversleeping(random: Random): Plot {
  const forMs = 2500 + random.below(4000);
  const isHost = random.chance(0.6);
  const atGo = stopAt("go", isHost ? 200 : forMs, {
    kind: isHost ? "crash-at-moment" : "stop-at-moment",
    isAborted: true,
  });
  return {
    shards: 2,
    workers: isHost ? 4 : 2,
    clients: 1,
    operations: isHost ? 20 : 4,
    pausesMs: isHost ? [300] : [2500],
    actions: repeatedly(random.below(200), 400, (atMs) => moveAt(atMs, 1)),
    faults: isHost ? [atGo, stopAt("help", forMs)] : [atGo],
    weather: { ...SWIFT, leaseTheftPart: isHost ? 0.2 : 0.5, overlapPart: 0 },
  };
}
