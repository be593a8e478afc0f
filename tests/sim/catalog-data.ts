// What lies in the catalog: maps, moves, leases, and what a repeated change finds. Moves are judged by the product's rules.
// Must not wait or fail; sim-catalog.ts does.
import type { ShardMap } from "../../router/shard-map.ts";
import {
  decideChange,
  isLive,
  isWanted,
  type MoveRecord,
  overlaps,
  repeatCreation,
  startMove,
} from "../../shards/catalog/move-record.ts";
import {
  type Author,
  CatalogError,
  type LeaseOutcome,
  type LeaseRequest,
  type Move,
  type MoveChange,
  type MoveCreation,
  type MoveIntent,
  type MovesPage,
  type MoveUpdate,
  type PublishOutcome,
} from "../../shards/catalog/port.ts";

/** One collection's. Lives as long as the run. */
export class CatalogData {
  readonly #maps: { readonly map: ShardMap; readonly writer: string }[] = [];
  readonly #moves = new Map<string, MoveRecord>();
  readonly #leases = new Map<string, { readonly holder: string; readonly untilMs: number }>();
  readonly #onMove: (move: Move) => void;

  /** `onMove` hears of each move as it is created and changed. */
  constructor(first: ShardMap, onMove: (move: Move) => void) {
    this.#maps.push({ map: first, writer: "first" });
    this.#onMove = onMove;
  }

  current(): ShardMap {
    const last = this.#maps.at(-1);
    if (last === undefined) throw new Error("broken assumption: there is a first map");
    return last.map;
  }

  publish(map: ShardMap, { writer }: Author): PublishOutcome {
    if (this.#maps.some((known) => known.map.version === map.version && known.writer === writer)) {
      return { kind: "published" };
    }
    const current = this.current();
    if (map.parent !== current.version) return { kind: "conflict", current };
    this.#maps.push({ map, writer });
    return { kind: "published" };
  }

  /** `mayOverlap` is asked when another move of these slots is live. */
  createMove(intent: MoveIntent, author: Author, mayOverlap: () => boolean): MoveCreation {
    const known = this.#moves.get(intent.id);
    if (known !== undefined) return repeatCreation(known, author);
    const current = this.current();
    if (current.version !== intent.parent) return { kind: "map-changed", current: current.version };
    const other = this.moves({ limit: 1000 }).find((move) => isLive(move.state) && overlaps(move, intent));
    if (other !== undefined && !mayOverlap()) return { kind: "overlaps", move: other };
    const record = startMove(intent, author);
    this.#keep(record);
    return { kind: "created", move: record.move };
  }

  updateMove(id: string, change: MoveChange, author: Author): MoveUpdate {
    const record = this.#moves.get(id);
    if (record === undefined) throw new CatalogError(`there is no move ${id}`);
    const decision = decideChange(record, change, author);
    switch (decision.kind) {
      case "conflict":
        return { kind: "conflict", current: record.move };
      case "forgotten":
        throw new CatalogError("too many changes since", { kind: "outcome-unknown" });
      case "repetition":
        return { kind: "changed", move: record.move };
      case "change":
        this.#keep(decision.next);
        return { kind: "changed", move: decision.next.move };
      default:
        return decision satisfies never;
    }
  }

  move(id: string): Move | null {
    return this.#moves.get(id)?.move ?? null;
  }

  /** Newest first. */
  moves({ limit, state, after }: MovesPage): readonly Move[] {
    const all = [...this.#moves.values()].map(({ move }) => move).reverse();
    const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
    const wanted = all.slice(from).filter((move) => isWanted(state, move.state));
    return wanted.slice(0, limit);
  }

  acquireLease(name: string, { holder, nowMs, ttlMs }: LeaseRequest): LeaseOutcome {
    const lease = this.#leases.get(name);
    if (lease !== undefined && lease.holder !== holder && lease.untilMs > nowMs) return { kind: "held", ...lease };
    const untilMs = nowMs + ttlMs;
    this.#leases.set(name, { holder, untilMs });
    return { kind: "acquired", untilMs };
  }

  releaseLease(name: string, holder: string): void {
    if (this.#leases.get(name)?.holder === holder) this.#leases.delete(name);
  }

  #keep(record: MoveRecord): void {
    this.#moves.set(record.move.id, record);
    this.#onMove(record.move);
  }
}
