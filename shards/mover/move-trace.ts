/**
 * What a runner of one slot's move saw, sent and did, in order: enough to replay it against the model of the protocol.
 * It must not carry rows.
 */
import type { CollectionName, SlotId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { EventReply } from "../../router/ownership-wire.ts";
import type { MoveGoal, MoveOutcome } from "../../router/slot-move.ts";
import type { Side, SlotMove } from "../../router/slot-stand.ts";
import type { OwnershipEvent } from "../../router/slot-transition.ts";

/**
 * One thing that happened. `look` and `reply` tell the columns that were seen; `look-failed` and `reply-lost` that nothing is known.
 * `copy` and `reconcile` are the begin of work under a run, what follows is how it ended. `stop`: the runner gives up.
 */
export type TraceStep =
  | { readonly step: "start"; readonly goal: MoveGoal; readonly slotMove: SlotMove }
  | { readonly step: "look"; readonly at: Side; readonly ownership: Ownership }
  | { readonly step: "look-failed"; readonly at: Side; readonly error: string }
  | { readonly step: "send"; readonly at: Side; readonly event: OwnershipEvent }
  | { readonly step: "reply"; readonly at: Side; readonly event: OwnershipEvent; readonly reply: EventReply }
  | { readonly step: "reply-lost"; readonly at: Side; readonly event: OwnershipEvent; readonly error: string }
  | { readonly step: "copy"; readonly run: string }
  | { readonly step: "copied"; readonly run: string }
  | { readonly step: "reconcile"; readonly run: string }
  | { readonly step: "equal"; readonly run: string; readonly digest: string }
  | { readonly step: "lost-sight"; readonly run: string }
  | { readonly step: "work-failed"; readonly run: string; readonly error: string }
  | { readonly step: "end"; readonly outcome: MoveOutcome }
  | { readonly step: "stop"; readonly reason: string; readonly detail: string };

/** A step and whose it is. `runner` is one life of one runner, never used twice; `atMs` in milliseconds since 1970. */
export type MoveTrace = TraceStep & {
  readonly atMs: number;
  readonly runner: string;
  readonly move: string;
  readonly collection: CollectionName;
  readonly slot: SlotId;
};

/** Takes each step as it happens. */
export type Trace = (trace: MoveTrace) => void;
