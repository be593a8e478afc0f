/**
 * Has the real engines ready before the first test of the project and stops them after the last: those the environment
 * names are used as they are, the others are started in a temporary directory. It must not hold test logic.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { type EnginesRequest, type RunningEngines, startEngines } from "../../engines/engines.ts";
import { DATACENTER, DYNAMODB_REGION } from "../../engines/settings.ts";
import { explainAbsence, noteSkipped } from "./engine-absence.ts";
import type { CassandraAddress, EngineAddresses } from "./engines.ts";

/** What can be named by the environment instead of being started: `host:port` (or several with commas) and an URL. */
const NAMED = { single: "ZGATE_CASSANDRA_1", cluster: "ZGATE_CASSANDRA_3", dynamodb: "ZGATE_DYNAMODB" } as const;

/** Vitest's hook: provides `inject("engines")` and hands back what ends it all. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const areNamed = Object.values(NAMED).every((name) => process.env[name] !== undefined);
  const absence = areNamed ? null : explainAbsence(["cassandra", "dynamodb"]);
  if (absence !== null) {
    noteSkipped({ what: "tests on real engines", why: absence });
    project.provide("engines", null);
    return async () => undefined;
  }
  const shared = sharedEngines();
  shared.users += 1;
  try {
    project.provide("engines", await shared.addresses);
  } catch (error) {
    await release(shared);
    throw error;
  }
  return () => release(shared);
}

/** One set of engines for all projects of a run: each calls the hook, in a module of its own. */
interface SharedEngines {
  users: number;
  readonly started: StartedEngines;
  readonly addresses: Promise<EngineAddresses>;
}

const SHARED = Symbol.for("zgate.tests.engines");
const world = globalThis as { [SHARED]?: SharedEngines | undefined };

function sharedEngines(): SharedEngines {
  const present = world[SHARED];
  if (present !== undefined) return present;
  const started = new StartedEngines();
  const shared = { users: 0, started, addresses: started.addresses() };
  world[SHARED] = shared;
  return shared;
}

/** The last project that ends stops them. */
async function release(shared: SharedEngines): Promise<void> {
  shared.users -= 1;
  if (shared.users > 0) return;
  world[SHARED] = undefined;
  await shared.started.stop();
}

/** Engines of this run, in directories of their own. */
class StartedEngines {
  readonly #root = mkdtempSync(join(tmpdir(), "zgate-engines-"));
  readonly #running: RunningEngines[] = [];

  /** Resolves when all serve. The cluster comes first: it is what takes long. */
  async addresses(): Promise<EngineAddresses> {
    const cluster = await this.#cassandra("cluster", 3);
    const single = await this.#cassandra("single", 1);
    return { cluster, single, dynamodb: await this.#dynamodb() };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map((engines) => engines.stop()));
    rmSync(this.#root, { recursive: true, force: true });
  }

  async #cassandra(part: "single" | "cluster", nodes: 1 | 3): Promise<CassandraAddress> {
    const named = process.env[NAMED[part]];
    if (named !== undefined) return { contactPoints: named.split(","), datacenter: DATACENTER };
    const { cassandra } = await this.#start(part, { cassandraNodes: nodes, dynamodb: false });
    if (cassandra === null) throw new Error("started no Cassandra");
    return { contactPoints: cassandra.contactPoints, datacenter: cassandra.datacenter };
  }

  async #dynamodb(): Promise<EngineAddresses["dynamodb"]> {
    const named = process.env[NAMED.dynamodb];
    if (named !== undefined) return { endpoint: named, region: DYNAMODB_REGION };
    const { dynamodb } = await this.#start("dynamodb", { cassandraNodes: 0, dynamodb: true });
    if (dynamodb === null) throw new Error("started no DynamoDB Local");
    return { endpoint: dynamodb.endpoint, region: dynamodb.region };
  }

  async #start(part: string, what: Pick<EnginesRequest, "cassandraNodes" | "dynamodb">): Promise<RunningEngines> {
    const onProgress = (text: string): void => void process.stdout.write(`engines: ${part}: ${text}\n`);
    const engines = await startEngines({ directory: join(this.#root, part), onProgress, ...what });
    this.#running.push(engines);
    return engines;
  }
}
