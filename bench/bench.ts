/**
 * What a bench is: a name, a sentence, and a run that yields measurements.
 * It must not choose which benches there are; main.ts does.
 */
import type { Databases } from "./databases.ts";
import type { Measurement } from "./measurement.ts";
import type { Processes } from "./processes.ts";

/** How long and how often. */
export interface Settings {
  /** Length of one run's window, in seconds. */
  readonly seconds: number;
  /** Runs of each side. */
  readonly runs: number;
  /** Worker processes of a shard, and of its bare counterpart. */
  readonly workers: number;
  /** First of ten ports on 127.0.0.1 that the servers take. */
  readonly firstPort: number;
  /** Least number of cutovers that a figure about pauses is made of. */
  readonly cutovers: number;
  /** Rows of the largest range whose move is timed. */
  readonly rowsMax: number;
}

/** What a bench may use. */
export interface BenchContext {
  readonly settings: Settings;
  readonly processes: Processes;
  /** Real ones, made when they are asked for. */
  readonly databases: Databases;
  /** An empty folder on the disk that the repository lies on; removed after the run. */
  readonly directory: string;
  /** Where what the load generators print is kept. */
  readonly log: string;
  readonly report: (line: string) => void;
  /** The file that products come from; null for the shipped sample. */
  readonly productsFile: string | null;
  /** Keeps a picture beside the results, and with the baseline in docs/. `name` is without its extension. */
  readonly draw: (name: string, svg: string) => void;
}

/** One bench. It stops what it started. */
export interface Bench {
  readonly name: string;
  readonly about: string;
  readonly run: (context: BenchContext) => Promise<readonly Measurement[]>;
}

/** Time before each window in which nothing counts: connections open and code gets compiled. */
export const WARM_UP_MS = 800;
