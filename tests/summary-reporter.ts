// A vitest reporter that counts what happened and leaves the counts in a file for tests/run.ts.
// It must not print: the closing line has to come after everything else, coverage included.
import { writeFileSync } from "node:fs";
import type { Reporter, TestModule, TestSuite } from "vitest/node";

/** Test cases of a whole run over all projects. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Counts test cases; a file or a suite that breaks outside its tests counts as one failed test, as does a stray error. */
function countTests(modules: readonly TestModule[], strayErrors: readonly unknown[]): Counts {
  const results = modules.flatMap((module) => [...module.children.allTests()]).map((test) => test.result().state);
  const brokenPlaces = modules.flatMap((module): readonly (TestModule | TestSuite)[] => [
    module,
    ...module.children.allSuites(),
  ]);
  const broken = brokenPlaces.filter((place) => place.errors().length > 0).length;
  const unfinished = results.filter((state) => state === "pending").length;
  const failed = results.filter((state) => state === "failed").length;
  return {
    passed: results.filter((state) => state === "passed").length,
    failed: failed + unfinished + broken + strayErrors.length,
    skipped: results.filter((state) => state === "skipped").length,
  };
}

/** Writes the {@link Counts} of the run to `file` as JSON. */
export class SummaryReporter implements Reporter {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  onTestRunEnd(modules: readonly TestModule[], strayErrors: readonly unknown[]): void {
    writeFileSync(this.#file, JSON.stringify(countTests(modules, strayErrors)));
  }
}
