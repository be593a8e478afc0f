// Runs one group of the matrix on real processes: every cell's move is brought to its moment and stands there, all of them meet one crash,
// then it goes on as the group says, and everything is judged. Must not decide what is right.
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { changeMove } from "../../cli/moves/find-move.ts";
import { hasEnded } from "../../cli/moves/watch-move.ts";
import type { MoveLife } from "../../router/slot-diagnosis.ts";
import type { Catalog } from "../../shards/catalog/port.ts";
import { createShardClient } from "../e2e/shard-client.ts";
import { isAlive } from "../e2e/shard-process.ts";
import { until } from "../faults/patience.ts";
import { CellClient, type Clients } from "./cell-client.ts";
import {
  allowedEnds,
  type Columns,
  isAbortStep,
  isRunnerDead,
  judgeDiagnosis,
  judgeEnd,
  ownerOf,
} from "./cell-verdict.ts";
import type { Group } from "./cells.ts";
import { readHits } from "./control.ts";
import { CrashLog } from "./crash-log.ts";
import { CrashPair, type Databases, DESTINATION, type ShardName, SOURCE } from "./crash-pair.ts";
import { visitDoctor } from "./doctor-visit.ts";
import { forgetFences } from "./forgotten-fence.ts";
import type { PlantedBug } from "./planted-bugs.ts";
import type { ReplyTrap } from "./reply-trap.ts";
import { PRODUCTS, RunningCell } from "./running-cell.ts";

/** How long all cells may take to come to their moments, and all moves to end, in milliseconds. */
const STAND_MS_MAX = 60_000;
const END_MS_MAX = 60_000;

/** What a run of a group has found. Faults of no cell are under its own name. */
export interface GroupFound {
  readonly faults: ReadonlyMap<string, readonly string[]>;
  readonly general: readonly string[];
  readonly steps: number;
  readonly durationMs: number;
  /** Times of its phases in milliseconds, for people. */
  readonly phases: string;
}

/** How a group is run. `endMsMax`: how long moves are waited for. */
export interface GroupOptions {
  readonly planted?: PlantedBug;
  readonly endMsMax?: number;
  /** Told of the pair as soon as there is one, for whoever has to clean up at last. */
  readonly onPair?: (pair: CrashPair) => void;
  /** Where both stores are in a database: the ways to it. */
  readonly databases?: Databases;
  readonly traps?: Readonly<Record<ShardName, ReplyTrap>>;
}

/** Runs it. Rejects when the run itself is broken; what is wrong with the product is in the result. */
export async function runGroup(group: Group, options: GroupOptions = {}): Promise<GroupFound> {
  const startedMs = performance.now();
  const log = new CrashLog();
  const cells = group.cells.map((cell) => new RunningCell(cell));
  const pair = await CrashPair.start({
    cells: cells.map(({ planned }) => planned),
    planted: options.planted ?? null,
    databases: options.databases ?? null,
    onLine: (line) => log.take(line),
  });
  options.onPair?.(pair);
  const clients: Clients = {
    [SOURCE]: createShardClient(pair.origins[SOURCE], 256),
    [DESTINATION]: createShardClient(pair.origins[DESTINATION], 256),
  };
  try {
    const catalog = await pair.files.openCatalog();
    try {
      const run = new GroupRun({ group, options, log, cells, pair, catalog, clients });
      await run.run();
      return { ...run.found(), durationMs: performance.now() - startedMs };
    } finally {
      await catalog.close();
    }
  } finally {
    for (const cell of cells) await cell.client?.stop();
    for (const client of Object.values(clients)) await client.close();
    await pair.destroy();
  }
}

interface World {
  readonly group: Group;
  readonly options: GroupOptions;
  readonly log: CrashLog;
  readonly cells: readonly RunningCell[];
  readonly pair: CrashPair;
  readonly catalog: Catalog;
  readonly clients: Clients;
}

class GroupRun {
  readonly #world: World;
  readonly #general: string[] = [];
  readonly #phases: string[] = [];
  #runners: ReadonlySet<number> = new Set();

