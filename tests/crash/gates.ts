/**
 * Inside a shard's process: where the runner of a cell stands still until the test has struck. A process that the test wants frozen stops
 * itself, between two turns of its event loop, so that it holds no lock of a database. It must not know what is struck.
 */
import { setTimeout as delay } from "node:timers/promises";
import { CONTROL_ENV, type Moment, type PlannedCell, readPlan, readStage, type Stage, tellHit } from "./control.ts";

const FOLDER = process.env[CONTROL_ENV] ?? "";
const SHARD = process.argv[process.argv.indexOf("--shard") + 1] ?? "";
const POLL_MS = 10;
/** So long a stage that was read is believed, in milliseconds. */
const STAGE_MS = 5;

const plan = readPlan(FOLDER);
const bySlot = new Map(plan.map((cell) => [cell.slot, cell]));
const byMove = new Map(plan.map((cell) => [cell.move, cell]));
const passed = new Set<string>();

let lastStage: Stage = readStage(FOLDER);
let readAtMs = performance.now();

/** How far the test is. */
export function stage(): Stage {
  if (performance.now() - readAtMs < STAGE_MS) return lastStage;
  lastStage = readStage(FOLDER);
  readAtMs = performance.now();
  return lastStage;
}

export function cellOfSlot(slot: string): PlannedCell | null {
  return bySlot.get(slot) ?? null;
}

export function cellOfMove(move: string): PlannedCell | null {
  return byMove.get(move) ?? null;
}

/** Whether the cell's moment is this one, and still to come. */
export function isAwaited(cell: PlannedCell, moment: Moment): boolean {
  return !stage().isStruck && !passed.has(cell.name) && isSame(cell, moment);
}

/** Stands still if this is the moment of the cell, or where it is held first. Whether it was the moment. */
export async function reach(cell: PlannedCell, moment: Moment): Promise<boolean> {
  if (stage().isStruck) return false;
  if (cell.hold !== null && isSame(cell.hold, moment)) await hold(cell);
  if (!isAwaited(cell, moment)) return false;
  passed.add(cell.name);
  tell("moment", cell);
  await untilStruck();
  tell("woke", cell);
  return true;
}

/** Stands still for as long as the source stands at the cell's moment. */
export async function waitBeside(cell: PlannedCell): Promise<void> {
  await untilStruck();
  tell("woke", cell);
}

/** Everybody who waits in this process goes on in the same turn: a process that wakes up may have to end in the next one. */
let struck: Promise<void> | null = null;

function untilStruck(): Promise<void> {
  struck ??= watchForStrike();
  return struck;
}

async function watchForStrike(): Promise<void> {
  while (!stage().isStruck) {
    // One that wakes up does what it was about to do before it hears of anything.
    if (stage().frozenShard === SHARD) process.kill(process.pid, "SIGSTOP");
    else await delay(POLL_MS);
  }
}

async function hold(cell: PlannedCell): Promise<void> {
  const name = `hold ${cell.name}`;
  if (passed.has(name)) return;
  passed.add(name);
  tell("hold", cell);
  while (!stage().isStruck && !stage().released.includes(cell.name)) await delay(POLL_MS);
}

function tell(kind: "hold" | "moment" | "woke", { name }: PlannedCell): void {
  tellHit(FOLDER, { kind, cell: name, shard: SHARD, pid: process.pid });
}

function isSame(left: Moment, right: Moment): boolean {
  return left.step === right.step && left.point === right.point;
}
