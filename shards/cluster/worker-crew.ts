/**
 * The primary's workers: starts them, replaces the dead, tells one of them to sweep and each what another has heard, stops all of them.
 * It must not know what a worker does; it sees messages and exits.
 */
import type { Worker } from "node:cluster";
import { FatalError } from "../fatal-error.ts";
import type { Logger } from "../log.ts";
import type { Standing } from "../standing.ts";
import { type CommitMessage, type CommittedMessage, parseCommitMessage } from "./commit-message.ts";
import { CommitRelay } from "./commit-relay.ts";
import { type NewsMessage, type OrderMessage, parseReport, type ReportMessage } from "./message.ts";
import { afterDeath, afterHealthy, NO_DEATHS, type RespawnHistory, type RespawnLimits } from "./respawn-policy.ts";

/** A stopping worker that is still there this long after its own bound is killed, in milliseconds. */
const KILL_MARGIN_MS = 1000;

/** What a crew stands on. */
export interface WorkerCrewOptions {
  readonly size: number;
  /** `place`: from 0; a worker that replaces another has its place. */
  readonly fork: (place: number) => Worker;
  readonly limits: RespawnLimits;
  readonly stopMsMax: number;
  readonly nowMs: () => number;
  readonly log: Logger;
  /** All workers take requests, for the first time. */
  readonly onReady: () => void;
  /** The crew cannot start or go on. Told once; the crew should be stopped then. */
  readonly onFatal: (error: FatalError) => void;
}

interface Member {
  readonly worker: Worker;
  readonly place: number;
  isReady: boolean;
  isHealthy: boolean;
  healthTimer: NodeJS.Timeout | undefined;
}

