/**
 * All parts of one instance: started in waves, watched together, ended in the opposite order. It must not start
 * anything once the end has begun.
 */

import { displayPath } from "../data-directory.ts";
import { CliFailure } from "../failure.ts";
import { Part, type PartSpec } from "./part.ts";

/** What all parts stand on: there before the first of them, and after the last. */
export interface Foundation {
  /** Resolves to a failure when it is gone although nobody asked it to. */
  readonly died: Promise<CliFailure>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** Holds the processes of an instance from first to last. */
export class PartSet {
  /** Rejects with a `CliFailure` as soon as a part is gone that nobody asked to go. */
  readonly died: Promise<never>;
  readonly #onChange: (pids: readonly number[]) => void;
  #waves: (readonly Part[])[] = [];
  readonly #retired = new Set<Part>();
  #fail: (failure: CliFailure) => void = () => undefined;
  #foundation: Foundation | null = null;
  #isEnding = false;

  /** `onChange` hears the ids of all processes after each start. */
  constructor(onChange: (pids: readonly number[]) => void) {
    this.#onChange = onChange;
    this.died = new Promise((_, fail) => {
      this.#fail = fail;
    });
    // Nobody need listen: at an orderly end the parts go, too.
    this.died.catch(() => undefined);
  }

  /** Takes over what the parts stand on. It ends with them. */
  async standOn(foundation: Foundation): Promise<void> {
    if (this.#isEnding) {
      await foundation.kill();
      throw stoppedEarly();
    }
    this.#foundation = foundation;
    void foundation.died.then((failure) => this.#fail(failure));
  }

  /** Starts parts that are to be ended together. */
  start(specs: readonly PartSpec[]): readonly Part[] {
    if (this.#isEnding) throw stoppedEarly();
    const wave: Part[] = [];
    this.#waves.push(wave);
    for (const spec of specs) {
      const part = new Part(spec);
      wave.push(part);
      this.#onChange(this.#all.map(({ pid }) => pid));
      void part.ended.then((how) => {
        if (!this.#retired.has(part)) this.declareDead(part, how);
      });
    }
    return wave;
  }

  /** Ends parts that were needed for a while only. */
  async retire(parts: readonly Part[]): Promise<void> {
    for (const part of parts) this.#retired.add(part);
    await Promise.all(parts.map((part) => part.stop()));
    this.#waves = this.#waves.map((wave) => wave.filter((part) => !this.#retired.has(part)));
    this.#onChange(this.#all.map(({ pid }) => pid));
  }

  /** A part is gone, or as good as gone. `how` completes the sentence "… ended unexpectedly (how)". */
  declareDead(part: Part, how: string): void {
    const log = displayPath(part.logFile);
    this.#fail(new CliFailure(`${part.name} ended unexpectedly (${how}); its log is ${log}`));
  }

  /** Stops the last wave first, waits for it, then the one before. Bounded by the parts' own limits. */
  async end(): Promise<void> {
    this.#isEnding = true;
    for (const wave of this.#waves.toReversed()) await Promise.all(wave.map((part) => part.stop()));
    await this.#foundation?.stop();
  }

  /** Ends everything at once. */
  kill(): void {
    this.#isEnding = true;
    for (const part of this.#all) part.kill();
    void this.#foundation?.kill();
  }

  get #all(): readonly Part[] {
    return this.#waves.flat();
  }
}

function stoppedEarly(): CliFailure {
  return new CliFailure("stopped before it was ready");
}
