/**
 * Drives one move at its destination: several slots at once, until each of them has ended, then the map and the catalog are told.
 * Where it goes on after a crash is in the slots' columns, nowhere else. It must not decide a step of a slot's move.
 */

import { parseProgress } from "../../router/move-progress.ts";
import type { MapRules } from "../../router/shard-map.ts";
import type { MoveGoal, MoveOutcome } from "../../router/slot-move.ts";
import { destinationStand, type Stage, stageOf } from "../../router/slot-stand.ts";
import type { Author, Catalog, Move } from "../catalog/port.ts";
import { describeError, type Logger } from "../log.ts";
import type { Peers } from "../peers/port.ts";
import type { Store } from "../store/port.ts";
import type { MoveCourtesy } from "./courtesy.ts";
import { CutoverGate } from "./cutover-gate.ts";
import { publishMoved } from "./map-publication.ts";
import { type MovingSlot, slotsOfMove } from "./move-slots.ts";
import { MoveSync } from "./move-sync.ts";
import { MoveTally } from "./move-tally.ts";
import { RateLimit } from "./rate-limit.ts";
import { type RunnerWorld, runSlot, type SlotEnd, sleepUntilAborted } from "./slot-runner.ts";
import { localSide, remoteSide } from "./slot-side.ts";

/** What driving a move stands on. */
export interface MoveDriverOptions extends RunnerWorld {
  readonly store: Pick<Store, "ownership" | "setOwnership" | "ownerships" | "slotPage" | "fillSlot">;
  readonly peers: Pick<Peers, "ownership" | "slots" | "rows" | "send" | "sendForRows" | "announce">;
  readonly catalog: Pick<Catalog, "move" | "updateMove" | "current" | "publish">;
  readonly rules: MapRules;
  readonly courtesy: MoveCourtesy;
  readonly log: Logger;
  /** Who the catalog's audit trail shall say it was. */
  readonly actor: string;
  /** Whether another slot may be begun: false while nobody knows whether the lease is still there. */
  readonly mayBegin: () => boolean;
  /** Ends the driving; slots that are fenced are brought through. */
  readonly signal: AbortSignal;
}

/** Slots of one move between fence and decision, however many are copied at once: two would only wait for each other. */
const CUTOVERS_AT_ONCE = 1;

/** How often the catalog is told and asked, in milliseconds. */
const SYNC_MS = 1000;

/** How long a slot rests whose run gave up, in milliseconds: another runner was there; a store has to be mended by people. */
const REST_MS = {
  "taken-over": 1000,
  "store-lost": 10_000,
  "nothing-to-help": 1000,
  interrupted: 0,
  failed: 10_000,
} as const;

/** First and longest pause when the end of a move cannot be told to the catalog, in milliseconds. */
const TELL_MS_FIRST = 500;
const TELL_MS_MAX = 10_000;

/** How long to sleep when there is nothing to begin, in milliseconds. */
const IDLE_MS = 100;

/**
 * Drives the move to its end, or until the signal aborts. Rejects with an `Error` when the move cannot be driven at all: it does not fit
 * the collection.
 */
export async function driveMove(options: MoveDriverOptions, move: Move): Promise<void> {
  await new MoveDriver(options, move).drive();
}

interface DrivenSlot extends MovingSlot {
  outcome: MoveOutcome | null;
  isActive: boolean;
  notBeforeMs: number;
}

class MoveDriver {
  readonly #options: MoveDriverOptions;
  readonly #slots: readonly DrivenSlot[];
  readonly #byPrefix: ReadonlyMap<string, readonly DrivenSlot[]>;
  readonly #tally: MoveTally;
  readonly #sync: MoveSync;
  readonly #limit: RateLimit;
  readonly #cutovers = new CutoverGate(CUTOVERS_AT_ONCE);
  readonly #over = new AbortController();
  /** Ends all runs: the signal has aborted, or the move has been ended by somebody else. */
  readonly #ending = new AbortController();
  /** Ends the runs that finish slots: also when the move is to be aborted. */
  readonly #finishing = new AbortController();
  readonly #runs = new Set<Promise<void>>();
  #onRunEnd: () => void = () => undefined;
  /** Every slot before this one has ended. */
  #firstOpen = 0;

  constructor(options: MoveDriverOptions, move: Move) {
    this.#options = options;
    const slots = slotsOfMove(move, options.rules.placement);
    this.#slots = slots.map((slot) => ({ ...slot, outcome: null, isActive: false, notBeforeMs: 0 }));
    this.#byPrefix = Map.groupBy(this.#slots, ({ prefix }) => prefix);
    const earlier = parseProgress(move.progress);
    this.#tally = new MoveTally(slots.length, earlier.ok ? earlier.value : null, options.clock.nowMs());
    this.#sync = new MoveSync({ ...options, author: () => this.#author() }, move);
    this.#limit = new RateLimit(options.clock, move.settings);
    this.#tally.limits(move.settings);
  }

