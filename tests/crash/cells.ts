// The crash matrix: who dies at which moment of which step, and how it goes on. A group is what dies together in one pair of shards,
// with a move of its own standing at each step. Must not run anything.
import { AT_SOURCE, type CrashPoint, type CrashStep, POINTS, STATEMENT_STEPS, STEPS } from "./steps.ts";

/** Who is struck: a shard with all its processes, the workers that drive, or the catalog, which is away for a while. */
const VICTIMS = ["source", "destination", "runner", "catalog"] as const;

/** Where a store is a database of its own, its answers may be lost on their way to the shard: of what was asked nothing is known then. */
const STORE_VICTIMS = ["source-store", "destination-store"] as const;
export type Victim = (typeof VICTIMS)[number] | (typeof STORE_VICTIMS)[number];

/** How it goes on. `takeover`: the first runner is stopped and wakes up when another one has finished its work. */
const FINISHES = ["resume", "abort", "takeover"] as const;
export type Finish = (typeof FINISHES)[number];

/** One cell. `prefix`: its keys, and its slot, begin so. */
export interface Cell {
  readonly name: string;
  readonly step: CrashStep;
  readonly point: CrashPoint;
  readonly prefix: string;
}

/** Cells that share one crash. */
export interface Group {
  readonly victim: Victim;
  readonly finish: Finish;
  readonly cells: readonly Cell[];
}

const LETTERS = [..."abcdefghijklmnopqrstuvwxyz"];

/** Slots of the first shard, none beside another, so that each cell has a range of its own in the map. */
const PREFIXES: readonly string[] = [..."abcdefghijkl"].flatMap((first) =>
  LETTERS.filter((_, index) => index % 2 === 0).map((second) => first + second),
);

const MOMENTS = STEPS.flatMap((step) => POINTS.map((point) => ({ step, point })));

/** What a store is asked to change, and may have changed when its answer is lost. */
const CHANGES: Readonly<Record<(typeof STORE_VICTIMS)[number], ReadonlySet<CrashStep>>> = {
  "source-store": AT_SOURCE,
  "destination-store": new Set<CrashStep>(
    STEPS.filter((step) => !AT_SOURCE.has(step) && (STATEMENT_STEPS.has(step) || step.endsWith("-fill"))),
  ),
};

/** The cells that differ where the store is a database of its own: each change, its answer lost between the store and the shard. */
export function storeGroups(wanted = ""): readonly Group[] {
  const groups = STORE_VICTIMS.flatMap((victim) => {
    const moments = STEPS.filter((step) => CHANGES[victim].has(step)).map(
      (step) => ({ step, point: "unanswered" }) as const,
    );
    return FINISHES.map((finish) => groupOf({ victim, finish }, moments, wanted));
  });
  return groups.filter(({ cells }) => cells.length > 0);
}

/** All cells whose name holds `wanted`. */
export function crashGroups(wanted = ""): readonly Group[] {
  const groups = VICTIMS.flatMap((victim) => FINISHES.map((finish) => groupOf({ victim, finish }, MOMENTS, wanted)));
  return groups.filter(({ cells }) => cells.length > 0);
}

function groupOf(
  { victim, finish }: Pick<Group, "victim" | "finish">,
  moments: readonly Pick<Cell, "step" | "point">[],
  wanted: string,
): Group {
  const cells = moments.map(({ step, point }, index) => {
    const prefix = PREFIXES[index];
    if (prefix === undefined) throw new Error(`broken assumption: a slot for each of ${moments.length} cells`);
    return { name: `${step} ${point}, ${victim}, ${finish}`, step, point, prefix };
  });
  return { victim, finish, cells: cells.filter(({ name }) => name.includes(wanted)) };
}
