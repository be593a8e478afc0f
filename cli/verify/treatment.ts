/**
 * What `doctor --fix` does about complaints: ends by statements what they can end, sees to it that a worker takes up what has to be
 * copied, and publishes owners that the map does not know. It must not do anything that the complaint has not named.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { CollectionConfig } from "../../config/config.ts";
import type { SlotMove } from "../../router/slot-stand.ts";
import { CliFailure } from "../failure.ts";
import { shortId } from "../moves/find-move.ts";
import { hasEnded } from "../moves/watch-move.ts";
import { failureText, type Operator } from "../operator.ts";
import { type Complaint, type Consultation, consult } from "./consultation.ts";
import { driveSlot } from "./drive-slot.ts";
import { repairMap } from "./map-repair.ts";

/** A complaint, and what was made of it: null when nothing was tried. */
export interface Treated {
  readonly complaint: Complaint;
  readonly fixed: string | null;
  readonly isWell: boolean;
}

/** How long a worker is waited for: a lease of one that has died runs for 8 s, and the catalog is asked once a second. */
export const PATIENCE_MS = 15_000;

type MoveComplaint = Extract<Complaint, { kind: "move" }>;
type MapComplaint = Extract<Complaint, { kind: "map" }>;

/** Nothing is tried. */
export function untouched(complaint: Complaint): Treated {
  return { complaint, fixed: null, isWell: false };
}

/** What was made of all complaints, and what kept the treatment from going on; null when nothing did. */
export interface Treatment {
  readonly treated: readonly Treated[];
  readonly failure: string | null;
}

/** Treats all of a consultation. Slots first: what is decided by that may be new to the map. */
export async function treat(
  operator: Operator,
  consultation: Consultation,
  patienceMs = PATIENCE_MS,
): Promise<Treatment> {
  const { collection, complaints } = consultation;
  const slots: Treated[] = [];
  try {
    await treatSlots(operator, consultation, { patienceMs, told: (treated) => slots.push(treated) });
    const after = slots.length === 0 ? complaints : (await consult(operator, collection)).complaints;
    const late = after.flatMap((complaint) => (complaint.kind === "map" ? [complaint] : []));
    const { treated, failure } = await fixMap(operator, collection, late);
    return { treated: [...slots, ...treated], failure };
  } catch (error) {
    const failure = failureText(error);
    if (failure === null) throw error;
    const seen = new Set(slots.map(({ complaint }) => complaint));
    const left = complaints.filter((complaint) => !seen.has(complaint));
    return { treated: [...slots, ...left.map(untouched)], failure };
  }
}

interface Round {
  readonly patienceMs: number;
  /** Is told of each at once: what comes later may fail. */
  readonly told: (treated: Treated) => void;
}

async function treatSlots(
  operator: Operator,
  { collection, complaints }: Consultation,
  { patienceMs, told }: Round,
): Promise<void> {
  const awaitWorker = onceForEachMove((move) => signOf(operator, move, patienceMs));
  for (const complaint of complaints) {
    if (complaint.kind === "ownership") told(untouched(complaint));
    if (complaint.kind === "move") told(await treatSlot(operator, { collection, complaint, awaitWorker }));
  }
}

/** Slots of one move wait for the same worker. */
function onceForEachMove<Value>(ask: (move: SlotMove) => Promise<Value>): (move: SlotMove) => Promise<Value> {
  const asked = new Map<string, Promise<Value>>();
  return (move) => {
    const answer = asked.get(move.move) ?? ask(move);
    asked.set(move.move, answer);
    return answer;
  };
}

interface SlotCase {
  readonly collection: CollectionConfig;
  readonly complaint: MoveComplaint;
  readonly awaitWorker: (move: SlotMove) => Promise<WorkerSign>;
}

async function treatSlot(operator: Operator, { collection, complaint, awaitWorker }: SlotCase): Promise<Treated> {
  const { move, remedy } = complaint.diagnosis;
  switch (remedy) {
    case "help":
    case "abort":
      return endSlot(operator, collection, { complaint, goal: remedy });
    case "runner":
      return { complaint, ...(await awaitWorker(move)) };
    case "answer":
      return { complaint, isWell: false, fixed: "left as it is: its move cannot be ended from one side" };
    case "wait":
    case "restore-store":
      return untouched(complaint);
    default:
      return remedy satisfies never;
  }
}

/** What a worker has shown in time. */
type WorkerSign = Pick<Treated, "fixed" | "isWell">;

const LOOK_AGAIN_MS = 250;

/** A runner writes its progress into the catalog once a second. That it changes says enough: its clock may be another one. */
async function signOf(
  { catalog }: Operator,
  { move: id, destination }: SlotMove,
  patienceMs: number,
): Promise<WorkerSign> {
  const before = await catalog.move(id);
  for (let leftMs = patienceMs; leftMs > 0; leftMs -= LOOK_AGAIN_MS) {
    const move = await catalog.move(id);
    if (move !== null && hasEnded(move)) return { isWell: true, fixed: `its move is ${move.state}` };
    if (move?.progress !== before?.progress) return { isWell: true, fixed: `${destination} is at it` };
    await delay(LOOK_AGAIN_MS);
  }
  const missing = `\`zgate resume ${shortId(id)}\` says what is missing`;
  return {
    isWell: false,
    fixed: `not taken up by ${destination} within ${Math.ceil(patienceMs / 1000)} s: ${missing}`,
  };
}

interface SlotEnd {
  readonly complaint: MoveComplaint;
  readonly goal: "help" | "abort";
}

async function endSlot({ shards }: Operator, collection: CollectionConfig, { complaint, goal }: SlotEnd) {
  const { slot, move } = complaint.diagnosis;
  try {
    const outcome = await driveSlot(shards, { collection, slot, move, goal });
    const isWell = outcome.kind !== "stopped";
    return { complaint, isWell, fixed: outcome.kind === "stopped" ? `not ended: ${outcome.detail}` : outcome.kind };
  } catch (error) {
    if (error instanceof CliFailure) return { complaint, isWell: false, fixed: `not ended: ${error.message}` };
    throw error;
  }
}

async function fixMap(
  operator: Operator,
  collection: CollectionConfig,
  complaints: readonly MapComplaint[],
): Promise<Treatment> {
  if (complaints.length === 0) return { treated: [], failure: null };
  const { version, left } = await repairMap(operator, collection, complaints);
  const treated = complaints.map((complaint) => {
    const reason = left.get(complaint.slot);
    const fixed = reason === undefined ? `map version ${version}` : `not changed: ${reason.detail}`;
    return { complaint, fixed, isWell: reason === undefined };
  });
  const failure = [...left.values()].find(({ kind }) => kind === "changed")?.detail ?? null;
  return { treated, failure };
}
