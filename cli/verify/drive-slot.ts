/**
 * Drives one slot's move by statements alone, through both sides: what needs no copy. The router's step function decides each step.
 * It must not copy rows.
 */
import { randomUUID } from "node:crypto";
import type { CollectionConfig } from "../../config/config.ts";
import { type CollectionName, quote, type ShardId, type SlotId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import { prefixesOf, prefixOfSlot } from "../../router/slot.ts";
import {
  type MoveGoal,
  nextStep,
  type RunnerView,
  sawSide,
  sentStatement,
  startRunner,
} from "../../router/slot-move.ts";
import type { Side, SlotMove } from "../../router/slot-stand.ts";
import { CliFailure } from "../failure.ts";
import type { ShardClient } from "../shard-client.ts";

/** What became of it; `stopped` with the reason, when a runner or a person is needed. */
export type DriveOutcome =
  | { readonly kind: "decided" | "aborted" | "over" }
  | { readonly kind: "stopped"; readonly detail: string };

/** One slot, its move and what is wanted of it. */
export interface Drive {
  readonly collection: CollectionConfig;
  readonly slot: SlotId;
  readonly move: SlotMove;
  readonly goal: Exclude<MoveGoal, "finish">;
}

/** No move takes so many steps unless somebody works against it. */
const STEPS_MAX = 40;

/** Drives the slot until its move has ended or cannot go on so. Rejects with `CliFailure` when a side cannot be asked. */
export async function driveSlot(shards: ShardClient, drive: Drive): Promise<DriveOutcome> {
  let view = startRunner(drive.move, drive.goal);
  for (let steps = 0; steps < STEPS_MAX; steps += 1) {
    const step = nextStep(view, randomUUID());
    switch (step.kind) {
      case "look":
        view = sawSide(view, step.at, await lookAt(shards, drive, step.at));
        break;
      case "send":
        view = await sendTo(shards, drive, { view, step });
        break;
      case "copy":
      case "reconcile":
        return { kind: "stopped", detail: "rows have to be copied" };
      case "end":
        return { kind: step.outcome };
      case "stop":
        return { kind: "stopped", detail: step.detail };
      default:
        throw new Error(`broken assumption: step ${quote(step satisfies never)}`);
    }
  }
  return { kind: "stopped", detail: "the slot changes all the time" };
}

interface Sending {
  readonly view: RunnerView;
  readonly step: Extract<ReturnType<typeof nextStep>, { kind: "send" }>;
}

async function sendTo(shards: ShardClient, drive: Drive, { view, step }: Sending): Promise<RunnerView> {
  const place = { collection: nameOf(drive), slot: drive.slot };
  const reply = await shards.send(shardAt(drive.move, step.at), place, step.event);
  return sawSide(sentStatement(view, step.at, step.event), step.at, reply.ownership);
}

async function lookAt(shards: ShardClient, drive: Drive, side: Side): Promise<Ownership> {
  const { placement } = drive.collection;
  const prefixes = prefixesOf(placement);
  const place = prefixes.indexOf(prefixOfSlot(placement, drive.slot));
  const range = { start: place === 0 ? "" : (prefixes[place] ?? ""), end: prefixes[place + 1] ?? null };
  const shard = shardAt(drive.move, side);
  const reports = await shards.slots(shard, { collection: nameOf(drive), range, depth: "columns" });
  const found = reports.find(({ slot }) => slot === drive.slot);
  if (found !== undefined) return found.ownership;
  throw new CliFailure(`${shard} does not tell of the slot ${quote(drive.slot)}`);
}

function nameOf({ collection }: Drive): CollectionName {
  return collection.name;
}

function shardAt(move: SlotMove, side: Side): ShardId {
  return side === "source" ? move.source : move.destination;
}
