/**
 * Brings a shard's keyspace to what this program needs. Any number of processes may do so at once: one leads, under a
 * lease, the others wait until it is done or gone. It must not decide what is needed; schema-plan.ts does.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import {
  isUpToDate,
  planSchema,
  type SchemaAction,
  type SchemaPlan,
  type SchemaStep,
  type SchemaTarget,
} from "./schema-plan.ts";
import { CassandraError } from "./session.ts";
import { LEASE_TABLE } from "./tables.ts";

/** What applying needs besides its target. */
export interface ApplyOptions extends SchemaTarget {
  /** Told of each step when it is done. */
  readonly onStep?: (step: SchemaStep) => void;
  /** Written into the bookkeeping. */
  readonly by?: string;
  /** Whose lease it is; must be nobody else's. */
  readonly holder?: string;
  /** Life of a lease that its leader does not renew. */
  readonly leaseSeconds?: number;
  /** Longest wait for another leader, in milliseconds. */
  readonly waitMsMax?: number;
}

const DEFAULTS = { leaseSeconds: 60, waitMsMax: 180_000 };

/** How long to leave the leader alone before looking again, in milliseconds. */
const LOOK_AGAIN_MS = 250;

/** What was done here: nothing, when another process did it, or nothing was missing. */
export interface AppliedSchema {
  readonly keyspace: string;
  readonly steps: readonly SchemaStep[];
  readonly differences: readonly string[];
}

/** Applies. Rejects with a CassandraError; what was done until then stays, and the next call goes on from there. */
export async function applySchema(options: ApplyOptions): Promise<AppliedSchema> {
  const { waitMsMax } = { ...DEFAULTS, ...options };
  const run: Run = { options, holder: options.holder ?? randomUUID(), done: [], doubt: null };
  const deadlineMs = performance.now() + waitMsMax;
  for (;;) {
    const plan = await attempt(run).catch((error: unknown) => {
      if (!isPassing(error) || performance.now() > deadlineMs) throw error;
      return null;
    });
    if (plan !== null && isUpToDate(plan)) {
      return { keyspace: plan.keyspace, steps: run.done, differences: plan.differences };
    }
    if (performance.now() > deadlineMs) {
      throw new CassandraError(
        "unavailable",
        `the schema was not up to date within ${waitMsMax} ms: another process leads`,
      );
    }
    await delay(LOOK_AGAIN_MS);
  }
}

interface Run {
  readonly options: ApplyOptions;
  readonly holder: string;
  readonly done: SchemaStep[];
  doubt: Doubt | null;
}

/**
 * A change without an answer, which may still be under way: sent again by another node it could make a second table of
 * the same name. Until it is seen, or the lease that covers it has run out, nobody sends it.
 */
interface Doubt {
  readonly cql: string;
  readonly untilMs: number;
}

/** One look, and what can be done at once. Resolves to the plan as it is afterwards. */
async function attempt(run: Run): Promise<SchemaPlan> {
  const found = await currentPlan(run);
  if (isUpToDate(found)) return found;
  for (const step of found.preparation) await carryOut(run, step, async () => true);
  if (!(await takeLease(run, found.keyspace))) return found;
  try {
    return await lead(run);
  } finally {
    // What is in doubt keeps the others away until the lease ends by itself.
    if (run.doubt === null) await releaseLease(run, found.keyspace);
  }
}

/** What is missing, done under the lease. Each action may take long, so the lease is renewed before it. */
async function lead(run: Run): Promise<SchemaPlan> {
  const plan = await currentPlan(run);
  run.doubt = doubtLeft(run.doubt, plan);
  if (run.doubt !== null) return plan;
  for (const step of plan.steps) {
    if (!(await carryOut(run, step, () => renewLease(run, plan.keyspace)))) return plan;
  }
  return currentPlan(run);
}

function doubtLeft(doubt: Doubt | null, { steps }: SchemaPlan): Doubt | null {
  if (doubt === null || performance.now() >= doubt.untilMs) return null;
  const missing = steps.flatMap(({ actions }) => actions);
  return missing.some((action) => action.kind === "change" && action.cql === doubt.cql) ? doubt : null;
}

function currentPlan({ options }: Run): Promise<SchemaPlan> {
  return planSchema(options, { by: options.by ?? hostname(), nowMs: Date.now() });
}

/** Resolves to false when it had to stop before the end. */
async function carryOut(run: Run, step: SchemaStep, mayGoOn: () => Promise<boolean>): Promise<boolean> {
  for (const action of step.actions) {
    if (!(await mayGoOn())) return false;
    await act(run, action);
  }
  run.done.push(step);
  run.options.onStep?.(step);
  return true;
}

async function act(run: Run, action: SchemaAction): Promise<void> {
  const { session } = run.options;
  switch (action.kind) {
    case "change":
      return session.changeSchema(action.cql).catch((error: unknown) => {
        run.doubt = doubtAfter(run, action.cql, error);
        throw error;
      });
    case "record":
      await session.compareAndSet([action.statement]);
      return;
    default:
      action satisfies never;
  }
}

function doubtAfter({ options }: Run, cql: string, error: unknown): Doubt | null {
  if (!(error instanceof CassandraError) || error.kind !== "unknown") return null;
  const { leaseSeconds } = { ...DEFAULTS, ...options };
  return { cql, untilMs: performance.now() + leaseSeconds * 1000 };
}

async function takeLease({ options, holder }: Run, keyspace: string): Promise<boolean> {
  const { leaseSeconds } = { ...DEFAULTS, ...options };
  const cql = `INSERT INTO ${keyspace}.${LEASE_TABLE} (what, holder) VALUES (?, ?) IF NOT EXISTS USING TTL ?`;
  const { isApplied, rows } = await options.session.compareAndSet([{ cql, parameters: [LEASE, holder, leaseSeconds] }]);
  // Ours already, when an earlier attempt had no answer.
  return isApplied || rows[0]?.["holder"] === holder;
}

async function renewLease({ options, holder }: Run, keyspace: string): Promise<boolean> {
  const { leaseSeconds } = { ...DEFAULTS, ...options };
  const cql = `UPDATE ${keyspace}.${LEASE_TABLE} USING TTL ? SET holder = ? WHERE what = ? IF holder = ?`;
  const { isApplied } = await options.session.compareAndSet([
    { cql, parameters: [leaseSeconds, holder, LEASE, holder] },
  ]);
  return isApplied;
}

/** Where it fails, the lease ends by itself. */
async function releaseLease({ options, holder }: Run, keyspace: string): Promise<void> {
  const cql = `DELETE FROM ${keyspace}.${LEASE_TABLE} WHERE what = ? IF holder = ?`;
  await options.session.compareAndSet([{ cql, parameters: [LEASE, holder] }]).catch(() => undefined);
}

/** Each step may be repeated, so only a refusal is final; and a node may not have heard yet of a table that was just made. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof CassandraError)) return false;
  return error.kind !== "broken" || NOT_HEARD_OF.test(error.message);
}

const NOT_HEARD_OF = /(?:table|keyspace) \S+ (?:does not|doesn't) exist|unconfigured table/i;

const LEASE = "schema";
