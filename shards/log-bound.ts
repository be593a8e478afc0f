/**
 * A bound on log lines that come in floods: of each kind at most one a second.
 * It must not be given kinds that clients can choose: it remembers all of them.
 */
import type { Clock } from "./clock.ts";
import type { LogFields } from "./log.ts";

const PAUSE_MS = 1_000;

interface Kind {
  readonly writtenAtMs: number;
  readonly leftOut: number;
}

/** Lines of several kinds. */
export class LogBound {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #kinds = new Map<string, Kind>();

  constructor(clock: Pick<Clock, "nowMs">) {
    this.#clock = clock;
  }

  /** Has the line written or leaves it out. `fields` say how many of the kind were left out since the last one, if any were. */
  write(kind: string, line: (fields: LogFields) => void): void {
    const nowMs = this.#clock.nowMs();
    const { writtenAtMs, leftOut } = this.#kinds.get(kind) ?? { writtenAtMs: Number.NEGATIVE_INFINITY, leftOut: 0 };
    const pauseMs = nowMs - writtenAtMs;
    // A clock that was put back must not silence anything until it has caught up.
    if (pauseMs >= 0 && pauseMs < PAUSE_MS) {
      this.#kinds.set(kind, { writtenAtMs, leftOut: leftOut + 1 });
      return;
    }
    this.#kinds.set(kind, { writtenAtMs: nowMs, leftOut: 0 });
    line(leftOut === 0 ? {} : { leftOut });
  }
}
