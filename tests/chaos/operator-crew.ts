/**
 * Keeps an operator process at work: one that is killed is replaced. It must not end a run because an operator died.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { OperatorOrder, OperatorReport } from "./operator-message.ts";

const PROGRAM = new URL("operator-process.ts", import.meta.url).pathname;

/** The operator of a run. */
export class OperatorCrew {
  readonly #order: OperatorOrder;
  readonly #reports: OperatorReport[] = [];
  #child: ChildProcess;
  #isOver = false;
  /** Ends that nobody asked for. */
  readonly deaths: string[] = [];

  constructor(order: OperatorOrder) {
    this.#order = order;
    this.#child = this.#start();
  }

  /** What all of them did, by name. */
  counts(): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const report of this.#reports) {
      for (const [name, count] of Object.entries(report)) sums.set(name, (sums.get(name) ?? 0) + count);
    }
    return sums;
  }

  /** Of the one at work. */
  pids(): readonly number[] {
    return this.#child.pid === undefined ? [] : [this.#child.pid];
  }

  /** SIGKILL; another one goes on with new moves. */
  async replace(): Promise<void> {
    const old = this.#child;
    old.removeAllListeners("exit");
    const exited = once(old, "exit");
    old.kill("SIGKILL");
    await exited;
    this.#child = this.#start();
  }

  /** No new moves; those that run are left to themselves. */
  async stop(): Promise<void> {
    this.#isOver = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.send("stop");
    await exited;
  }

  destroy(): void {
    this.#isOver = true;
    this.#child.kill("SIGKILL");
  }

  #start(): ChildProcess {
    const index = this.#reports.push({}) - 1;
    const order: OperatorOrder = { ...this.#order, seed: this.#order.seed + 100 * index };
    const child = fork(PROGRAM, [JSON.stringify(order)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    child.on("message", (message) => {
      this.#reports[index] = message as OperatorReport;
    });
    child.on("exit", (code) => {
      if (!this.#isOver) this.deaths.push(`the operator ended with ${String(code)}`);
    });
    return child;
  }
}
