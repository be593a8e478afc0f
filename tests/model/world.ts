// One state of the modelled world: a few integers, and what each of them stands for.
// Must not say what may happen next.
import { parseShardId, type ShardId, type SlotId } from "../../router/ids.ts";
import type { Finding, MoveHistory, SlotPicture } from "../../router/move-invariants.ts";
import { FIRST_OWNER, NEVER_HELD, type Ownership } from "../../router/ownership.ts";
import { noHints, type RouteHints } from "../../router/route-hints.ts";
import { parseShardMap, type ShardMap } from "../../router/shard-map.ts";
import type { Placement } from "../../router/slot.ts";
import type { MoveOutcome, RunnerView } from "../../router/slot-move.ts";
import type { SlotMove } from "../../router/slot-stand.ts";
import type { MoveEpoch, OwnershipEvent } from "../../router/slot-transition.ts";
import { layOut, type Schema } from "./content.ts";
import { Coverage } from "./coverage.ts";
import { Interner, PairMemo } from "./interning.ts";
import { EMPTY_SET, NumberSets } from "./number-sets.ts";
import type { Protocol } from "./protocol.ts";
import type { Feature, Scope } from "./scope.ts";

/** A statement or request on its way. It may arrive at any time, more than once, or never. */
export type Message =
  | { readonly kind: "event"; readonly at: number; readonly event: OwnershipEvent }
  | { readonly kind: "page"; readonly at: number; readonly run: string; readonly cell: number; readonly value: number }
  | { readonly kind: "write"; readonly at: number; readonly write: number; readonly judgedEpoch: number }
  /** A request whose connection was cut: a worker holds it, and nobody waits for the answer. */
  | { readonly kind: "request"; readonly at: number; readonly write: number }
  | { readonly kind: "clean-up"; readonly at: number; readonly of: MoveEpoch };

/** What has really happened, which nobody in the model can see. */
export interface Truth {
  /** For each key the write that a reader should see, 0 for none. */
  readonly registers: readonly number[];
  /** Bits by write number. */
  readonly applied: number;
  readonly refused: number;
  /** Who owned the slot at each epoch. */
  readonly owners: readonly (readonly [epoch: number, shard: ShardId])[];
  /** By move. */
  readonly outcomes: readonly MoveHistory["outcome"][];
}

/** A planned move. */
export interface PlannedMove {
  readonly move: SlotMove;
  readonly runsUsed: number;
  readonly reported: MoveOutcome | null;
}

/** What the catalog knows: moves, and the owner by each version of the map from 1 on. */
export interface CatalogState {
  readonly moves: readonly PlannedMove[];
  readonly maps: readonly ShardId[];
}

/** A client with its edge. `hints` is a number of `World.hints`. */
export interface ClientState {
  readonly position: number;
  readonly sent: { readonly at: number; readonly judgedEpoch: number } | null;
  /** Whether an earlier attempt of this operation may have been applied. */
  readonly isDoubtful: boolean;
  /** What the shard at work on the request has seen: its own columns by their number, and what the destination said since. */
  readonly asked: { readonly at: number; readonly own: number; readonly seen: "own" | "beyond" | "own-again" } | null;
  readonly hints: number;
}

/** A runner at work. */
export interface RunnerState {
  readonly move: number;
  readonly view: RunnerView;
  readonly work:
    | { readonly kind: "none" }
    | { readonly kind: "copying"; readonly cell: number }
    | { readonly kind: "reconciling"; readonly source: number | null };
}

/** Where the words of a state lie. */
export interface Layout {
  readonly content: number;
  readonly pool: number;
  readonly truth: number;
  readonly catalog: number;
  readonly clients: number;
  readonly runners: number;
  readonly width: number;
}

const PLACEMENT: Placement = { kind: "range", stripes: 1 };
export const SLOT = "aa" as SlotId;

