/**
 * The bare counterpart of a shard on Cassandra: clients that call the driver themselves, with the very statements that a shard
 * sends. It must not do anything that a shard does beyond them: no HTTP, no signature, no groups, no second look at an unknown outcome.
 *
 * A write is one conditional statement. Its condition names the version that this process has last seen of the key; where the
 * servers say that it is another one, the write is sent again on that.
 */
import { Client, types } from "cassandra-driver";
import { parseConditions } from "../../shards/store/cassandra-rows.ts";
import { TableStatements } from "../../shards/store/cassandra-statements.ts";
import type { StoredDocument } from "../../shards/store/decide-write.ts";
import {
  type DriverAnswer,
  type DriverPlace,
  type DriverPlan,
  type DriverReport,
  parseDriverOrder,
} from "../driver-plan.ts";
import type { Product } from "../products.ts";
import { type ClientWork, productAt, slotOfProduct } from "../spread.ts";

/** The first owner's: no slot changes hands in a bench. */
const EPOCH = 1;

/** Times that one write is sent: others may come first, but not for ever. */
const SENDINGS_MAX = 20;

/** A connected process. */
interface Driver {
  readonly client: Client;
  readonly keyspace: string;
  /** What was last seen of each key. */
  readonly seen: Map<string, StoredDocument>;
}

async function connect({ contactPoints, datacenter, keyspace }: DriverPlace): Promise<Driver> {
  const client = new Client({
    contactPoints: [...contactPoints],
    localDataCenter: datacenter,
    protocolOptions: { port: Number(contactPoints[0]?.split(":").at(-1)) },
    encoding: { useBigIntAsLong: true },
  });
  await client.connect();
  return { client, keyspace, seen: new Map() };
}

async function read({ client }: Driver, statements: TableStatements, product: Product): Promise<void> {
  const { cql, parameters } = statements.readDocument(slotOfProduct(product), product.key);
  const { rows } = await client.execute(cql, [...parameters], {
    prepare: true,
    consistency: types.consistencies.serial,
  });
  if (!rows.some((row) => row.get("own_state") === "OWNER")) throw new Error("the slot is not held");
}

async function write({ client, seen }: Driver, statements: TableStatements, { key, json }: Product): Promise<void> {
  const slot = slotOfProduct({ key, json });
  const after = { op: crypto.randomUUID(), modifiedAtMs: Date.now(), json };
  for (let sending = 0; sending < SENDINGS_MAX; sending += 1) {
    const before = seen.get(key) ?? null;
    const { cql, parameters } = statements.putDocument(slot, EPOCH, { key, before, after });
    const { rows } = await client.execute(cql, [...parameters], {
      prepare: true,
      consistency: types.consistencies.quorum,
      serialConsistency: types.consistencies.serial,
    });
    if (rows[0]?.get("[applied]") === true) {
      seen.set(key, { ...after, json: "" });
      return;
    }
    const [found] = parseConditions(rows).rows;
    if (found === undefined || found.op === null) seen.delete(key);
    else seen.set(key, { op: found.op, modifiedAtMs: 0, json: found.isDeleted ? null : "" });
  }
  throw new Error("others came first every time");
}

/** A window that is open from `opensAtMs` until `closesAtMs`, by this process's clock. */
interface Tally {
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly latenciesMs: number[];
  readonly failures: Record<string, number>;
}

async function runClient(work: ClientWork, act: (product: Product) => Promise<void>, tally: Tally): Promise<void> {
  for (let index = 0; ; index += 1) {
    const startedAtMs = performance.now();
    if (startedAtMs >= tally.closesAtMs) return;
    const failure = await act(productAt(work, index)).then(() => null, nameOf);
    const endedAtMs = performance.now();
    if (failure !== null) tally.failures[failure] = (tally.failures[failure] ?? 0) + 1;
    else if (endedAtMs >= tally.opensAtMs && endedAtMs < tally.closesAtMs)
      tally.latenciesMs.push(endedAtMs - startedAtMs);
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : "error";
}

async function run(driver: Driver, plan: DriverPlan): Promise<DriverReport> {
  const statements = new TableStatements(driver.keyspace, plan.collection);
  const act = (product: Product) => (plan.kind === "read" ? read : write)(driver, statements, product);
  const opensAtMs = performance.now() + plan.warmUpMs;
  const tally: Tally = { opensAtMs, closesAtMs: opensAtMs + plan.measureMs, latenciesMs: [], failures: {} };
  const opened = Promise.withResolvers<NodeJS.CpuUsage>();
  const closed = Promise.withResolvers<NodeJS.CpuUsage>();
  setTimeout(() => opened.resolve(process.cpuUsage()), plan.warmUpMs);
  setTimeout(() => closed.resolve(process.cpuUsage()), plan.warmUpMs + plan.measureMs);
  await Promise.all(plan.clients.map((work) => runClient(work, act, tally)));
  const [before, after] = await Promise.all([opened.promise, closed.promise]);
  const spentMicros = after.user + after.system - before.user - before.system;
  return { latenciesMs: tally.latenciesMs, windowMs: plan.measureMs, spentMicros, failures: tally.failures };
}

let connected: Driver | null = null;

async function obey(message: unknown): Promise<DriverAnswer> {
  const order = parseDriverOrder(message);
  if (order.type === "connect") {
    connected = await connect(order.place);
    return { type: "connected" };
  }
  if (connected === null) throw new Error("the bare driver is not connected");
  return { type: "report", report: await run(connected, order.plan) };
}

function answer(message: DriverAnswer): void {
  process.send?.(message);
}

process.once("disconnect", () => process.exit(1));
process.once("SIGTERM", () => process.exit(0));
// The bench decides when a run ends; a Ctrl-C reaches the whole group.
process.once("SIGINT", () => process.exit(130));
process.on("message", (message) => {
  obey(message).then(answer, (error: unknown) => {
    answer({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  });
});
