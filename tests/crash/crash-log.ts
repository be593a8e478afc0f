// The log lines of a group's processes: the movers' steps are held against the model, and for each process it is known which of its runners
// have not ended. Must not keep lines beyond the steps of each move.

import type { MoveTrace } from "../../shards/mover/move-trace.ts";
import { TraceLog } from "../chaos/trace-log.ts";

const SHOWN_STEPS = 40;

const LOST: ReadonlySet<MoveTrace["step"]> = new Set<MoveTrace["step"]>(["reply-lost", "look-failed", "work-failed"]);

/** What a group has logged. */
export class CrashLog {
  readonly trace = new TraceLog();
  readonly #events = new Map<string, number>();
  readonly #open = new Map<number, Set<string>>();
  readonly #steps = new Map<string, string[]>();
  readonly #lost = new Map<string, number>();
  readonly #drivers = new Map<string, number>();

  take(line: string): void {
    this.trace.take(line);
    const fields = parse(line);
    if (fields === null) return;
    const event = String(fields["event"]);
    this.#events.set(event, this.count(event) + 1);
    if (event === "move-taken") this.#drivers.set(String(fields["move"]), Number(fields["pid"]));
    if (event !== "move-step") return;
    const step = JSON.parse(String(fields["trace"])) as MoveTrace;
    this.#note(step, Number(fields["pid"]));
  }

  /** How often something was logged. */
  count(event: string): number {
    return this.#events.get(event) ?? 0;
  }

  /** How often a slot's runners have had no answer. */
  lostOf(slot: string): number {
    return this.#lost.get(slot) ?? 0;
  }

  /** The process that has begun to drive a move last. */
  driverOf(move: string): number | null {
    return this.#drivers.get(move) ?? null;
  }

  /** Runners of a process that have begun and not ended. */
  openRunners(pid: number): number {
    return this.#open.get(pid)?.size ?? 0;
  }

  /** The last steps of a slot's runners, for people. */
  stepsOf(slot: string): string {
    return (this.#steps.get(slot) ?? []).slice(-SHOWN_STEPS).join("\n");
  }

  #note(step: MoveTrace, pid: number): void {
    const open = this.#open.get(pid) ?? new Set<string>();
    this.#open.set(pid, open);
    if (step.step === "start") open.add(step.runner);
    if (step.step === "end" || step.step === "stop") open.delete(step.runner);
    if (LOST.has(step.step)) this.#lost.set(step.slot, this.lostOf(step.slot) + 1);
    const steps = this.#steps.get(step.slot) ?? [];
    this.#steps.set(step.slot, steps);
    const { collection: _collection, move: _move, slot: _slot, runner, atMs, ...rest } = step;
    steps.push(`  ${atMs} ${pid} ${runner.slice(0, 4)} ${JSON.stringify(rest)}`);
  }
}

function parse(line: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    // A process that is killed may leave half a line.
    return null;
  }
}
