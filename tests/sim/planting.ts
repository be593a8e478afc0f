// Puts a planted bug around the product's functions: a module that was imported so gives its functions, and the bug of the moment decides.
// Must not import anything that runs: the modules themselves come through here.
import type { LostSend } from "../../edge/shard/retry-rules.ts";
import type { Access, AccessRequest, Decision, Ownership } from "../../router/ownership.ts";
import type { RouteHints } from "../../router/route-hints.ts";
import type { ShardMap } from "../../router/shard-map.ts";
import type { RunnerStep, RunnerView } from "../../router/slot-move.ts";
import type { MoveEpoch, OwnershipEvent, Transition } from "../../router/slot-transition.ts";
import type { CommitServices } from "../../shards/commit-outcome.ts";
import type { SubmitOutcome } from "../../shards/group-commit.ts";
import type { LeftoversOptions } from "../../shards/mover/leftovers.ts";
import type { ReconcileOutcome } from "../../shards/mover/slot-copy.ts";
import type { WriteContext, WriteDecision } from "../../shards/store/decide-write.ts";
import type { Store, Write } from "../../shards/store/port.ts";
import type { SlotRow } from "../../shards/store/transfer.ts";

/** The functions that a bug may be put around, by their names. */
export interface Plantable {
  transition(slot: Ownership, event: OwnershipEvent): Transition;
  mayCopy(slot: Ownership, run: string): boolean;
  mayCleanUp(slot: Ownership, of: MoveEpoch): boolean;
  mayWrite(slot: Ownership, judgedEpoch: number): boolean;
  mayRead(slot: Ownership): boolean;
  nextStep(view: RunnerView, freshRun: string): RunnerStep;
  decisionOf(sourceEpoch: number, destination: Ownership): Decision;
  hasTakenOver(met: Ownership, destination: Ownership): boolean;
  decideAccess(slot: Ownership, request: AccessRequest, decision: Decision): Access;
  adoptMap(hints: RouteHints, map: ShardMap): RouteHints;
  isSameRow(left: SlotRow, right: SlotRow): boolean;
  textOfRow(row: SlotRow): string;
  recentMsOf(knownAtMs: number | null, nowMs: number): number | null;
  reconcileSlot(context: unknown, how: unknown): Promise<ReconcileOutcome>;
  decideWrite(write: Write, stored: WriteContext): WriteDecision;
  commitOnce(services: CommitServices, write: Write): Promise<SubmitOutcome>;
  decideAfterLoss(lost: LostSend): string;
  wrapStore(store: Store): Store;
  wrapLeftovers(options: LeftoversOptions): LeftoversOptions;
}

/** A bug: what is put around which functions. */
export type Plant = { readonly [Name in keyof Plantable]?: (real: Plantable[Name]) => Plantable[Name] };

/** The bug that is planted now; null for none. */
export const soil: { plant: Plant | null } = { plant: null };

type Module = Readonly<Record<string, unknown>>;
type AnyFunction = (...parameters: readonly unknown[]) => unknown;

/** The module, its functions with the bug of the moment around them. */
export function fertile(real: Module): Module {
  return Object.fromEntries(Object.entries(real).map(([name, value]) => [name, plantable(name, value)]));
}

function plantable(name: string, value: unknown): unknown {
  if (typeof value !== "function") return value;
  const real = value as AnyFunction;
  return (...parameters: readonly unknown[]) => {
    const wrap = soil.plant?.[name as keyof Plant] as ((real: AnyFunction) => AnyFunction) | undefined;
    return wrap === undefined ? real(...parameters) : wrap(real)(...parameters);
  };
}
