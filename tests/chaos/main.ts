/**
 * `npm run chaos -- --minutes M --seed S --store S --edges E`: the chaos run alone, as long as asked for.
 * It must not decide anything about the run but its sizes and what it runs on.
 */
import { parseArgs } from "node:util";
import { callProgram, startTests } from "../start-tests.ts";
import { PROFILES } from "./chaos-profile.ts";
import { CHAOS_ENV, readChaosOptions } from "./run-options.ts";

const USAGE = `Usage: npm run chaos -- [--minutes M] [--seed S] [--store sqlite|cassandra] [--edges real|none]

  --minutes M   moves and faults for so long (${PROFILES.sqlite.minutes} on SQLite, ${PROFILES.cassandra.minutes} on Cassandra)
  --seed S      repeats the choices of an earlier run (printed by each)
  --store S     what the shards store in: sqlite (default), or a cluster of three Cassandra nodes of its own
  --edges E     real (default): a third of the clients goes over real edges; none: all do as an edge would, without one`;

const OPTIONS = {
  minutes: { type: "string" },
  seed: { type: "string" },
  store: { type: "string" },
  edges: { type: "string" },
  help: { type: "boolean" },
} as const;

function run(args: readonly string[]): void {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.help === true) {
    console.log(USAGE);
    return;
  }
  const { minutes, seed, store, edges } = values;
  const isOnCassandra = store === "cassandra";
  const environment = Object.fromEntries(
    [
      [isOnCassandra ? CHAOS_ENV.cassandraMinutes : CHAOS_ENV.minutes, minutes],
      [CHAOS_ENV.seed, seed],
      [CHAOS_ENV.store, store],
      [CHAOS_ENV.edges, edges],
    ].flatMap(([name, value]) => (name === undefined || value === undefined ? [] : [[name, value] as const])),
  );
  // Refused here and not in the middle of a test's output.
  readChaosOptions({ ...process.env, ...environment });
  startTests(["--project", isOnCassandra ? "chaos-cassandra" : "chaos"], environment);
}

callProgram(run, USAGE);
