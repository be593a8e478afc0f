/**
 * A worker's part in moves: looks in the catalog for moves to this shard, takes their leases and drives them, as long as it holds them.
 * It must not take a lease for more than a hint: whoever believes to hold one may be wrong, and nothing depends on that.
 */
import type { CollectionConfig } from "../../config/config.ts";
import type { ShardId } from "../../router/ids.ts";
import type { Catalog, Move } from "../catalog/port.ts";
import { describeError } from "../log.ts";
import { driveMove, type MoveDriverOptions } from "./move-driver.ts";
import { sleepUntilAborted } from "./slot-runner.ts";

/** What an agent stands on. */
export interface MoverAgentOptions
  extends Omit<MoveDriverOptions, "catalog" | "rules" | "actor" | "mayBegin" | "signal"> {
  readonly shard: ShardId;
  readonly collections: ReadonlyMap<string, CollectionConfig>;
  /** Ids of all shards. */
  readonly shards: ReadonlySet<string>;
  readonly catalog: MoveDriverOptions["catalog"] & Pick<Catalog, "moves" | "acquireLease" | "releaseLease">;
}

/** How often the catalog is asked for moves, in milliseconds. */
const POLL_MS = 1000;

/** How long a lease holds, and how often it is renewed, in milliseconds. */
const LEASE_MS = 8000;
const RENEW_MS = 2000;

/** How long a move rests that could not be driven at all, in milliseconds. */
const REST_MS = 30_000;

/** Moves in one page of the catalog's list. */
const PAGE_MOVES = 100;

/** Polls and drives until `signal` aborts, then until all that was under way has ended. Never rejects. */
export async function runMoverAgent(options: MoverAgentOptions, signal: AbortSignal): Promise<void> {
  await new MoverAgent(options, signal).run();
}

class MoverAgent {
  readonly #options: MoverAgentOptions;
  readonly #signal: AbortSignal;
  readonly #holder: string;
  readonly #driven = new Map<string, Promise<void>>();
  readonly #restUntilMs = new Map<string, number>();
  #isSilent = false;