  constructor(world: World) {
    this.#world = world;
  }

  async run(): Promise<void> {
    await this.#timed("prepare", () => this.#prepare());
    await this.#timed("stand", () => this.#bringToMoments());
    await this.#timed("strike", () => this.#strike());
    await this.#timed("look", () => this.#look());
    await this.#timed("go on", () => this.#goOn());
    await this.#timed("end", () => this.#end());
    await this.#timed("judge", () => this.#judge());
  }

  async #timed(phase: string, work: () => Promise<void>): Promise<void> {
    const startedMs = performance.now();
    await work().catch((error: unknown) => {
      throw new Error(`${phase}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    });
    this.#phases.push(`${phase} ${Math.round(performance.now() - startedMs)}`);
  }

  found(): Omit<GroupFound, "durationMs"> {
    const { cells, log } = this.#world;
    const { conformance, broken } = log.trace;
    const faults = new Map(
      cells.map(({ cell, faults: own, place, client }) => {
        const all = [...own, ...(client?.faults ?? [])];
        return [cell.name, all.length === 0 ? all : [...all, `steps of its runners:\n${log.stepsOf(place.slot)}`]];
      }),
    );
    return {
      faults,
      general: [...this.#general, ...conformance.faults, ...broken],
      steps: conformance.steps,
      phases: this.#phases.join(", "),
    };
  }

  async #prepare(): Promise<void> {
    const { cells, clients, catalog } = this.#world;
    await Promise.all(
      cells.map(async (running) => {
        running.client = new CellClient(running.cell.prefix, clients, this.#endMsMax);
        await running.client.prepare();
        running.client.start();
      }),
    );
    for (const { cell, intent } of cells) {
      const created = await catalog.createMove(intent, author());
      if (created.kind !== "created") throw new Error(`broken assumption: ${created.kind} for ${cell.name}`);
    }
  }

  /** Leases come last: whoever stands at one takes no more moves. */
  async #bringToMoments(): Promise<void> {
    const { cells, pair, catalog, log } = this.#world;
    pair.tell({ leases: "first" });
    const held = cells.filter(({ planned }) => planned.hold !== null);
    await this.#untilHit("hold", held);
    await Promise.all(held.filter(({ isHeldForWrites }) => isHeldForWrites).map(({ user }) => user.writeLate()));
    for (const { cell, planned } of held) if (isAbortStep(cell)) await startAbort(catalog, planned.move);
    pair.tell({ released: held.map(({ cell }) => cell.name) });
    await this.#untilHit(
      "moment",
      cells.filter(({ cell }) => cell.step !== "lease"),
    );
    pair.tell({ leases: "first-all" });
    await this.#untilHit("moment", cells);
    // Whoever stands before its lease drives nothing yet, and where the source stands the runner waits for it.
    const atDestination = readHits(pair.folder).filter(({ shard }) => shard === DESTINATION);
    const drivers = cells.flatMap(({ planned }) => log.driverOf(planned.move) ?? []);
    this.#runners = new Set([...atDestination.map(({ pid }) => pid), ...drivers]);
  }

  async #untilHit(kind: "hold" | "moment", cells: readonly RunningCell[]): Promise<void> {
    const { pair, log } = this.#world;
    const missing = (): readonly RunningCell[] => {
      const hit = new Set(readHits(pair.folder).flatMap((each) => (each.kind === kind ? [each.cell] : [])));
      return cells.filter(({ cell }) => !hit.has(cell.name));
    };
    await until(() => missing().length === 0, "", STAND_MS_MAX).catch(() => {
      const shown = missing().map(({ cell, place }) => `${cell.name}\n${log.stepsOf(place.slot)}`);
      throw new Error(`never came to their ${kind}:\n${shown.join("\n")}`);
    });
  }

  async #strike(): Promise<void> {
    const { group, pair } = this.#world;
    const runners = this.#runners;
    if (this.#trap !== null) return this.#trap.shut();
    const isStopped = group.finish === "takeover";
    if (isStopped) await pair.freeze(runners);
    switch (group.victim) {
      case "source":
        return pair.kill(SOURCE);
      case "destination":
        return pair.kill(DESTINATION, isStopped ? runners : new Set());
      case "runner":
        return isStopped ? undefined : pair.killWorkers(runners);
      case "catalog":
        return pair.tell({ isCatalogAway: true });
      case "source-store":
      case "destination-store":
        throw new Error("broken assumption: a store that is struck has a trap");
      default:
        throw new Error(`broken assumption: victim ${String(group.victim satisfies never)}`);
    }
  }

  /** The columns that the crash has left, before anybody may go on. */
  async #look(): Promise<void> {
    const { group, cells, pair } = this.#world;
    if (this.#world.options.planted === "forgotten-fence") forgetFences(pair.files.dataOf(SOURCE));
    const found = await this.#columns();
    for (const [index, running] of cells.entries()) {
      const left = found[index];
      if (left === undefined) throw new Error("broken assumption: columns of every cell");
      running.left = left;
      const life: MoveLife = { kind: "idle", isAborting: group.finish === "abort" || isAbortStep(running.cell) };
      running.faults.push(...judgeDiagnosis(running.place, left, life));
    }
  }

  async #goOn(): Promise<void> {
    const { group, cells, pair, catalog } = this.#world;
    const { victim, finish } = group;
    if (finish === "abort") for (const { planned } of cells) await startAbort(catalog, planned.move);
    pair.tell({ isStruck: true });
    if (this.#trap !== null) await this.#loseReplies(this.#trap);
    if (finish === "takeover") pair.absorb(6);
    if (victim === "source") await pair.restart(SOURCE);
    if (victim === "destination") await pair.restart(DESTINATION);
    if (victim === "catalog") await this.#catalogComesBack();
    if (isRunnerDead(victim, finish)) await this.#askDoctor();
    if (finish !== "resume") for (const { planned } of cells) await takeLeaseAway(catalog, planned.move);
    pair.tell({ leases: "everybody" });
  }

  /** What stands between the shard that is struck and its database. */
  get #trap(): ReplyTrap | null {
    const { group, options } = this.#world;
    if (group.victim === "source-store") return options.traps?.[SOURCE] ?? null;
    return group.victim === "destination-store" ? (options.traps?.[DESTINATION] ?? null) : null;
  }

  /** Every statement has had its effect, and nobody who sent one has been told. */
  async #loseReplies(trap: ReplyTrap): Promise<void> {
    const { group, cells, pair, log } = this.#world;
    const before = new Map(cells.map(({ place }) => [place.slot, log.lostOf(place.slot)]));
    const haveEffect = async (): Promise<boolean> => {
      const now = await this.#columns();
      return cells.every(
        ({ cell, left }, index) => cell.step.endsWith("-fill") || !isDeepStrictEqual(left, now[index]),
      );
    };
    await until(haveEffect, "every statement has had its effect", this.#endMsMax);
    if (group.finish === "takeover") await pair.stopAnywhere(this.#runners);
    else {
      const isLost = ({ place: { slot } }: RunningCell): boolean => log.lostOf(slot) > (before.get(slot) ?? 0);
      await until(() => cells.every(isLost), "every runner misses its answer", this.#endMsMax);
    }
    trap.mend();
  }

  async #catalogComesBack(): Promise<void> {
    const { log, pair } = this.#world;
    const silences = () => log.count("catalog-silent") + log.count("mover-catalog-silent") + log.count("lease-failed");
    const before = silences();
    await until(() => silences() > before, "somebody misses the catalog");
    pair.tell({ isCatalogAway: false });
  }

  async #askDoctor(): Promise<void> {
    const { pair, catalog, cells } = this.#world;
    const faults = await visitDoctor(pair.files, catalog, PRODUCTS);
    for (const { place, faults: own } of cells) own.push(...(faults.get(place.slot) ?? []));
    this.#general.push(...(faults.get("") ?? []));
  }

  async #end(): Promise<void> {
    const { group, cells, pair, log } = this.#world;
    await until(async () => (await this.#live()).size === 0, "", this.#endMsMax).catch(() => undefined);
    const live = await this.#live();
    for (const { planned, faults } of cells) if (live.has(planned.move)) faults.push("its move does not end");
    if (group.finish !== "takeover") return;
    await Promise.all(
      cells.map(({ user, faults }) => user.settle().catch((error: unknown) => void faults.push(String(error)))),
    );
    pair.wake(this.#runners);
    const isAtRest = (pid: number): boolean => log.openRunners(pid) === 0 || !isAlive(pid);
    await until(() => [...this.#runners].every(isAtRest), "the first runners have ended", END_MS_MAX);
    const woke = new Set(readHits(pair.folder).flatMap(({ kind, cell }) => (kind === "woke" ? [cell] : [])));
    for (const { cell, faults } of cells) if (!woke.has(cell.name)) faults.push("its first runner has not woken up");
  }

  get #endMsMax(): number {
    return this.#world.options.endMsMax ?? END_MS_MAX;
  }

  async #live(): Promise<ReadonlySet<string>> {
    const { catalog } = this.#world;
    const states = ["running", "aborting"] as const;
    const pages = await Promise.all(states.map((state) => catalog.moves(null, { limit: 1000, state })));
    return new Set(pages.flat().map(({ id }) => id));
  }

  /** Every client has read and written once more before it ends. */
  async #judge(): Promise<void> {
    const { group, cells, catalog } = this.#world;
    const counts = cells.map(({ user }) => user.count);
    const isOn = (): boolean =>
      cells.every(({ user }, index) => user.faults.length > 0 || user.count > (counts[index] ?? 0) + 1);
    await until(isOn, "", this.#endMsMax).catch(() => this.#general.push("some clients are still waiting"));
    await Promise.all(cells.map(({ user }) => user.stop()));
    const map = await catalog.current(PRODUCTS);
    if (map === null) throw new Error("broken assumption: there is a map");
    const found = await this.#columns();
    for (const [index, running] of cells.entries()) {
      const { cell, planned, place, left, user } = running;
      const columns = found[index];
      if (columns === undefined || left === null) throw new Error("broken assumption: columns of every cell");
      const allowed = allowedEnds({ cell, group, left, move: place.move });
      const move = await catalog.move(planned.move);
      running.faults.push(...judgeEnd({ cell, columns, move, map, allowed }));
      const owner = ownerOf(columns);
      if (owner !== null) await user.judge(owner, running.isHeldForWrites ? "written-late" : "not-written-late");
    }
  }

  async #columns(): Promise<readonly Columns[]> {
    const { cells, pair } = this.#world;
    const slots = cells.map(({ place }) => place.slot);
    const read = async (shard: ShardName) => {
      const store = await pair.files.openStore(shard);
      const found = await store.ownerships(PRODUCTS, slots);
      await store.close();
      return found;
    };
    const [source, destination] = [await read(SOURCE), await read(DESTINATION)];
    return slots.flatMap((_, index) => {
      const [here, there] = [source[index], destination[index]];
      return here === undefined || there === undefined ? [] : [{ source: here, destination: there }];
    });
  }
}

function author() {
  return { actor: "test", writer: randomUUID(), atMs: Date.now() };
}

/** As `zgate abort` does; a move that has ended cannot be aborted any more. */
async function startAbort(catalog: Catalog, id: string): Promise<void> {
  const move = await catalog.move(id);
  if (move !== null && !hasEnded(move)) await changeMove({ catalog, author }, id, () => ({ state: "aborting" }));
}

/** Whoever holds it is not asked. */
async function takeLeaseAway(catalog: Catalog, move: string): Promise<void> {
  const name = `move/${move}`;
  const lease = await catalog.acquireLease(name, { holder: "test", nowMs: Date.now(), ttlMs: 1 });
  await catalog.releaseLease(name, lease.kind === "held" ? lease.holder : "test");
}