  async drive(): Promise<void> {
    const { signal } = this.#options;
    const stop = (): void => {
      this.#ending.abort();
      this.#finishing.abort();
    };
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    const syncing = this.#keepInSync();
    try {
      await this.#scan();
      await this.#driveSlots();
      await Promise.all(this.#runs);
      if (!signal.aborted && this.#sync.isLive) await this.#tellEnd();
    } finally {
      signal.removeEventListener("abort", stop);
      this.#over.abort();
      await syncing;
    }
  }

  /** What has ended already, seen in one question to each side. Without an answer each slot is looked at by itself. */
  async #scan(): Promise<void> {
    const { peers, store, log } = this.#options;
    const { move } = this.#sync;
    try {
      const weigh = this.#tally.isUnplanned;
      const source = await peers.slots(move.from, { ...rangeOf(move), weigh });
      const own = await store.ownerships(
        move.collection,
        this.#slots.map(({ address }) => address.slot),
      );
      this.#tally.recount();
      for (const [index, slot] of this.#slots.entries()) {
        const there = source[index];
        const here = own[index];
        if (there?.slot !== slot.address.slot || here === undefined) continue;
        const outcome = ENDED[stageOf(slot.move, there.ownership, here)];
        if (outcome !== undefined) this.#end(slot, outcome, null);
      }
      if (weigh) this.#tally.plan(source.reduce((sum, { rows = 0 }) => sum + rows, 0));
    } catch (error) {
      this.#tally.recount();
      this.#tally.trouble(`${move.from} does not tell of its slots`, this.#options.clock.nowMs());
      log("warn", "source-silent", { move: move.id, ...describeError(error) });
    }
  }

  async #keepInSync(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#over.signal.aborted) {
      await this.#sync.exchange(this.#tally.progress(clock.nowMs()));
      this.#adopt();
      await sleepUntilAborted(clock, SYNC_MS, this.#over.signal);
    }
    if (this.#sync.isLive) await this.#sync.exchange(this.#tally.progress(clock.nowMs()));
  }

  /** What an operator has changed. */
  #adopt(): void {
    const { settings, state } = this.#sync.move;
    this.#limit.change(settings);
    this.#tally.limits(settings);
    if (state !== "running") this.#finishing.abort();
    if (!this.#sync.isLive) this.#ending.abort();
  }

  async #driveSlots(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted && this.#sync.isLive && this.#hasOpen()) {
      const begun = this.#hasRoom() ? this.#begin() : null;
      if (begun !== null) this.#runs.add(begun);
      else await this.#restUntilEnd();
      begun?.finally(() => this.#noteEnd(begun)).catch(() => undefined);
    }
  }

  /** Until a run has ended, or for a moment: a race with the runs themselves would leave something at each, and they may last for days. */
  async #restUntilEnd(): Promise<void> {
    const ended = Promise.withResolvers<void>();
    this.#onRunEnd = ended.resolve;
    await Promise.race([ended.promise, this.#options.clock.sleep(IDLE_MS)]);
  }

  #noteEnd(run: Promise<void>): void {
    this.#runs.delete(run);
    this.#onRunEnd();
  }

  #hasOpen(): boolean {
    while (this.#firstOpen < this.#slots.length && this.#slots[this.#firstOpen]?.outcome !== null) this.#firstOpen += 1;
    return this.#firstOpen < this.#slots.length;
  }

