// One run: builds the world of a scenario, lets it go, calms it down, ends all moves, and judges what happened.
// Must not depend on anything but the scenario.
import { everythingEnds } from "../../router/history-invariants.ts";
import { type Finding, finding, INVARIANTS, type InvariantId } from "../../router/move-invariants.ts";
import { FIRST_OWNER, NEVER_HELD } from "../../router/ownership.ts";
import { isLive } from "../../shards/catalog/move-record.ts";
import type { MoveTrace } from "../../shards/mover/move-trace.ts";
import { checkRegister } from "../history/check-register.ts";
import type { Operation } from "../history/operation.ts";
import { describeViolation } from "../history/violation-text.ts";
import type { Coverage } from "../model/coverage.ts";
import { CatalogData } from "./catalog-data.ts";
import { CrashPoints } from "./crash-points.ts";
import { Crew, FaultPlan, type Worker } from "./crews.ts";
import { Life } from "./life.ts";
import { Network } from "./network.ts";
import { Observer } from "./observer.ts";
import { installPlainResponse } from "./plain-response.ts";
import { CALM_MS, type Moment, type Scenario } from "./scenario.ts";
import { ShardData } from "./shard-data.ts";
import { ShardWorker } from "./shard-worker.ts";
import { createSimCatalog } from "./sim-catalog.ts";
import { SimClient } from "./sim-client.ts";
import { SimEdge } from "./sim-edge.ts";
import { SimOperator } from "./sim-operator.ts";
import { createSimPeers } from "./sim-peers.ts";
import { Stage } from "./stage.ts";
import { layOut, type Town } from "./town.ts";

/** What came of a run. `digest`: equal for two runs in which the same happened in the same order. */
export interface RunResult {
  readonly scenario: Scenario;
  readonly findings: readonly Finding[];
  readonly coverage: Coverage;
  readonly digest: number;
  readonly events: number;
  readonly operations: number;
  readonly elapsedMs: number;
  readonly lines: readonly string[];
}

/** How long everything may take to come to its end once nothing fails any more, in milliseconds. */
const ENDING_MS = 90_000;

/** Runs a scenario. Rejects only when the simulation itself is broken. */
export async function simulate(
  scenario: Scenario,
  options: { readonly isTraced: boolean } = { isTraced: false },
): Promise<RunResult> {
  const restore = installPlainResponse();
  try {
    const world = new World(new Stage(scenario, options));
    await world.run();
    return world.result();
  } finally {
    restore();
  }
}

class World {
  readonly #stage: Stage;
  readonly #town: Town;
  readonly #observer: Observer;
  readonly #data: readonly ShardData[];
  readonly #catalog: CatalogData;
  readonly #network: Network;
  readonly #shards: readonly Crew<ShardWorker>[];
  readonly #edges: Crew<SimEdge>;
  readonly #clients: readonly SimClient[];
  readonly #operator: SimOperator;
  readonly #faults: FaultPlan;
  readonly #crashPoints: CrashPoints;
  readonly #history: Operation[] = [];

