// The steps of a move that a crash may meet, taken from the types of the code that makes them: a new statement, a new kind of work or a
// new question to the catalog does not compile before it has a row here. Must not say what is to happen at a step.
import type { RunnerStep } from "../../router/slot-move.ts";
import { EVENT_KINDS, type EventKind } from "../../router/slot-transition.ts";
import type { MoverAgentOptions } from "../../shards/mover/mover-agent.ts";

/** Why something that the code knows is no step of its own. */
interface NoStep {
  readonly none: string;
}

/** Statements of a move. */
const STATEMENTS = {
  claim: { none: "first owners are claimed before there are moves" },
  begin: ["begin"],
  "take-over": ["take-over"],
  fence: ["fence"],
  seal: ["seal"],
  go: ["go"],
  decide: ["decide"],
  abort: ["abort"],
  restore: ["restore"],
} as const satisfies Readonly<Record<EventKind, readonly string[] | NoStep>>;

/** What else a runner does. Work is the stream of the source's rows, and what is written at the destination. */
const RUNNER_STEPS = {
  look: ["look-source", "look-destination"],
  send: { none: "each kind of statement has its own row" },
  copy: ["copy-rows", "copy-fill"],
  reconcile: ["reconcile-rows", "reconcile-fill"],
  end: { none: "it reaches nobody: what the driver tells the catalog then has rows of its own" },
  stop: { none: "it reaches nobody" },
} as const satisfies Readonly<Record<RunnerStep["kind"], readonly string[] | NoStep>>;

/** What a driver asks of the catalog. */
const CATALOG_CALLS = {
  acquireLease: ["lease"],
  publish: ["publish"],
  updateMove: ["end"],
  move: { none: "changes nothing; it is what comes next after the lease" },
  moves: { none: "changes nothing, and is of no move" },
  current: { none: "changes nothing; it comes right before the map is published" },
  releaseLease: { none: "after the end; a lease that is not given back runs out, as that of every killed runner does" },
} as const satisfies Readonly<Record<keyof MoverAgentOptions["catalog"], readonly string[] | NoStep>>;

type StepsOf<Table> = Extract<Table[keyof Table], readonly string[]>[number];

/** A step of a move. */
export type CrashStep = StepsOf<typeof STATEMENTS> | StepsOf<typeof RUNNER_STEPS> | StepsOf<typeof CATALOG_CALLS>;

/** Steps that are statements. */
export const STATEMENT_STEPS: ReadonlySet<string> = new Set(EVENT_KINDS.filter((kind) => kind !== "claim"));

/** Statements that reach the source over the network. */
export const AT_SOURCE: ReadonlySet<CrashStep> = new Set<CrashStep>(["fence", "go", "restore"]);

/** All steps. */
export const STEPS: readonly CrashStep[] = [STATEMENTS, RUNNER_STEPS, CATALOG_CALLS].flatMap(
  (table: Readonly<Record<string, readonly CrashStep[] | NoStep>>) =>
    Object.values(table).flatMap((row) => ("none" in row ? [] : row)),
);

/** Moments at a step. `reply-lost`: it has had its effect, and whoever took it is never told. */
export const POINTS = ["before", "reply-lost", "after"] as const;
/** `unanswered`: a store is about to change something, and its answer will not reach its own shard. */
export type CrashPoint = (typeof POINTS)[number] | "unanswered";
