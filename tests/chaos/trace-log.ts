/**
 * The moves' steps out of the log lines of all shards: each is held against the model at once, and decided slots are kept by name.
 * It must not keep lines.
 */
import type { MoveTrace } from "../../shards/mover/move-trace.ts";
import { Conformance } from "./conformance.ts";
import { cutoverName } from "./cutover-file.ts";

/** Events that no fault explains, and events that only a fault does. */
const BROKEN: ReadonlySet<string> = new Set(["store-lost", "destination-store-lost", "slot-run-failed", "help-failed"]);
const FAILED: ReadonlySet<string> = new Set(["move-failed", "abort-failed", "move-end-untold", "fatal", "worker-exit"]);

const SHOWN_CHARACTERS = 600;

/** A slot that a runner has seen to its decision; times in milliseconds since 1970. `fencedAtMs` null: by another runner. */
export interface DecidedCutover {
  readonly collection: string;
  readonly slot: string;
  readonly fencedAtMs: number | null;
  readonly decidedAtMs: number;
}

/** What the shards of a run have logged. */
export class TraceLog {
  readonly conformance = new Conformance();
  readonly #decided = new Map<string, DecidedCutover>();
  readonly #fencedAtMs = new Map<string, number>();
  /** Lines that must never be, and lines that must not be where nothing is broken. */
  readonly broken: string[] = [];
  readonly failed: string[] = [];

  take(line: string): void {
    const fields = parseFields(line);
    if (fields === null) return;
    const event = String(fields["event"]);
    if (BROKEN.has(event)) this.broken.push(line.slice(0, SHOWN_CHARACTERS));
    if (FAILED.has(event)) this.failed.push(line.slice(0, SHOWN_CHARACTERS));
    if (event === "move-step") this.#step(JSON.parse(String(fields["trace"])) as MoveTrace);
  }

  /** Cutovers by name, with their pause as the one runner saw it that fenced and decided; null when there were several. */
  decided(): ReadonlyMap<string, number | null> {
    const pauseOf = ({ fencedAtMs, decidedAtMs }: DecidedCutover): number | null =>
      fencedAtMs === null ? null : decidedAtMs - fencedAtMs;
    return new Map([...this.#decided].map(([name, cutover]) => [name, pauseOf(cutover)]));
  }

  cutovers(): readonly DecidedCutover[] {
    return [...this.#decided.values()];
  }

  #step(trace: MoveTrace): void {
    this.conformance.take(trace);
    if (trace.step === "send" && trace.event.kind === "fence") this.#fencedAtMs.set(trace.runner, trace.atMs);
    if (trace.step === "reply" && trace.event.kind === "decide" && trace.reply.kind !== "refused") {
      const { collection, slot, atMs: decidedAtMs } = trace;
      const fencedAtMs = this.#fencedAtMs.get(trace.runner) ?? null;
      const name = cutoverName(collection, slot, trace.event.epoch);
      this.#decided.set(name, { collection, slot, fencedAtMs, decidedAtMs });
    }
    if (trace.step === "end" || trace.step === "stop") this.#fencedAtMs.delete(trace.runner);
  }
}

/** Null for what is no whole line of a log: a process that is killed may leave such a thing. */
function parseFields(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}
