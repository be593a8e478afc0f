// One life of a process: what reaches it, as long as it lives. A killed one hears nothing any more, a stopped one hears it late.
// Must not know what runs in it.
import type { Clock } from "../../shards/clock.ts";
import type { Scheduler } from "./scheduler.ts";

/** Ends with `kill`. What the process has asked for goes on elsewhere, only nobody hears of it. */
export class Life {
  readonly name: string;
  readonly clock: Clock;
  readonly #scheduler: Scheduler;
  #state: "running" | "stopped" | "dead" = "running";
  #backlog: (() => void)[] = [];
  readonly #whenDead: (() => void)[] = [];

  constructor(name: string, scheduler: Scheduler) {
    this.name = name;
    this.#scheduler = scheduler;
    this.clock = {
      nowMs: () => Math.floor(scheduler.nowMs()),
      // A timer of Node's takes a millisecond at least.
      sleep: (durationMs) => new Promise((resolve) => this.after(Math.max(1, durationMs), resolve)),
    };
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  /** Runs `action` in this process: now, later when it is stopped, never when it is dead. */
  hear(action: () => void): void {
    if (this.#state === "running") action();
    else if (this.#state === "stopped") this.#backlog.push(action);
  }

  after(delayMs: number, action: () => void): void {
    this.#scheduler.after(delayMs, () => this.hear(action));
  }

  /** Resolves never when the process dies first. */
  whenDead(action: () => void): void {
    this.#whenDead.push(action);
  }

  kill(): void {
    if (this.#state === "dead") return;
    this.#state = "dead";
    this.#backlog = [];
    for (const action of this.#whenDead) action();
  }

  stop(): void {
    if (this.#state === "running") this.#state = "stopped";
  }

  goOn(): void {
    if (this.#state !== "stopped") return;
    this.#state = "running";
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const action of backlog) this.#scheduler.after(0, () => this.hear(action));
  }
}