  constructor(stage: Stage) {
    const { scenario, scheduler, station, partitions } = stage;
    const town = layOut(scenario);
    this.#stage = stage;
    this.#town = town;
    this.#observer = new Observer(stage);
    this.#data = town.shards.map((shard) => new ShardData(shard, this.#observer));
    this.#observer.watch(this.#data);
    this.#catalog = new CatalogData(town.collection.initialMap, ({ id, state }) => {
      stage.say(() => `catalog: move ${id.slice(-4)} is ${state}`);
      stage.coverage.add(`move is ${state}`);
    });
    this.#claim();
    this.#network = new Network({ scheduler, station, partitions, serverOf: (machine) => this.#serverOf(machine) });
    this.#crashPoints = new CrashPoints(stage, (shard, address) => this.#observer.ownershipAt(shard, address));
    this.#shards = town.shards.map((name, index) => {
      return new Crew(stage, name, { size: scenario.workers, start: (process) => this.#startWorker(process, index) });
    });
    this.#edges = new Crew(stage, "edge", { size: scenario.edges, start: (process) => this.#startEdge(process) });
    this.#clients = Array.from({ length: scenario.clients }, (_, index) => this.#startClient(index));
    this.#operator = new SimOperator(this.#operatorOptions(), scenario.actions);
    const onCrash = (life: Life): void => this.#crashPoints.crashed(life);
    const shards: readonly Crew<Worker>[] = this.#shards;
    const edges = this.#edges as unknown as Crew<{ readonly life: Life }>;
    this.#faults = new FaultPlan(
      { stage, shards, edges, onCrash, abort: () => void this.#operator.abortAll() },
      scenario.faults,
    );
  }

  async run(): Promise<void> {
    const { scheduler, station, partitions, scenario, findings } = this.#stage;
    const isBroken = (): boolean => findings.length > 0;
    const isQuiet = (): boolean => this.#clients.every(({ waitsFor }) => waitsFor === null) && this.#operator.isDone;
    await scheduler.run(() => isBroken() || isQuiet(), CALM_MS);
    this.#stage.say(() => "calm: nothing fails from here on");
    station.calm();
    partitions.healAll();
    let hasAborted = scenario.ending === "resume";
    if (!hasAborted) void this.#operator.abortAll().then(() => (hasAborted = true));
    const hasEnded = (): boolean => hasAborted && isQuiet() && !this.#hasLiveMove();
    await scheduler.run(() => isBroken() || hasEnded(), scheduler.elapsedMs() + ENDING_MS);
    if (isBroken()) return;
    this.#stage.find(everythingEnds([...(hasAborted ? [] : ["the abort of all moves"]), ...this.#listOpen()]));
    await this.#readAll();
    if (!isBroken()) this.#judge();
  }

  result(): RunResult {
    const { scenario, findings, coverage, scheduler, lines } = this.#stage;
    const [digest, events, elapsedMs] = [scheduler.digest(), scheduler.events(), scheduler.elapsedMs()];
    return { scenario, findings, coverage, digest, events, elapsedMs, operations: this.#history.length, lines };
  }

  /** The first owner has everything, as after the collection's creation. */
  #claim(): void {
    const { collection } = this.#town.collection.initialMap;
    for (const slot of this.#town.slots) this.#data[0]?.setOwnership({ collection, slot }, NEVER_HELD, FIRST_OWNER);
  }

  #serverOf(machine: string): ShardWorker | null {
    const alive = this.#shards[this.#town.shards.findIndex((shard) => shard === machine)]?.alive ?? [];
    return alive[this.#stage.scheduler.random.below(Math.max(1, alive.length))] ?? null;
  }

  #startWorker(name: string, index: number): ShardWorker {
    const [stage, town, catalog, network, observer] = [
      this.#stage,
      this.#town,
      this.#catalog,
      this.#network,
      this.#observer,
    ];
    const data = this.#data[index];
    if (data === undefined) throw new Error("broken assumption: every shard has its data");
    const life = new Life(name, stage.scheduler);
    const onStep = (step: MoveTrace): void => this.#stepTaken({ index, life }, step);
    return new ShardWorker({ stage, town, catalog, network, observer, life, data, onStep });
  }

  #stepTaken({ index, life }: { readonly index: number; readonly life: Life }, step: MoveTrace): void {
    const { coverage } = this.#stage;
    this.#stage.say(() => `${life.name} ${JSON.stringify(step)}`);
    coverage.add(`step: ${step.step}`);
    if (step.step === "reply-lost") coverage.add(`reply lost: ${step.event.kind}`);
    if (step.step === "start") coverage.add(`runner starts: ${step.goal}`);
    if (step.step === "end") coverage.add(`runner ends: ${step.outcome}`);
    if (step.step === "stop") coverage.add(`runner stops: ${step.reason}`);
    if (step.step === "end") this.#observer.ended(step, step.outcome);
    if (step.step === "send") this.#echo(step);
    this.#crashPoints.took(life, step);
    this.#faults.stepTaken(index, life);
    const moment = momentOf(step);
    if (moment !== null) this.#faults.reached(moment, life);
  }

  /** A statement at the destination comes once more, much later, as one to the source does on the wire. */
  #echo({ at, event, collection, slot }: Extract<MoveTrace, { readonly step: "send" }>): void {
    const { station, scheduler } = this.#stage;
    const copiesMs = at === "source" ? [] : station.copiesMs("doublingPart");
    if (copiesMs.length === 0) return;
    const to = "move" in event ? this.#catalog.move(event.move)?.to : undefined;
    const data = this.#data.find(({ shard }) => shard === to);
    for (const lateMs of copiesMs) scheduler.after(lateMs, () => data?.apply({ collection, slot }, event));
  }

  #startEdge(name: string): SimEdge {
    const [stage, town, network] = [this.#stage, this.#town, this.#network];
    const machine = name.replace(".", "-").split(".")[0] ?? name;
    return new SimEdge({ stage, town, network, life: new Life(name, stage.scheduler), machine });
  }

  #startClient(index: number): SimClient {
    const [stage, town, history] = [this.#stage, this.#town, this.#history];
    const name = `client-${index}`;
    const life = new Life(name, stage.scheduler);
    const client = new SimClient({ stage, town, history, name, life, edge: () => this.#edges.at(index) });
    void client.run(stage.scenario.operations);
    return client;
  }

  #operatorOptions() {
    const [stage, town, network] = [this.#stage, this.#town, this.#network];
    const { scheduler, station, partitions } = stage;
    const life = new Life("operator", scheduler);
    const from = "operator";
    const catalog = createSimCatalog({ life, from, data: this.#catalog, scheduler, station, partitions });
    return { stage, town, life, catalog, peers: createSimPeers({ stage, life, from, network }) };
  }

  #hasLiveMove(): boolean {
    return this.#catalog.moves({ limit: 1000 }).some(({ state }) => isLive(state));
  }

  /** What has not come to its end, for people. */
  #listOpen(): readonly string[] {
    const moves = this.#catalog.moves({ limit: 1000 }).filter(({ state }) => isLive(state));
    const waiting = this.#clients.flatMap(({ waitsFor }) => (waitsFor === null ? [] : [waitsFor]));
    const operators = this.#operator.isDone ? [] : ["what operators do"];
    return [...moves.map(({ id, state }) => `move ${id.slice(-4)}, ${state}`), ...waiting, ...operators];
  }

  /** Every key once more, so that what is there now has to fit to what was. */
  async #readAll(): Promise<void> {
    const [client] = this.#clients;
    if (client === undefined) return;
    const { scheduler } = this.#stage;
    let isDone = false;
    const reading = Promise.all(this.#town.addresses.map((address) => client.readInTheEnd(address)));
    void reading.then(() => {
      isDone = true;
    });
    await scheduler.run(() => isDone, scheduler.elapsedMs() + ENDING_MS);
    this.#stage.find(everythingEnds(isDone ? [] : ["the last reading of every key"]));
  }

  #judge(): void {
    const { name } = this.#town.collection;
    for (const slot of this.#town.slots) this.#observer.judgeEnd({ collection: name, slot });
    for (const [key, operations] of Map.groupBy(this.#history, (operation) => operation.key)) {
      const verdict = checkRegister(operations);
      if (verdict.kind === "violation") this.#stage.find([finding("I4", describeViolation(verdict.violation))]);
      if (verdict.kind === "too-complex") this.#stage.find([finding("I4", `${key}: too complex to judge`)]);
    }
  }
}

function momentOf(step: MoveTrace): Moment | null {
  if (step.step === "send") return step.event.kind;
  if (step.step === "start") return step.goal === "help" ? "help" : null;
  return step.step === "copy" || step.step === "reconcile" ? step.step : null;
}

/** An invariant in words. */
export function sentenceOf(invariant: InvariantId): string {
  return INVARIANTS[invariant];
}
