// A vitest reporter that counts what happened and leaves the counts, and what failed, in a file for tests/run.ts.
// It must not print: the closing lines have to come after everything else, coverage included.
import { writeFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import type { Reporter, SerializedError, TestModule, TestSuite } from "vitest/node";

/** Test cases of a whole run over all projects. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What a run leaves for tests/run.ts. `failures` has one text per failure: where it is, and in the lines after that what was said. */
export interface Summary {
  readonly counts: Counts;
  readonly failures: readonly string[];
}

/** Characters of an error's message that a failure repeats: the whole stands where it happened. */
const MESSAGE_LIMIT = 600;

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

/** Where something failed, and the first error's message. */
function describe(place: string, errors: readonly SerializedError[]): string {
  const message = errors[0]?.message ?? "it never ended";
  const lines = stripVTControlCharacters(message).slice(0, MESSAGE_LIMIT).split("\n");
  return [place, ...lines.map((line) => `    ${line}`)].join("\n");
}

function listFailures(modules: readonly TestModule[], strayErrors: readonly SerializedError[]): readonly string[] {
  const inModules = modules.flatMap((module) => {
    const file = `${module.project.name} ${module.relativeModuleId}`;
    const tests = [...module.children.allTests()].filter((test) => ["failed", "pending"].includes(test.result().state));
    const suites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0);
    return [
      ...(module.errors().length > 0 ? [describe(file, module.errors())] : []),
      ...suites.map((suite) => describe(`${file} > ${suite.fullName}`, suite.errors())),
      ...tests.map((test) => describe(`${file} > ${test.fullName}`, test.result().errors ?? [])),
    ];
  });
  return [...inModules, ...strayErrors.map((error) => describe("outside any test", [error]))];
}

/** Writes the {@link Summary} of the run to `file` as JSON. */
export class SummaryReporter implements Reporter {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  onTestRunEnd(modules: readonly TestModule[], strayErrors: readonly SerializedError[]): void {
    const summary: Summary = { counts: countTests(modules, strayErrors), failures: listFailures(modules, strayErrors) };
    writeFileSync(this.#file, JSON.stringify(summary));
  }
}