  #hasRoom(): boolean {
    return this.#runs.size < this.#sync.move.settings.parallel && this.#options.mayBegin();
  }

  /** The next piece of work, begun; null when nothing can be begun now. */
  #begin(): Promise<void> | null {
    const nowMs = this.#options.clock.nowMs();
    const isRunning = this.#sync.move.state === "running";
    for (let index = this.#firstOpen; index < this.#slots.length; index += 1) {
      const slot = this.#slots[index];
      if (slot === undefined || slot.outcome !== null || slot.isActive || slot.notBeforeMs > nowMs) continue;
      if (isRunning) return this.#run(slot, "finish");
      const stripes = this.#stripesOf(slot);
      if (!stripes.some(({ isActive }) => isActive)) return this.#writeOff(stripes);
    }
    return null;
  }

  #stripesOf({ prefix }: DrivenSlot): readonly DrivenSlot[] {
    return this.#byPrefix.get(prefix) ?? [];
  }

  /**
   * Aborts the stripes of one prefix one after the other, or finishes the rest of them when one is decided. Those that are sealed come
   * first: anybody may decide them at any moment.
   */
  async #writeOff(stripes: readonly DrivenSlot[]): Promise<void> {
    const open = stripes.filter(({ outcome }) => outcome === null);
    for (const slot of open) slot.isActive = true;
    try {
      const { collection } = this.#sync.move;
      const own = await this.#options.store.ownerships(
        collection,
        open.map(({ address }) => address.slot),
      );
      const stands = new Map(open.map((slot, index) => [slot, own[index] && destinationStand(slot.move, own[index])]));
      const isSealed = (slot: DrivenSlot): boolean => stands.get(slot) === "sealed";
      const ordered = [...open.filter(isSealed), ...open.filter((slot) => !isSealed(slot))];
      const isDecided = (slot: DrivenSlot): boolean => slot.outcome === "decided" || stands.get(slot) === "owner";
      for (const slot of ordered) await this.#run(slot, stripes.some(isDecided) ? "finish" : "abort");
    } catch (error) {
      const { clock, log } = this.#options;
      for (const slot of open) slot.notBeforeMs = clock.nowMs() + REST_MS.failed;
      this.#tally.trouble(messageOf(error), clock.nowMs());
      log("warn", "abort-failed", { move: this.#sync.move.id, ...describeError(error) });
    } finally {
      for (const slot of open) slot.isActive = false;
    }
  }

  async #run(slot: DrivenSlot, goal: MoveGoal): Promise<void> {
    const { slot: id } = slot.address;
    slot.isActive = true;
    const isAborting = this.#sync.move.state !== "running";
    this.#tally.begin(id, isAborting && goal === "abort" ? "aborting" : "copying");
    try {
      this.#settle(slot, await this.#runSlot(slot, goal));
    } catch (error) {
      this.#rest(slot, REST_MS.failed, messageOf(error));
      this.#options.log("error", "slot-run-failed", { slot: id, ...describeError(error) });
    } finally {
      slot.isActive = false;
      this.#tally.left(id);
    }
  }

  #runSlot(slot: DrivenSlot, goal: MoveGoal): Promise<SlotEnd> {
    const { store, peers, clock, courtesy } = this.#options;
    const { address, move } = slot;
    const isAborting = this.#sync.move.state !== "running";
    return runSlot({
      ...this.#options,
      ...{ address, move, goal },
      sides: { source: remoteSide(peers, move.source, address), destination: localSide(store, address) },
      copying: {
        store,
        courtesy,
        limit: this.#limit,
        cutovers: this.#cutovers,
        onCopying: () => this.#tally.copying(address.slot),
        onCopied: (copied) => this.#tally.copied(address.slot, copied),
      },
      onFenced: () => this.#tally.fenced(address.slot),
      onSettled: (destination) => void peers.announce(move.source, address, destination),
      onTrouble: (detail) => this.#tally.trouble(`slot ${address.slot}: ${detail}`, clock.nowMs()),
      // What is being written off is not to be interrupted for that.
      signal: isAborting ? this.#ending.signal : this.#finishing.signal,
    });
  }

  #settle(slot: DrivenSlot, end: SlotEnd): void {
    if (end.kind === "end") return this.#end(slot, end.outcome, end.pauseMs);
    const isLost = end.reason === "store-lost";
    if (isLost) this.#options.log("error", "store-lost", { slot: slot.address.slot, detail: end.detail });
    this.#rest(slot, REST_MS[end.reason], isLost ? end.detail : null);
  }

  #rest(slot: DrivenSlot, durationMs: number, trouble: string | null): void {
    const nowMs = this.#options.clock.nowMs();
    Object.assign(slot, { notBeforeMs: nowMs + durationMs } satisfies Partial<DrivenSlot>);
    if (trouble !== null) this.#tally.trouble(`slot ${slot.address.slot}: ${trouble}`, nowMs);
  }

  #end(slot: DrivenSlot, outcome: MoveOutcome, pauseMs: number | null): void {
    Object.assign(slot, { outcome } satisfies Partial<DrivenSlot>);
    this.#tally.ended(slot.address.slot, outcome, pauseMs);
  }

  /** Map first: whoever hears that the move is done finds it there. */
  async #tellEnd(): Promise<void> {
    const { catalog, clock, signal, log, rules } = this.#options;
    const prefixes = [...this.#byPrefix].filter(([, slots]) => slots.every(({ outcome }) => outcome === "decided"));
    const isWhole = this.#slots.every(({ outcome }) => outcome === "decided");
    for (let pauseMs = TELL_MS_FIRST; !signal.aborted; pauseMs = Math.min(pauseMs * 2, TELL_MS_MAX)) {
      try {
        // A runner that slept through the end of its move must not publish what was true once.
        await this.#sync.exchange(this.#tally.progress(clock.nowMs()));
        if (!this.#sync.isLive) return;
        const moved = new Set(prefixes.map(([prefix]) => prefix));
        await publishMoved({ catalog, rules, author: () => this.#author() }, this.#sync.move, moved);
        if (await this.#sync.finish(isWhole ? "done" : "aborted", this.#tally.progress(clock.nowMs()))) return;
      } catch (error) {
        log("warn", "move-end-untold", { move: this.#sync.move.id, ...describeError(error) });
      }
      await sleepUntilAborted(clock, pauseMs, signal);
    }
  }

  #author(): Author {
    const { actor, newToken, clock } = this.#options;
    return { actor, writer: newToken(), atMs: clock.nowMs() };
  }
}

/** Stages that are the end of a slot's move. */
const ENDED: Readonly<Partial<Record<Stage, MoveOutcome>>> = { decided: "decided", aborted: "aborted", over: "over" };

function rangeOf({ collection, start, end }: Move) {
  return { collection, start, end };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