/** Everything that states of one search share. */
export class World {
  readonly scope: Scope;
  readonly protocol: Protocol;
  readonly schema: Schema;
  readonly layout: Layout;
  readonly shards: readonly ShardId[];
  readonly coverage = new Coverage();
  readonly ownerships = new Interner<Ownership>(nameOfOwnership);
  readonly messages = new Interner<Message>((message) => JSON.stringify(message));
  readonly pools = new NumberSets();
  readonly truths = new Interner<Truth>(nameOfTruth);
  readonly catalogs = new Interner<CatalogState>((catalog) => JSON.stringify(catalog));
  readonly clients = new Interner<ClientState>(nameOfClient);
  readonly runners = new Interner<RunnerState | null>((runner) => this.#nameOfRunner(runner));
  readonly hints = new Interner<RouteHints>(nameOfHints);
  readonly transitions = new PairMemo<number>();
  readonly spent = new PairMemo<boolean>();
  readonly changes = new PairMemo<readonly Finding[]>();
  readonly columnFindings = new Map<number, readonly Finding[]>();

  constructor(scope: Scope, protocol: Protocol) {
    this.scope = scope;
    this.protocol = protocol;
    this.schema = layOut(scope);
    this.layout = layoutOf(scope);
    this.shards = Array.from({ length: scope.shards }, (_, index) => parseShard(`shard-${index}`));
    // No runner has the number 0, which a new state is full of.
    this.runners.numberOf(null);
  }

  has(feature: Feature): boolean {
    return this.scope.features.has(feature);
  }

  shardAt(index: number): ShardId {
    const shard = this.shards[index];
    if (shard === undefined) throw new Error(`broken assumption: no shard ${index}`);
    return shard;
  }

  indexOf(shard: ShardId | null): number {
    return shard === null ? -1 : this.shards.indexOf(shard);
  }

  ownership(state: Int32Array, shard: number): Ownership {
    return this.ownerships.valueOf(word(state, shard));
  }

  content(state: Int32Array, shard: number): number {
    return word(state, this.layout.content + shard);
  }

  truth(state: Int32Array): Truth {
    return this.truths.valueOf(word(state, this.layout.truth));
  }

  catalog(state: Int32Array): CatalogState {
    return this.catalogs.valueOf(word(state, this.layout.catalog));
  }

  setTruth(state: Int32Array, change: Partial<Truth>): void {
    state[this.layout.truth] = this.truths.numberOf({ ...this.truth(state), ...change });
  }

  setCatalog(state: Int32Array, change: Partial<CatalogState>): void {
    state[this.layout.catalog] = this.catalogs.numberOf({ ...this.catalog(state), ...change });
  }

  send(state: Int32Array, message: Message): void {
    const { pool } = this.layout;
    state[pool] = this.pools.with(word(state, pool), this.messages.numberOf(message));
  }

  unsend(state: Int32Array, message: number): void {
    const { pool } = this.layout;
    state[pool] = this.pools.without(word(state, pool), message);
  }

  /** The map of that version, from 1. */
  mapOf(catalog: CatalogState, version: number): ShardMap {
    const ranges = [{ start: "", shard: catalog.maps[version - 1] }];
    const map = parseShardMap(
      { collection: "products", version, parent: version - 1, ranges },
      { placement: PLACEMENT, shards: null },
    );
    if (!map.ok) throw new Error(map.detail);
    return map.value;
  }

  /** What the invariants look at. */
  picture(state: Int32Array): SlotPicture {
    const { outcomes } = this.truth(state);
    return {
      copies: this.shards.map((shard, index) => ({
        shard,
        ownership: this.ownership(state, index),
        content: String(this.content(state, index)),
      })),
      moves: this.catalog(state).moves.map(({ move, reported }, index) => ({
        move,
        outcome: outcomes[index] ?? "open",
        isReported: reported !== null,
      })),
    };
  }

  firstState(): Int32Array {
    const state = new Int32Array(this.layout.width);
    const [first] = this.shards;
    if (first === undefined) throw new Error("broken assumption: no shards");
    const unclaimed = this.has("claim");
    for (const index of this.shards.keys()) state[index] = this.ownerships.numberOf(NEVER_HELD);
    if (!unclaimed) state[0] = this.ownerships.numberOf(FIRST_OWNER);
    state[this.layout.content] = this.schema.initial;
    state[this.layout.pool] = EMPTY_SET;
    const registers = Array.from({ length: this.scope.keys }, (_, key) =>
      this.scope.preloaded ? this.schema.writes.length + 1 + key : 0,
    );
    const owners = unclaimed ? [] : [[FIRST_OWNER.epoch, first] as const];
    state[this.layout.truth] = this.truths.numberOf({ registers, applied: 0, refused: 0, owners, outcomes: [] });
    state[this.layout.catalog] = this.catalogs.numberOf({ moves: [], maps: [first] });
    const map = this.mapOf(this.catalog(state), 1);
    const hints = this.hints.numberOf({ ...noHints(PLACEMENT), map });
    const client = this.clients.numberOf({ position: 0, sent: null, isDoubtful: false, asked: null, hints });
    state.fill(client, this.layout.clients, this.layout.runners);
    if (unclaimed) this.send(state, { kind: "event", at: 0, event: { kind: "claim" } });
    return state;
  }

  #nameOfRunner(runner: RunnerState | null): string {
    if (runner === null) return "";
    const { view, work, move } = runner;
    const source = view.source === null ? -1 : this.ownerships.numberOf(view.source);
    const destination = view.destination === null ? -1 : this.ownerships.numberOf(view.destination);
    const run = `${view.run?.token}/${view.run?.use}`;
    const { destination: to, source: from, epoch } = view.move;
    const rest = `${view.latest}|${view.copied}|${view.agreedDigest}|${epoch}|${from}|${to}`;
    return `${move}|${view.goal}|${source}|${destination}|${run}|${rest}|${nameOfWork(work)}`;
  }
}

/** A word of a state. */
export function word(state: Int32Array, index: number): number {
  const value = state[index];
  if (value === undefined) throw new Error(`broken assumption: no word ${index}`);
  return value;
}

/** A shard id from a name that the model made. */
function parseShard(name: string): ShardId {
  const shard = parseShardId(name);
  if (!shard.ok) throw new Error(shard.detail);
  return shard.value;
}

function layoutOf(scope: Scope): Layout {
  const content = scope.shards;
  const pool = content + scope.shards;
  const clients = pool + 3;
  const runners = clients + scope.clients.length;
  return { content, pool, truth: pool + 1, catalog: pool + 2, clients, runners, width: runners + scope.runners };
}

function nameOfOwnership({ state, epoch, move, run, to, digest }: Ownership): string {
  return `${state}|${epoch}|${move}|${run}|${to}|${digest}`;
}

function nameOfTruth({ registers, applied, refused, owners, outcomes }: Truth): string {
  return `${registers.join()}|${applied}|${refused}|${owners.join()}|${outcomes.join()}`;
}

function nameOfClient({ position, sent, isDoubtful, asked, hints }: ClientState): string {
  const work = asked === null ? "" : `${asked.at}/${asked.own}/${asked.seen}`;
  return `${position}|${sent === null ? "" : `${sent.at}/${sent.judgedEpoch}`}|${isDoubtful}|${work}|${hints}`;
}

function nameOfWork(work: RunnerState["work"]): string {
  if (work.kind === "none") return "";
  return work.kind === "copying" ? `copy ${work.cell}` : `reconcile ${work.source}`;
}

function nameOfHints({ map, learned, settled }: RouteHints): string {
  return JSON.stringify([map?.version, map?.ranges, [...learned], [...settled]]);
}
