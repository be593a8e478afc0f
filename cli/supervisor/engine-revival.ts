/**
 * An engine that has ended and that the instance can do without is started again: how often, after which pause, and what is
 * said of it. It must not know how an engine is started, nor end anything.
 */
import { errorLine } from "../failure.ts";

/** Before each attempt, in milliseconds. One that never serves for long has no more than these. */
const PAUSES_MS = [1_000, 5_000, 20_000] as const;
/** Who has served for this long begins with all attempts again. */
const SERVED_MS_MIN = 60_000;

/** What starting again needs. */
export interface RevivalOptions {
  /** Resolves when it serves. */
  readonly revive: (name: string) => Promise<void>;
  readonly pause: (pauseMs: number) => Promise<unknown>;
  readonly nowMs: () => number;
  /** Aborted when the instance ends: then nothing is begun or said any more. */
  readonly signal: AbortSignal;
  readonly onServing: (name: string) => void;
  readonly onWarning: (text: string) => void;
}

interface Life {
  attempts: number;
  servesSinceMs: number;
}

/** The revivals of one instance. */
export class EngineRevival {
  readonly #options: RevivalOptions;
  readonly #lives = new Map<string, Life>();

  constructor(options: RevivalOptions) {
    this.#options = options;
  }

  /** An engine has ended, as `text` says. Resolves when it serves again or is left alone; never rejects. */
  async begin(name: string, text: string): Promise<void> {
    const { signal, onWarning } = this.#options;
    if (signal.aborted) return;
    const life = this.#lifeOf(name);
    let said = text;
    while (life.attempts < PAUSES_MS.length) {
      onWarning(`${said}; it is started again`);
      const failure = await this.#attempt(name, life);
      if (signal.aborted) return;
      if (failure === null) {
        onWarning(`${name} serves again`);
        return;
      }
      said = failure;
    }
    onWarning(`${said}; it comes back at the next start`);
  }

  #lifeOf(name: string): Life {
    const nowMs = this.#options.nowMs();
    const known = this.#lives.get(name);
    if (known !== undefined && nowMs - known.servesSinceMs < SERVED_MS_MIN) return known;
    const life = { attempts: 0, servesSinceMs: nowMs };
    this.#lives.set(name, life);
    return life;
  }

  /** Null when it serves, else why it does not. */
  async #attempt(name: string, life: Life): Promise<string | null> {
    const { pause, revive, nowMs, onServing } = this.#options;
    const pauseMs = PAUSES_MS[life.attempts] ?? 0;
    life.attempts += 1;
    try {
      await pause(pauseMs);
      await revive(name);
    } catch (error) {
      return errorLine(error);
    }
    life.servesSinceMs = nowMs();
    onServing(name);
    return null;
  }
}
