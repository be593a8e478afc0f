// An operator: plans moves from what catalog and shards say, aborts, reverses, throttles. Nothing has to stay alive for a move.
// Must not drive a move.
import type { ShardId } from "../../router/ids.ts";
import { planTransfer, targetMove } from "../../router/move-plan.ts";
import type { KeyRange } from "../../router/range.ts";
import type { Author, Move, MoveChange } from "../../shards/catalog/port.ts";
import type { Peers } from "../../shards/peers/port.ts";
import type { Life } from "./life.ts";
import type { OperatorAction } from "./scenario.ts";
import type { SimCatalog } from "./sim-catalog.ts";
import type { Stage } from "./stage.ts";
import { NARROW, shardName, type Town, WIDE } from "./town.ts";

/** What an operator stands on. */
export interface OperatorOptions {
  readonly stage: Stage;
  readonly town: Town;
  readonly life: Life;
  readonly catalog: SimCatalog;
  readonly peers: Peers;
}

/** So often is something tried that fails. */
const ATTEMPTS_MAX = 6;
const PAUSE_MS = 150;

/** Throttled so that a tiny move takes a moment. */
const SLOW_ROWS = 25;

/** Lives as long as the run. */
export class SimOperator {
  readonly #options: OperatorOptions;
  #open: number;

  constructor(options: OperatorOptions, actions: readonly OperatorAction[]) {
    this.#options = options;
    this.#open = actions.length;
    for (const action of actions) options.life.after(action.atMs, () => void this.#act(action));
  }

  get isDone(): boolean {
    return this.#open === 0;
  }

  /** Has all live moves aborted, whatever it takes. */
  async abortAll(): Promise<void> {
    await this.#trying(() => this.#change(() => ({ state: "aborting" })));
  }

  async #act(action: OperatorAction): Promise<void> {
    const { stage } = this.#options;
    stage.say(() => `operator: ${JSON.stringify(action)}`);
    const isDone = await this.#trying(() => this.#do(action));
    stage.coverage.add(`operator: ${action.kind} ${isDone ? "done" : "given up"}`);
    this.#open -= 1;
  }

  #do(action: OperatorAction): Promise<boolean> {
    switch (action.kind) {
      case "move":
        return this.#move(action.isWide ? WIDE : NARROW, shardName(action.to));
      case "reverse":
        return this.#reverse();
      case "abort":
        return this.#change(() => ({ state: "aborting" }));
      case "throttle":
        return this.#change(({ settings }) => ({ settings: { ...settings, rowsPerSecond: SLOW_ROWS } }));
      default:
        return action satisfies never;
    }
  }

  async #trying(work: () => Promise<boolean>): Promise<boolean> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const isDone = await work().catch(() => false);
      if (isDone) return true;
      await this.#options.life.clock.sleep(PAUSE_MS);
    }
    return false;
  }

  async #move(range: KeyRange, to: ShardId): Promise<boolean> {
    const { stage, town, catalog, peers } = this.#options;
    const { scenario } = stage;
    const map = await catalog.current(town.collection.name);
    if (map === null) return false;
    const rules = { placement: town.collection.placement, shards: town.shardSet };
    const target = targetMove(map, { ...range, to }, rules);
    if (!target.ok) return false;
    const asked = { ...range, collection: town.collection.name, weigh: false };
    const [source, destination] = await Promise.all([peers.slots(target.value.from, asked), peers.slots(to, asked)]);
    const plan = planTransfer(target.value, { source, destination, freeBytes: null });
    if (!plan.ok) return false;
    const { collection, start, end, from, parent, epochs } = plan.value;
    const { parallel, retentionMs, rowsPerSecond } = scenario;
    const settings = { parallel, retentionMs, rowsPerSecond, bytesPerSecond: null };
    const intent = { id: stage.newToken(), collection, start, end, from, to, parent, epochs, settings };
    const creation = await catalog.createMove(intent, this.#author());
    return creation.kind === "created";
  }

  async #reverse(): Promise<boolean> {
    const [latest] = await this.#options.catalog.moves(null, { limit: 1, state: "done" });
    return latest !== undefined && this.#move(latest, latest.from);
  }

  /** All live moves; whether there was one. */
  async #change(change: (move: Move) => Omit<MoveChange, "expectedRevision">): Promise<boolean> {
    const { catalog } = this.#options;
    const moves = await catalog.moves(null, { limit: 100, state: "running" });
    for (const move of moves) await this.#changeOne(move, change);
    return moves.length > 0;
  }

  async #changeOne(first: Move, change: (move: Move) => Omit<MoveChange, "expectedRevision">): Promise<void> {
    let move = first;
    for (let attempt = 0; attempt < ATTEMPTS_MAX && move.state === "running"; attempt += 1) {
      const wanted = { ...change(move), expectedRevision: move.revision };
      const update = await this.#options.catalog.updateMove(move.id, wanted, this.#author());
      if (update.kind === "changed") return;
      move = update.current;
    }
  }

  #author(): Author {
    const { stage, life } = this.#options;
    return { actor: "operator", writer: stage.newToken(), atMs: life.clock.nowMs() };
  }
}
