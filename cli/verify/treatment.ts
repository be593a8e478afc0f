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
import type { Operator } from "../operator.ts";
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

/** Treats all of a consultation. Slots first: what is decided by that may be new to the map. */
export async function treat(
  operator: Operator,
  { collection, complaints }: Consultation,
  patienceMs = PATIENCE_MS,
): Promise<readonly Treated[]> {
  const awaitWorker = onceForEachMove((move) => signOf(operator, move, patienceMs));
  const treated: Treated[] = [];
  for (const complaint of complaints) {
    if (complaint.kind === "ownership") treated.push(untouched(complaint));
    if (complaint.kind !== "move") continue;
    treated.push(await treatSlot(operator, { collection, complaint, awaitWorker }));
  }
  const after = treated.length === 0 ? complaints : (await consult(operator, collection)).complaints;
  const late = after.flatMap((complaint) => (complaint.kind === "map" ? [complaint] : []));
  return [...treated, ...(await fixMap(operator, collection, late))];
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
): Promise<readonly Treated[]> {
  if (complaints.length === 0) return [];
  const owners = new Map(complaints.map(({ finding, owner }) => [finding.slot, owner]));
  const version = await repairMap(operator, collection, owners);
  const fixed =
    version === null ? "not changed: stripes of one prefix have different owners" : `map version ${version}`;
  return complaints.map((complaint) => ({ complaint, fixed, isWell: version !== null }));
}
