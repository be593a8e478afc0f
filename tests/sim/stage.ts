// What all parts of one simulated world share: time, chance, weather, what is counted, written down and found.
// Must not hold a part of the world.
import type { Finding } from "../../router/move-invariants.ts";
import { Coverage } from "../model/coverage.ts";
import { Partitions } from "./partitions.ts";
import type { Scenario } from "./scenario.ts";
import { Scheduler } from "./scheduler.ts";
import { WeatherStation } from "./weather-station.ts";

/** Lives as long as the run. */
export class Stage {
  readonly scenario: Scenario;
  readonly scheduler: Scheduler;
  readonly coverage = new Coverage();
  readonly station: WeatherStation;
  readonly partitions = new Partitions();
  readonly findings: Finding[] = [];
  readonly lines: string[] = [];
  readonly isTraced: boolean;
  #tokens = 0;
  #ticks = 0;

  constructor(scenario: Scenario, { isTraced }: { readonly isTraced: boolean }) {
    this.scenario = scenario;
    this.isTraced = isTraced;
    this.scheduler = new Scheduler(scenario.seed);
    this.station = new WeatherStation(this.scheduler, scenario.weather, this.coverage);
  }

  /** A UUID that the run has not used. */
  readonly newToken = (): string => {
    this.#tokens += 1;
    return `00000000-0000-4000-8000-${this.#tokens.toString(16).padStart(12, "0")}`;
  };

  /** The order in which things happened to clients: each call is later than the one before. */
  tick(): number {
    this.#ticks += 1;
    return this.#ticks;
  }

  /** A line of the trace; `text` is made only when there is one. */
  say(text: () => string): void {
    if (this.isTraced) this.lines.push(`${this.scheduler.elapsedMs().toFixed(3).padStart(10)} ms ${text()}`);
  }

  /** Findings of one kind of check. */
  find(findings: readonly Finding[]): void {
    for (const finding of findings) {
      this.findings.push(finding);
      this.say(() => `BROKEN ${finding.invariant}: ${finding.detail}`);
    }
  }
}
