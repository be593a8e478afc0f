/**
 * What `zgate watch` says of the time that is left, noted while a move runs, and how wrong it was when its end is known.
 * It must not estimate anything: the view that people see does.
 */
import { addSample, type PaceSample, viewOf } from "../cli/moves/move-view.ts";
import type { Move } from "../shards/catalog/port.ts";

/** What was on the screen. Times in milliseconds, `atMs` since 1970; `etaMs` null when it did not say. */
export interface EtaNote {
  readonly atMs: number;
  readonly fraction: number;
  readonly etaMs: number | null;
}

/** Errors in percent, one for each note that counts. */
export interface EtaErrors {
  /** Of what the whole move took: by how much the end came earlier or later than told. */
  readonly ofWhole: readonly number[];
  /** Of the time that was left then. */
  readonly ofRest: readonly number[];
}

/** A screen is looked at so often. */
const LOOK_MS = 1000;
/** What is said before so much is done is a guess. */
const FRACTION_MIN = 0.1;
/** Progress is written once a second: nearer to the end than this, its age alone is more than a tenth of what is left. */
const REST_MS_MIN = 10_000;
/** Where nothing was said. */
const ALL_WRONG = 100;

/** Looks at one move from its beginning on. */
export class EtaRecord {
  #samples: readonly PaceSample[] = [];
  readonly #notes: EtaNote[] = [];

  /** As `watch` shows it at `nowMs`; calls in between are no look. */
  look(move: Move, nowMs: number): void {
    const last = this.#notes.at(-1);
    if (last !== undefined && nowMs - last.atMs < LOOK_MS) return;
    this.#samples = addSample(this.#samples, move);
    const { fraction, etaMs } = viewOf(move, this.#samples, nowMs);
    this.#notes.push({ atMs: nowMs, fraction, etaMs });
  }

  get notes(): readonly EtaNote[] {
    return this.#notes;
  }
}

/** How wrong the notes were about a move from `fromMs` to `toMs`. */
export function etaErrors(notes: readonly EtaNote[], { fromMs, toMs }: { fromMs: number; toMs: number }): EtaErrors {
  const counting = notes.filter(({ atMs, fraction }) => fraction >= FRACTION_MIN && atMs < toMs);
  const errorOf = ({ atMs, etaMs }: EtaNote, scaleMs: number): number =>
    etaMs === null ? ALL_WRONG : (100 * Math.abs(etaMs - (toMs - atMs))) / scaleMs;
  const early = counting.filter(({ atMs }) => toMs - atMs >= REST_MS_MIN);
  return {
    ofWhole: counting.map((note) => errorOf(note, toMs - fromMs)),
    ofRest: early.map((note) => errorOf(note, toMs - note.atMs)),
  };
}