  constructor(options: MoverAgentOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#holder = `${options.shard} ${options.newToken()}`;
  }

  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      for (const move of await this.#findMoves()) await this.#take(move);
      await sleepUntilAborted(this.#options.clock, POLL_MS, this.#signal);
    }
    await Promise.all(this.#driven.values());
  }

  /** Live moves to this shard that nobody drives here. None when the catalog is away, which is said once. */
  async #findMoves(): Promise<readonly Move[]> {
    const { catalog, shard, clock, log } = this.#options;
    try {
      const live = await listLive(catalog);
      if (this.#isSilent) log("info", "mover-catalog-back");
      this.#isSilent = false;
      for (const id of this.#restUntilMs.keys()) if (!live.some((move) => move.id === id)) this.#restUntilMs.delete(id);
      const isFree = ({ id, to }: Move): boolean =>
        to === shard && !this.#driven.has(id) && (this.#restUntilMs.get(id) ?? 0) <= clock.nowMs();
      return live.filter(isFree);
    } catch (error) {
      if (!this.#isSilent) log("warn", "mover-catalog-silent", describeError(error));
      this.#isSilent = true;
      return [];
    }
  }

  async #take(move: Move): Promise<void> {
    const { catalog, clock, log } = this.#options;
    if (this.#signal.aborted) return;
    try {
      const request = { holder: this.#holder, nowMs: clock.nowMs(), ttlMs: LEASE_MS };
      const lease = await catalog.acquireLease(leaseOf(move), request);
      if (lease.kind === "held") return;
    } catch (error) {
      log("warn", "lease-failed", { move: move.id, ...describeError(error) });
      return;
    }
    const driving = this.#drive(move).finally(() => this.#driven.delete(move.id));
    this.#driven.set(move.id, driving);
  }

  /** Never rejects. */
  async #drive(found: Move): Promise<void> {
    const { catalog, collections, shards, log, clock } = this.#options;
    log("info", "move-taken", { move: found.id, collection: found.collection });
    const lease = new LeaseKeeper(this.#options, { move: found, holder: this.#holder, signal: this.#signal });
    const keeping = lease.keep();
    try {
      const collection = collections.get(found.collection);
      if (collection === undefined) throw new Error(`the configuration has no collection "${found.collection}"`);
      // It was read before the lease was there: somebody else may have ended it since.
      const move = await catalog.move(found.id);
      if (move === null) throw new Error(`the catalog has forgotten move ${found.id}`);
      const rules = { placement: collection.placement, shards };
      const { signal } = lease;
      const actor = `mover ${this.#options.shard}`;
      await driveMove({ ...this.#options, rules, actor, signal, mayBegin: () => lease.isFresh() }, move);
    } catch (error) {
      this.#restUntilMs.set(found.id, clock.nowMs() + REST_MS);
      log("error", "move-failed", { move: found.id, ...describeError(error) });
    }
    lease.end();
    await keeping;
    log("info", "move-left", { move: found.id });
  }
}

function leaseOf(move: Move): string {
  return `move/${move.id}`;
}

async function listLive(catalog: Pick<Catalog, "moves">): Promise<readonly Move[]> {
  const moves: Move[] = [];
  for (;;) {
    const last = moves.at(-1);
    const page = await catalog.moves(null, {
      limit: PAGE_MOVES,
      state: "live",
      ...(last === undefined ? {} : { after: last.id }),
    });
    moves.push(...page);
    if (page.length < PAGE_MOVES) return moves;
  }
}

interface Held {
  readonly move: Move;
  readonly holder: string;
  readonly signal: AbortSignal;
}

/** Renews a lease as long as its move is driven. Somebody else's lease ends the driving; a silent catalog only keeps it from growing. */
class LeaseKeeper {
  readonly #options: Pick<MoverAgentOptions, "catalog" | "clock" | "log">;
  readonly #held: Held;
  readonly #over = new AbortController();
  readonly #lost = new AbortController();
  #untilMs: number;

  constructor(options: Pick<MoverAgentOptions, "catalog" | "clock" | "log">, held: Held) {
    this.#options = options;
    this.#held = held;
    this.#untilMs = options.clock.nowMs() + LEASE_MS;
  }

  /** Aborts when the lease is lost, or the worker ends. */
  get signal(): AbortSignal {
    return AbortSignal.any([this.#held.signal, this.#lost.signal]);
  }

  isFresh(): boolean {
    return this.#options.clock.nowMs() < this.#untilMs;
  }

  end(): void {
    this.#over.abort();
  }

  /** Resolves after `end`, when the lease is given back. */
  async keep(): Promise<void> {
    const { catalog, clock, log } = this.#options;
    const { move, holder } = this.#held;
    while (!this.#over.signal.aborted && !this.#lost.signal.aborted) {
      await sleepUntilAborted(clock, RENEW_MS, this.#over.signal);
      if (!this.#over.signal.aborted) await this.#renew();
    }
    if (this.#lost.signal.aborted) return;
    try {
      await catalog.releaseLease(leaseOf(move), holder);
    } catch (error) {
      log("warn", "lease-failed", { move: move.id, ...describeError(error) });
    }
  }

  async #renew(): Promise<void> {
    const { catalog, clock, log } = this.#options;
    const { move, holder } = this.#held;
    const nowMs = clock.nowMs();
    try {
      const lease = await catalog.acquireLease(leaseOf(move), { holder, nowMs, ttlMs: LEASE_MS });
      if (lease.kind === "acquired") this.#untilMs = nowMs + LEASE_MS;
      else {
        log("warn", "lease-lost", { move: move.id, holder: lease.holder });
        this.#lost.abort();
      }
    } catch (error) {
      log("warn", "lease-failed", { move: move.id, ...describeError(error) });
    }
  }
}
