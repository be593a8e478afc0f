// What a crash test and the shards' processes tell each other, in files of one folder: the plan, how far the test is, and who stands where.
// Must not wait, nor do anything to a process.
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CrashPoint, CrashStep } from "./steps.ts";

/** The folder, for a shard's processes. */
export const CONTROL_ENV = "ZGATE_CRASH_CONTROL";
/** Name of a planted bug, for the same. */
export const PLANTED_ENV = "ZGATE_CRASH_PLANTED";

/** A moment of a move. */
export interface Moment {
  readonly step: CrashStep;
  readonly point: CrashPoint;
}

/** A cell as the processes need it. `hold`: where it stands first, until the test has prepared something; `worker`: who drives it first. */
export interface PlannedCell extends Moment {
  readonly name: string;
  readonly slot: string;
  readonly move: string;
  readonly hold: Moment | null;
  readonly worker: number;
}

/** How far the test is. */
export interface Stage {
  /** Leases may be taken: by the first workers alone, those of the cells about leases by the next word, and by everybody. */
  readonly leases: "none" | "first" | "first-all" | "everybody";
  /** Names of cells whose hold is over. */
  readonly released: readonly string[];
  /** Everybody who stands somewhere may go on, and nobody stands still any more. */
  readonly isStruck: boolean;
  /** Who stands somewhere in this shard is to stop its process. */
  readonly frozenShard: string | null;
  readonly isCatalogAway: boolean;
}

/** Nothing has begun. */
export const FIRST_STAGE: Stage = {
  leases: "none",
  released: [],
  isStruck: false,
  frozenShard: null,
  isCatalogAway: false,
};

/** Somebody stands somewhere: at its cell's moment, or where it is held first. */
export interface Hit {
  readonly kind: "hold" | "moment" | "woke";
  readonly cell: string;
  readonly shard: string;
  readonly pid: number;
}

const PLAN = "plan.json";
const STAGE = "stage.json";
const HITS = "hits.jsonl";

export function writePlan(folder: string, cells: readonly PlannedCell[]): void {
  writeFileSync(join(folder, PLAN), JSON.stringify(cells));
}

export function readPlan(folder: string): readonly PlannedCell[] {
  return JSON.parse(readFileSync(join(folder, PLAN), "utf8")) as readonly PlannedCell[];
}

/** Never seen half-written. */
export function writeStage(folder: string, stage: Stage): void {
  const draft = join(folder, `${STAGE}.next`);
  writeFileSync(draft, JSON.stringify(stage));
  renameSync(draft, join(folder, STAGE));
}

export function readStage(folder: string): Stage {
  return JSON.parse(readFileSync(join(folder, STAGE), "utf8")) as Stage;
}

export function tellHit(folder: string, hit: Hit): void {
  appendFileSync(join(folder, HITS), `${JSON.stringify(hit)}\n`);
}

export function readHits(folder: string): readonly Hit[] {
  const file = join(folder, HITS);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Hit);
}
