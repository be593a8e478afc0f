/**
 * What a move leaves to clients: its work comes in pieces, small ones while clients are about, and each piece is followed by a rest, longer
 * than the work then, and longer still while the process gets late to what it has to do. Nobody may rest after a fence: clients wait then.
 */
import type { Clock } from "../clock.ts";

/** Milliseconds that this process gets late to its work: about the latest of ten in the last moment. */
export interface LoadGauge {
  delayMs(): number;
}

/** What courtesy stands on. `monotonicMs`: from any fixed point. */
export interface CourtesyOptions {
  readonly clock: Pick<Clock, "sleep">;
  readonly monotonicMs: () => number;
  readonly load: LoadGauge;
  readonly traffic: { requestsPerSecond(): number };
  /** Whether the process stands still while its store works, as with SQLite. Else nothing waits for a piece, and large ones are cheaper. */
  readonly isStoreInside: boolean;
}

/** Rows of a piece: where nobody waits for it, where many clients may, and where among many some wait for its end. */
const PIECE_ROWS = 256;
const PIECE_ROWS_AMONG_CLIENTS = 32;
const PIECE_ROWS_IN_HURRY = 128;

/**
 * A rest is so many times as long as the work before it where there are many clients, and in proportion where there are few. The work of
 * a store elsewhere is mostly waiting.
 */
const REST_PER_WORK = { inside: 16, elsewhere: 4 };
const MANY_PER_SECOND = 50;

/** A delay of this many milliseconds is everyday life; each one beyond is answered by so many of rest. */
const DELAY_MS_FREE = 15;
const REST_PER_DELAY = 4;
/** But no rest is so many times longer than the work before it, or small pieces would never come to an end. */
const REST_PER_WORK_MAX = 40;

/** Longest rest in milliseconds, and longest sleep before the signal is looked at again. */
const REST_MS_MAX = 400;
const SLEEP_MS_MAX = 100;

/** Resolves when work may go on, or the signal aborts. */
export type Rest = (signal: AbortSignal | null) => Promise<void>;

/** One for all moves of a process, so that many at once take no more than one. */
export class Courtesy {
  readonly #options: CourtesyOptions;
  /** When all rests so far are over. */
  #restsUntilMs = 0;

  constructor(options: CourtesyOptions) {
    this.#options = options;
  }

  /** How many rows the next piece of work may have. */
  pieceRows(): number {
    if (!this.#options.isStoreInside) return PIECE_ROWS;
    return Math.round(PIECE_ROWS - (PIECE_ROWS - PIECE_ROWS_AMONG_CLIENTS) * this.#crowd());
  }

  /** No rests and not the smallest pieces, for work that somebody waits for. */
  inHurry(): MoveCourtesy {
    const pieceRows = (): number => Math.max(this.pieceRows(), PIECE_ROWS_IN_HURRY);
    return { ...NO_COURTESY, pieceRows, inHurry: () => this.inHurry() };
  }

  /** A piece of work begins; the rest is to be taken when it has ended. */
  begin(): Rest {
    const { monotonicMs } = this.#options;
    const beganAtMs = monotonicMs();
    return (signal) => this.#rest(monotonicMs() - beganAtMs, signal);
  }

  /** From 0, no clients, to 1, many. */
  #crowd(): number {
    return Math.min(1, this.#options.traffic.requestsPerSecond() / MANY_PER_SECOND);
  }

  async #rest(workMs: number, signal: AbortSignal | null): Promise<void> {
    const { clock, monotonicMs, load, isStoreInside } = this.#options;
    const restPerWork = isStoreInside ? REST_PER_WORK.inside : REST_PER_WORK.elsewhere;
    const lateMs = Math.max(0, load.delayMs() - DELAY_MS_FREE);
    const wantedMs = Math.max(workMs * restPerWork * this.#crowd(), lateMs * REST_PER_DELAY);
    const restMs = Math.min(REST_MS_MAX, workMs * REST_PER_WORK_MAX, wantedMs);
    if (restMs < 1) return;
    const nowMs = monotonicMs();
    this.#restsUntilMs = Math.min(Math.max(this.#restsUntilMs, nowMs), nowMs + REST_MS_MAX) + restMs;
    for (let leftMs = this.#restsUntilMs - nowMs; leftMs > 0 && signal?.aborted !== true; leftMs -= SLEEP_MS_MAX) {
      await clock.sleep(Math.min(leftMs, SLEEP_MS_MAX));
    }
  }
}

/** What those need who do a move's work. */
export type MoveCourtesy = Pick<Courtesy, "begin" | "pieceRows" | "inHurry">;

/** Large pieces and no rests. */
export const NO_COURTESY: MoveCourtesy = {
  begin: () => () => Promise.resolve(),
  pieceRows: () => PIECE_ROWS,
  inHurry: () => NO_COURTESY,
};
