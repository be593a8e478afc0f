// Simulates from the command line: `npm run sim -- [--seeds N] [--from S] [--trace] [--counts]`.
// Must not know anything about the protocol.
import { parseArgs } from "node:util";
import { Coverage } from "../model/coverage.ts";
import { describeFailure } from "./failure-text.ts";
import { drawScenario } from "./scenario.ts";
import { simulate } from "./simulation.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20000" },
    from: { type: "string", default: "1" },
    trace: { type: "boolean", default: false },
    counts: { type: "boolean", default: false },
  },
});
await runSeeds(parseCount("seeds", values.seeds), parseCount("from", values.from));

async function runSeeds(seeds: number, from: number): Promise<void> {
  const coverage = new Coverage();
  const sums = { events: 0, operations: 0 };
  const startedAtMs = performance.now();
  for (let seed = from; seed < from + seeds; seed += 1) {
    const result = await simulate(drawScenario(seed), { isTraced: values.trace });
    if (values.trace) console.log(result.lines.join("\n"));
    coverage.addAll(result.coverage);
    sums.events += result.events;
    sums.operations += result.operations;
    if (result.findings.length === 0) continue;
    console.log(await describeFailure(result.scenario));
    process.exitCode = 1;
    break;
  }
  const perSeedMs = (performance.now() - startedAtMs) / seeds;
  console.log(
    `${seeds} seeds from ${from}: ${sums.events} events, ${sums.operations} operations, ${perSeedMs.toFixed(2)} ms each`,
  );
  for (const [name, count] of values.counts ? coverage.entries() : [])
    console.log(`${String(count).padStart(12)} ${name}`);
}

function parseCount(name: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new RangeError(`--${name}: expected a whole number of at least 1, got "${text}"`);
}
