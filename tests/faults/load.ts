/**
 * The load of a run: processes of clients, so that one can be killed while the others go on, and what they have counted.
 * It must not look into the history.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { FAULT_KEYS, type KeyNames } from "./key-set.ts";
import type { EdgeAccess, LoadCommand, LoadOrder, LoadReport } from "./load-message.ts";

/** A run's load. */
export interface LoadOptions {
  readonly seed: number;
  readonly processes: number;
  readonly clientsPerProcess: number;
  readonly configText: string;
  readonly origins: Readonly<Record<string, string>>;
  readonly signingKeys: string;
  /** Where the history files go. */
  readonly directory: string;
  /** Keys, where they are not those of the fault tests. */
  readonly keyNames?: KeyNames;
  /** Mean pause between two operations of a client, in milliseconds; none if not given. */
  readonly thinkMs?: number;
  /** The program of a process of clients, where it is not the fault tests' own. */
  readonly program?: string;
  /** Edges for those processes of clients that go over them. */
  readonly edges?: EdgeAccess;
}

const PROGRAM = new URL("load-process.ts", import.meta.url).pathname;

interface Member {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
  report: LoadReport;
}

/** Lives as long as the run. */
export class Load {
  readonly #options: LoadOptions;
  readonly #members: Member[] = [];
  readonly #running = new Set<Member>();
  readonly files: string[] = [];
  #isStopping = false;
  /** Deaths that nobody asked for. */
  readonly deaths: string[] = [];

  constructor(options: LoadOptions) {
    this.#options = options;
    for (let started = 0; started < options.processes; started += 1) this.#start();
  }

  /** Everything counted so far, by label. */
  counts(): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const { report } of this.#members) {
      for (const [label, count] of Object.entries(report.counts)) sums.set(label, (sums.get(label) ?? 0) + count);
    }
    return sums;
  }

  /** How many operations were counted under labels that begin so. */
  count(label: string): number {
    return [...this.counts()].reduce((sum, [name, count]) => (name.startsWith(label) ? sum + count : sum), 0);
  }

  /** Operations that ended with more than a refusal. */
  answered(): number {
    const { read, write, list } = { read: this.count("read "), write: this.count("write "), list: this.count("list") };
    return read + write + list - this.count("write refused");
  }

  oddities(): readonly string[] {
    return this.#members.flatMap(({ report }) => report.oddities);
  }

  setClocks(offsetsMs: readonly number[]): void {
    this.#tell({ type: "clocks", offsetsMs });
  }

  /** SIGKILL to a process of clients in the middle of what they do; another one takes its place. */
  async killOne(): Promise<void> {
    const [victim] = this.#running;
    if (victim === undefined) throw new Error("broken assumption: the load is running");
    this.#running.delete(victim);
    victim.child.kill("SIGKILL");
    await victim.exited;
    this.#start();
  }

  /** Ends after every client's present operation. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#tell({ type: "stop" });
    await Promise.all([...this.#running].map(({ exited }) => exited));
  }

  /** At once, whatever is under way. */
  destroy(): void {
    this.#isStopping = true;
    for (const { child } of this.#running) child.kill("SIGKILL");
  }

  #start(): void {
    const { seed, clientsPerProcess, configText, origins, signingKeys } = this.#options;
    const number = this.#members.length;
    const historyFile = join(this.#options.directory, `history-${number}.jsonl`);
    // There even if its process dies before it has written anything.
    writeFileSync(historyFile, "");
    const order: LoadOrder = {
      ...{ configText, origins, signingKeys, historyFile },
      name: `p${number}`,
      number,
      keyNames: this.#options.keyNames ?? FAULT_KEYS,
      thinkMs: this.#options.thinkMs ?? 0,
      keySeed: seed,
      seed: seed + 1000 * (number + 1),
      clients: clientsPerProcess,
      edges: this.#options.edges ?? null,
    };
    const child = fork(this.#options.program ?? PROGRAM, [JSON.stringify(order)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const exited = once(child, "exit");
    const member: Member = { child, exited, report: { counts: {}, oddities: [] } };
    child.on("message", (message) => {
      member.report = message as LoadReport;
    });
    void exited.then(([code]) => {
      if (this.#running.delete(member) && !this.#isStopping) this.deaths.push(`p${number} ended with ${String(code)}`);
    });
    this.files.push(historyFile);
    this.#members.push(member);
    this.#running.add(member);
  }

  #tell(command: LoadCommand): void {
    for (const { child } of this.#running) child.send(command);
  }
}
