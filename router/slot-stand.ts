/**
 * How far one slot's move has come, judged from the ownership columns of both sides alone, and what may follow.
 * It must not know who drives the move, nor what it has done before.
 */
import type { ShardId } from "./ids.ts";
import type { Ownership } from "./ownership.ts";
import type { MoveEpoch } from "./slot-transition.ts";

/**
 * One slot's move. `epoch` is pinned when the move is planned: the source's epoch then, plus 1. So nobody who wakes up late can
 * begin or fence it at an epoch that belongs to a later time.
 */
export interface SlotMove extends MoveEpoch {
  readonly source: ShardId;
  readonly destination: ShardId;
}

/** Either side of a move. */
export type Side = "source" | "destination";

/** The source as the move sees it. `behind`: below the planned epoch, which a kept store never is. `passed`: beyond this move. */
export type SourceStand = "behind" | "owner" | "fenced" | "gone" | "restored" | "passed";

/** The destination as the move sees it. `before`: not begun here. `passed`: begun for another move at this epoch or above. */
export type DestinationStand = "before" | "filling" | "sealed" | "owner" | "aborted" | "passed";

/**
 * What is to be done. `source-behind` and `destination-behind`: that side cannot have been read after the other one, unless its
 * store was lost. `beyond`: decided if the source was looked at last; one that was looked at before may have been opened again by
 * an abort, and a later move begun. `crowded-out`: another move has taken the epoch at the destination, so that this one can
 * never begin. `end-…`: the source belongs to another time, and the move has to be ended at its destination. `over`: both went on.
 */
export type Stage =
  | "begin"
  | "fill"
  | "seal"
  | "go"
  | "decide"
  | "decided"
  | "beyond"
  | "restore"
  | "aborted"
  | "crowded-out"
  | "end-unbegun"
  | "end-filling"
  | "over"
  | "source-behind"
  | "destination-behind";

const STAGES: Readonly<Record<SourceStand, Readonly<Record<DestinationStand, Stage>>>> = {
  behind: {
    before: "source-behind",
    filling: "source-behind",
    sealed: "source-behind",
    owner: "source-behind",
    aborted: "source-behind",
    passed: "source-behind",
  },
  owner: {
    before: "begin",
    filling: "fill",
    sealed: "source-behind",
    owner: "source-behind",
    aborted: "restore",
    passed: "crowded-out",
  },
  fenced: {
    before: "destination-behind",
    filling: "seal",
    sealed: "go",
    owner: "source-behind",
    aborted: "restore",
    passed: "source-behind",
  },
  gone: {
    before: "destination-behind",
    filling: "destination-behind",
    sealed: "decide",
    owner: "decided",
    aborted: "restore",
    passed: "beyond",
  },
  restored: {
    before: "destination-behind",
    filling: "destination-behind",
    sealed: "destination-behind",
    owner: "destination-behind",
    aborted: "aborted",
    passed: "aborted",
  },
  passed: {
    before: "end-unbegun",
    filling: "end-filling",
    sealed: "destination-behind",
    owner: "decided",
    aborted: "aborted",
    passed: "over",
  },
};

/** The stage that both sides together show. */
export function stageOf(move: SlotMove, source: Ownership, destination: Ownership): Stage {
  return STAGES[sourceStand(move, source)][destinationStand(move, destination)];
}

/** Where the source stands. */
export function sourceStand(move: SlotMove, source: Ownership): SourceStand {
  if (source.epoch < move.epoch)
    return source.state === "OWNER" && source.epoch === move.epoch - 1 ? "owner" : "behind";
  if (source.move !== move.move) return "passed";
  if (source.epoch === move.epoch && source.state === "FENCED") return "fenced";
  if (source.epoch === move.epoch && source.state === "GONE") return "gone";
  return source.epoch === move.epoch + 1 && source.state === "OWNER" ? "restored" : "passed";
}

/** Where the destination stands. */
export function destinationStand(move: SlotMove, destination: Ownership): DestinationStand {
  if (destination.epoch < move.epoch) return "before";
  if (destination.epoch > move.epoch || destination.move !== move.move) return "passed";
  switch (destination.state) {
    case "RECEIVING":
      return destination.digest === null ? "filling" : "sealed";
    case "OWNER":
      return "owner";
    case "ABORTED":
      return "aborted";
    case "NONE":
    case "FENCED":
    case "GONE":
      return "passed";
    default:
      throw new Error(`broken assumption: slot state ${String(destination.state satisfies never)}`);
  }
}
