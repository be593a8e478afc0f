/**
 * A shard on Cassandra against the bare driver, on the same keyspace of the same cluster, with as many processes and clients.
 * It must not say what is read or written, nor which figures are wanted; the benches do.
 */
import { type BenchContext, WARM_UP_MS } from "./bench.ts";
import type { CassandraGround } from "./cassandra-ground.ts";
import { type DriverCrew, startDriverCrew } from "./driver-crew.ts";
import { type Contender, countedThroughputOf, type Duel, runCountedLoad, takeTurns } from "./load.ts";
import type { LoadReport, PlainRequest, Traffic } from "./load-plan.ts";
import type { Sample } from "./measurement.ts";
import { type BenchShard, startShard } from "./shard.ts";
import type { ClientWork } from "./spread.ts";

/** On either side: connections to the shard, or requests of the driver, shared out to its processes. */
export const CLIENTS = 64;

/** More than such a cluster does. Where it does more, a run ends when its writes are used up, and what was measured counts. */
const WRITES_A_SECOND_MAX = 6_000;

/** When warming up ends at last, also on a machine that gives no equal figures. */
const WARM_ROUNDS_MAX = 20;
const IDLE_ROUNDS = 2;
/** A gain of so much, relative to the best before. */
const WORTH_MENTIONING = 1.05;

/** Both sides, started. */
export interface CassandraArena {
  readonly context: BenchContext;
  readonly ground: CassandraGround;
  readonly shard: BenchShard;
  readonly crew: DriverCrew;
}

/** Starts a shard and a driver crew for `work`, and ends them. */
export async function inArena<Value>(
  context: BenchContext,
  work: (arena: CassandraArena) => Promise<Value>,
): Promise<Value> {
  const ground = await context.databases.cassandra();
  const { firstPort: port } = context.settings;
  const shard = await startShard(context, { name: "shard", port, options: [], config: ground.configText(port) });
  try {
    const crew = await startDriverCrew(context, ground.place);
    try {
      return await work({ context, ground, shard, crew });
    } finally {
      await crew.stop();
    }
  } finally {
    await shard.stop();
  }
}

/**
 * Rounds that do not count, until the servers are warm, and then the turns. Fresh servers run interpreted code and gain for
 * minutes: they are warm when the bare driver has gained nothing worth mentioning two rounds in a row.
 */
export async function takeWarmTurns(
  { context }: Pick<CassandraArena, "context">,
  sides: { readonly zgate: Contender; readonly bare: Contender },
): Promise<Duel> {
  let best = 0;
  for (let round = 1, idle = 0; round <= WARM_ROUNDS_MAX && idle < IDLE_ROUNDS; round += 1) {
    const { bare } = await takeTurns(sides, 1, (line) => context.report(`warming up, ${line}`));
    const reached = bare[0]?.value ?? 0;
    idle = reached > best * WORTH_MENTIONING ? 0 : idle + 1;
    best = Math.max(best, reached);
  }
  return takeTurns(sides, context.settings.runs, context.report);
}

/** What the shard is asked for. The requests are signed anew for each run. */
export interface ShardReads {
  readonly label: string;
  readonly requests: () => readonly PlainRequest[];
  readonly expectedStatus: number;
}

/** The shard answering reads: every client has some of its own. */
export function shardReads(arena: CassandraArena, { label, requests, expectedStatus }: ShardReads): Contender {
  return { label, run: () => loadShard(arena, { traffic: { kind: "dealt", requests: requests() }, expectedStatus }) };
}

/** The shard taking writes. `clients` gives each run's. */
export function shardWrites(arena: CassandraArena, clients: () => readonly ClientWork[]): Contender {
  const { ground, shard, context } = arena;
  const writesMax = Math.ceil((WARM_UP_MS / 1000 + context.settings.seconds) * WRITES_A_SECOND_MAX);
  const common = { kind: "client-writes", collection: ground.written, signingKeys: shard.signingKeys } as const;
  return { label: "shard", run: () => loadShard(arena, { traffic: { ...common, clients: clients(), writesMax } }) };
}

interface ShardLoad {
  readonly traffic: Traffic;
  readonly expectedStatus?: number;
}

async function loadShard({ context, shard }: CassandraArena, load: ShardLoad): Promise<Sample> {
  const plan = { origin: shard.origin, serverPids: shard.pids, connections: CLIENTS, ...load };
  return sampleOf(await runCountedLoad(context, { ...plan, ...timingOf(context) }));
}

/** What the driver does. */
export interface DriverWork {
  readonly kind: "read" | "write";
  /** Gives each run's. */
  readonly clients: () => readonly ClientWork[];
}

/** The bare driver doing it. */
export function bareDriver({ context, ground, crew }: CassandraArena, { kind, clients }: DriverWork): Contender {
  const collection = kind === "read" ? ground.filled : ground.written;
  const run = async (): Promise<Sample> =>
    sampleOf(await crew.run({ kind, collection, clients: clients(), ...timingOf(context) }));
  return { label: "driver", run };
}

function timingOf({ settings }: BenchContext) {
  return { warmUpMs: WARM_UP_MS, measureMs: settings.seconds * 1000 };
}

/** Failures are shown beside the throughput. They are no gain, because only what succeeded is in it. */
function sampleOf(report: LoadReport): Sample {
  if (report.requests > 0) return countedThroughputOf(report);
  throw new Error(`nothing succeeded: ${JSON.stringify(report.failures)}`);
}