/** Lives as long as the primary. */
export class WorkerCrew {
  readonly #options: WorkerCrewOptions;
  readonly #members = new Map<number, Member>();
  readonly #respawns = new Set<NodeJS.Timeout>();
  readonly #relay = new CommitRelay({
    workerAt: (place) => this.#readyAt(place),
    send: (id, message) => this.#sendTo(id, message),
  });
  #history: RespawnHistory = NO_DEATHS;
  #sweeper: number | null = null;
  #standing: Standing | null = null;
  #phase: "starting" | "ready" | "stopping" = "starting";
  readonly #whenEmpty: (() => void)[] = [];

  constructor(options: WorkerCrewOptions) {
    this.#options = options;
  }

  /** Forks the whole crew. */
  start(): void {
    for (let place = 0; place < this.#options.size; place += 1) this.#fork(place);
  }

  /** Tells every worker how the shard stands: now, and again when one gets ready, because it hears nothing before. */
  tell(standing: Standing): void {
    this.#standing = standing;
    for (const { worker } of this.#members.values()) send(worker, { type: "standing", standing });
  }

  /** Resolves when no worker is left. Calling it again changes nothing. */
  stop(): Promise<void> {
    if (this.#phase !== "stopping") this.#beginStop();
    if (this.#members.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  #beginStop(): void {
    this.#phase = "stopping";
    for (const timer of this.#respawns) clearTimeout(timer);
    for (const member of this.#members.values()) {
      clearTimeout(member.healthTimer);
      send(member.worker, { type: "stop" });
    }
    setTimeout(() => this.#killAll(), this.#options.stopMsMax + KILL_MARGIN_MS).unref();
  }

  #killAll(): void {
    for (const { worker } of this.#members.values()) {
      this.#options.log("warn", "worker-killed", { worker: worker.id });
      worker.process.kill("SIGKILL");
    }
  }

  #fork(place: number): void {
    const worker = this.#options.fork(place);
    this.#members.set(worker.id, { worker, place, isReady: false, isHealthy: false, healthTimer: undefined });
    worker.on("message", (message: unknown) => {
      const commit = parseCommitMessage(message);
      if (commit === null) this.#onMessage(worker.id, parseReport(message));
      else this.#relay.heard(worker.id, commit);
    });
    // Later than its end: what it has said before has been heard then.
    worker.on("disconnect", () => this.#relay.lost(worker.id));
    worker.on("error", (error) =>
      this.#options.log("warn", "worker-error", { worker: worker.id, error: error.message }),
    );
    worker.on("exit", (code: number | null, signal: string | null) => this.#onExit(worker.id, { code, signal }));
  }

  #onMessage(id: number, report: ReportMessage | null): void {
    const member = this.#members.get(id);
    if (member === undefined || report === null || this.#phase === "stopping") return;
    if (report.type === "ready") this.#onWorkerReady(member);
    else if (report.type === "news") this.#tellOthers(id, report);
    else if (this.#phase === "starting") this.#options.onFatal(new FatalError(report.code, report.message));
  }

  /** One that is told to stop gives up its place: what is begun there now might not be ended. */
  #readyAt(place: number): number | null {
    if (this.#phase === "stopping") return null;
    for (const [id, member] of this.#members) if (member.place === place && member.isReady) return id;
    return null;
  }

  #sendTo(id: number, message: CommitMessage | CommittedMessage): void {
    const member = this.#members.get(id);
    if (member !== undefined) send(member.worker, message);
  }

  #tellOthers(id: number, news: NewsMessage): void {
    for (const [other, { worker }] of this.#members) if (other !== id) send(worker, news);
  }

  #onWorkerReady(member: Member): void {
    member.isReady = true;
    if (this.#standing !== null) send(member.worker, { type: "standing", standing: this.#standing });
    member.healthTimer = setTimeout(() => {
      member.isHealthy = true;
      this.#history = afterHealthy();
    }, this.#options.limits.healthyMs);
    this.#chooseSweeper();
    const ready = [...this.#members.values()].filter(({ isReady }) => isReady).length;
    if (this.#phase === "starting" && ready === this.#options.size) {
      this.#phase = "ready";
      this.#options.onReady();
    }
  }

  #onExit(id: number, exit: { readonly code: number | null; readonly signal: string | null }): void {
    const member = this.#members.get(id);
    this.#members.delete(id);
    clearTimeout(member?.healthTimer);
    if (this.#phase === "stopping") {
      if (this.#members.size === 0) for (const resolve of this.#whenEmpty) resolve();
      return;
    }
    this.#options.log("warn", "worker-exit", { worker: id, ...exit });
    if (member?.isHealthy === true) this.#history = afterHealthy();
    this.#chooseSweeper();
    this.#replace(member?.place ?? 0);
  }

  #replace(place: number): void {
    const { nowMs, limits, onFatal } = this.#options;
    const step = afterDeath(this.#history, nowMs(), limits);
    if (step.kind === "give-up" && this.#hasReady()) {
      // Those that serve are not to end for those that cannot begin: a store may be unwilling for a while only.
      this.#options.log("error", "worker-crash-loop", { deaths: step.deaths, retryMs: limits.windowMs });
      this.#history = afterHealthy();
      this.#forkAfter(limits.windowMs, place);
      return;
    }
    if (step.kind === "give-up") {
      const message = `${step.deaths} workers died within ${limits.windowMs / 1000} s; see the log lines before this one`;
      onFatal(new FatalError("CRASH_LOOP", message));
      return;
    }
    this.#history = step.history;
    this.#forkAfter(step.delayMs, place);
  }

  #forkAfter(delayMs: number, place: number): void {
    const timer = setTimeout(() => {
      this.#respawns.delete(timer);
      this.#fork(place);
    }, delayMs);
    this.#respawns.add(timer);
  }

  #hasReady(): boolean {
    return [...this.#members.values()].some(({ isReady }) => isReady);
  }

  /** The lowest id that is alive and ready; ids only grow, so it keeps the task until it dies. */
  #chooseSweeper(): void {
    if (this.#sweeper !== null && this.#members.has(this.#sweeper)) return;
    const ready = [...this.#members.values()].filter(({ isReady }) => isReady);
    const chosen = ready.sort((left, right) => left.worker.id - right.worker.id)[0];
    this.#sweeper = chosen?.worker.id ?? null;
    if (chosen !== undefined) send(chosen.worker, { type: "sweep" });
  }
}

function send(worker: Worker, order: OrderMessage | CommitMessage | CommittedMessage): void {
  // A worker that is already gone cannot be told; its exit event says the rest.
  if (worker.isConnected()) worker.send(order, undefined, () => undefined);
}
