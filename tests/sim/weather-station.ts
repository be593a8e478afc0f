// How long things take and what goes wrong with them, now: the scenario's weather until the world is calm.
// Must not know what the things are.
import type { Coverage } from "../model/coverage.ts";
import type { Weather } from "./scenario.ts";
import type { Scheduler } from "./scheduler.ts";

/** Longest delay when nothing is wrong any more, in milliseconds. */
const CALM_DELAY_MS = 2;

/** How late something may come, in usual delays: for the next step, for the end of the slot's move, for a later move. */
const LATE_BY = [4, 20, 40, 100] as const;

type Sizes =
  | "usualMs"
  | "slowPart"
  | "slowMsMax"
  | "heldMsMax"
  | "sealMsMax"
  | "veryLatePart"
  | "veryLateMsMax"
  | "copiesMax";

/** What goes wrong or does not. */
type Mishap = Exclude<keyof Weather, Sizes>;

/** Asked for each message and each storage operation. */
export class WeatherStation {
  readonly #scheduler: Scheduler;
  readonly #weather: Weather;
  readonly #coverage: Coverage;
  #isCalm = false;

  constructor(scheduler: Scheduler, weather: Weather, coverage: Coverage) {
    this.#scheduler = scheduler;
    this.#weather = weather;
    this.#coverage = coverage;
  }

  /** From now on nothing fails. */
  calm(): void {
    this.#isCalm = true;
  }

  get isCalm(): boolean {
    return this.#isCalm;
  }

  delayMs(): number {
    const { random } = this.#scheduler;
    const usualMs = (random.below(1000) / 1000) * (this.#isCalm ? CALM_DELAY_MS : this.#weather.usualMs);
    if (this.#isCalm || !random.chance(this.#weather.slowPart)) return usualMs;
    this.#coverage.add("fault: slow");
    return usualMs + random.below(this.#weather.slowMsMax);
  }

  /** How much longer than anything else a change of ownership columns takes, in milliseconds. */
  heldMs({ isSeal }: { readonly isSeal: boolean }): number {
    const { random } = this.#scheduler;
    const { heldPart, heldMsMax, sealMsMax } = this.#weather;
    if (isSeal && sealMsMax > 0 && !this.#isCalm) return random.below(sealMsMax);
    return heldPart > 0 && this.happens("heldPart") ? random.below(heldMsMax) : 0;
  }

  /** How late something comes that was given up, or comes twice, in milliseconds. */
  lateMs(): number {
    const { random } = this.#scheduler;
    const { usualMs, slowMsMax, veryLatePart, veryLateMsMax } = this.#weather;
    if (veryLatePart > 0 && random.chance(veryLatePart)) {
      this.#coverage.add("fault: very late");
      return random.below(veryLateMsMax);
    }
    return random.below(random.chance(0.3) ? slowMsMax : usualMs * random.pick(LATE_BY));
  }

  /** How late each copy comes of something that may come twice, in milliseconds; mostly there is none. */
  copiesMs(...kinds: readonly Mishap[]): readonly number[] {
    if (!kinds.some((kind) => this.happens(kind))) return [];
    const { copiesMax } = this.#weather;
    const count = copiesMax > 1 ? 1 + this.#scheduler.random.below(copiesMax) : 1;
    return Array.from({ length: count }, () => this.lateMs());
  }

  happens(kind: Mishap): boolean {
    if (this.#isCalm || !this.#scheduler.random.chance(this.#weather[kind])) return false;
    this.#coverage.add(`fault: ${kind.replace("Part", "")}`);
    return true;
  }
}
