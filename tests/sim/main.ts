// Simulates from the command line: `npm run sim -- [--seeds N] [--from S] [--trace] [--counts]`.
// Must not know anything about the protocol.
import { parseArgs } from "node:util";
import { runOnThreads } from "./seed-crew.ts";
import { runSeeds, type SeedRange } from "./seed-run.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20000" },
    from: { type: "string", default: "1" },
    trace: { type: "boolean", default: false },
    counts: { type: "boolean", default: false },
  },
});
await run({ seeds: parseCount("seeds", values.seeds), from: parseCount("from", values.from) });

async function run(range: SeedRange): Promise<void> {
  const startedAtMs = performance.now();
  // Traces are read in the order of the seeds, so one thread writes them.
  const print = (lines: readonly string[]): void => console.log(lines.join("\n"));
  const result = values.trace ? await runSeeds(range, print) : await runOnThreads(range);
  if (result.failure !== null) {
    console.log(result.failure);
    process.exitCode = 1;
    return;
  }
  const perSeedMs = (performance.now() - startedAtMs) / range.seeds;
  console.log(
    `${range.seeds} seeds from ${range.from}: ${result.events} events, ${result.operations} operations, ${perSeedMs.toFixed(2)} ms each`,
  );
  for (const [name, count] of values.counts ? result.coverage : [])
    console.log(`${String(count).padStart(12)} ${name}`);
}

function parseCount(name: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new RangeError(`--${name}: expected a whole number of at least 1, got "${text}"`);
}
