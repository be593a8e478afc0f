// The machines of a world and the processes that live on them: who is killed, stopped, ended and started again, and when.
// Must not know what the processes do.

import type { Life } from "./life.ts";
import type { Server } from "./network.ts";
import type { Fault, Moment } from "./scenario.ts";
import type { Stage } from "./stage.ts";

/** A process that can be told to end. */
export interface Worker extends Server {
  end(): void;
}

interface Place<Process> {
  process: Process;
  lives: number;
}

/** Processes of one kind, each in its place: a dead one is replaced by a new one with nothing in its memory. */
export class Crew<Process extends { readonly life: Life }> {
  readonly #stage: Stage;
  readonly #name: string;
  readonly #start: (name: string) => Process;
  readonly #places: Place<Process>[];

  constructor(
    stage: Stage,
    name: string,
    { size, start }: { readonly size: number; readonly start: (name: string) => Process },
  ) {
    this.#stage = stage;
    this.#name = name;
    this.#start = start;
    this.#places = Array.from({ length: size }, (_, index) => ({ process: start(`${name}.${index}`), lives: 1 }));
  }

  at(index: number): Process {
    const place = this.#places[index % this.#places.length];
    if (place === undefined) throw new Error("broken assumption: a crew has a place");
    return place.process;
  }

  get alive(): readonly Process[] {
    return this.#places.map(({ process }) => process).filter(({ life }) => !life.isDead);
  }

  /** Kills one and starts another in its place after `downMs`. */
  replace(process: Process, downMs: number): void {
    const index = this.#places.findIndex((place) => place.process === process);
    const place = this.#places[index];
    if (place === undefined || process.life.isDead) return;
    this.#stage.say(() => `${process.life.name} dies`);
    process.life.kill();
    this.#stage.scheduler.after(downMs, () => {
      place.lives += 1;
      place.process = this.#start(`${this.#name}.${index}.${place.lives}`);
    });
  }
}

/** Time between being told to end and the end, in milliseconds. */
const GRACE_MS = 2500;

/** What faults are done to. */
export interface Victims {
  readonly stage: Stage;
  readonly shards: readonly Crew<Worker>[];
  readonly edges: Crew<{ readonly life: Life }>;
  /** Told before a worker is killed. */
  readonly onCrash: (life: Life) => void;
  /** Has an operator abort all moves. */
  readonly abort: () => void;
}

/** Brings about the faults of a scenario. */
export class FaultPlan {
  readonly #victims: Victims;
  readonly #faults: readonly Fault[];
  readonly #steps = new Map<number, number>();
  readonly #moments = new Map<Moment, number>();

  constructor(victims: Victims, faults: readonly Fault[]) {
    this.#victims = victims;
    this.#faults = faults;
    for (const fault of faults) {
      if ("atMs" in fault) victims.stage.scheduler.after(fault.atMs, () => this.#bring(fault));
    }
  }

  /** A runner in this process of that shard has taken a step. */
  stepTaken(shard: number, life: Life): void {
    const step = (this.#steps.get(shard) ?? 0) + 1;
    this.#steps.set(shard, step);
    for (const fault of this.#faults) {
      if ("step" in fault && fault.step === step && fault.shard === shard) this.#bringTo(fault, life);
    }
  }

  /** A runner in this process is at that. */
  reached(moment: Moment, life: Life): void {
    const count = (this.#moments.get(moment) ?? 0) + 1;
    this.#moments.set(moment, count);
    for (const fault of this.#faults) {
      if ("moment" in fault && fault.moment === moment && fault.count === count) this.#bringAt(fault, life);
    }
  }

  #bringAt(fault: Extract<Fault, { readonly moment: Moment }>, runner: Life): void {
    const { stage, shards } = this.#victims;
    if (stage.station.isCalm) return;
    if (fault.isAborted) this.#victims.abort();
    const { kind, victim, forMs, delays } = fault;
    const delayMs = (delays * stage.scenario.weather.usualMs) / 2;
    const life = victim === null ? runner : shards[victim.shard]?.at(victim.worker).life;
    const shard = shards.findIndex(({ alive }) => alive.some((one) => one.life === life));
    const worker = shards[shard]?.alive.find((one) => one.life === life);
    if (worker === undefined) return;
    stage.coverage.add(`fault: ${kind}`);
    stage.scheduler.after(delayMs, () =>
      kind === "stop-at-moment" ? this.#stop(worker.life, forMs) : this.#crash({ shard, downMs: forMs }, worker),
    );
  }

  #bringTo(fault: Extract<Fault, { readonly step: number }>, life: Life): void {
    const { stage, shards } = this.#victims;
    const worker = shards[fault.shard]?.alive.find((one) => one.life === life);
    if (worker === undefined || stage.station.isCalm) return;
    if (fault.isAborted) this.#victims.abort();
    const delayMs = "delays" in fault ? (fault.delays * stage.scenario.weather.usualMs) / 2 : 0;
    stage.scheduler.after(delayMs, () =>
      fault.kind === "crash-at-step" ? this.#crash(fault, worker) : this.#stop(worker.life, fault.forMs),
    );
  }

  #bring(fault: Extract<Fault, { readonly atMs: number }>): void {
    const { stage, shards, edges } = this.#victims;
    if (stage.station.isCalm) return;
    stage.coverage.add(`fault: ${fault.kind}`);
    if (fault.kind === "partition") return this.#cut(fault);
    if (fault.kind === "edge-crash") return edges.replace(edges.at(fault.edge), 5);
    const worker = shards[fault.shard]?.at(fault.worker);
    if (worker === undefined) return;
    switch (fault.kind) {
      case "crash":
        return this.#crash(fault, worker);
      case "stop":
        return this.#stop(worker.life, fault.forMs);
      case "end":
        worker.end();
        return stage.scheduler.after(GRACE_MS, () => shards[fault.shard]?.replace(worker, fault.downMs));
      default:
        return fault satisfies never;
    }
  }

  #crash({ shard, downMs }: { readonly shard: number; readonly downMs: number }, worker: Worker): void {
    const { shards, onCrash, stage } = this.#victims;
    if (worker.life.isDead || stage.station.isCalm) return;
    stage.coverage.add("fault: worker is killed");
    onCrash(worker.life);
    shards[shard]?.replace(worker, downMs);
  }

  #stop(life: Life, forMs: number): void {
    const { stage } = this.#victims;
    stage.coverage.add("fault: worker is stopped");
    stage.say(() => `${life.name} stops for ${forMs} ms`);
    life.stop();
    stage.scheduler.after(forMs, () => life.goOn());
  }

  #cut({ link: [one, other], forMs }: Extract<Fault, { readonly kind: "partition" }>): void {
    const { stage } = this.#victims;
    stage.say(() => `${one} and ${other} are cut off for ${forMs} ms`);
    stage.partitions.cut(one, other);
    stage.scheduler.after(forMs, () => stage.partitions.heal(one, other));
  }
}
