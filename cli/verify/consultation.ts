/**
 * What `doctor` finds: slots whose move has not ended and is driven by nobody, slots without a true owner, shards that do not answer;
 * and for each the one safe next command. It must not change anything.
 */
import type { CollectionConfig } from "../../config/config.ts";
import type { ShardId, SlotId } from "../../router/ids.ts";
import { WHOLE_RANGE } from "../../router/range.ts";
import { rangeOf } from "../../router/shard-map.ts";
import { prefixOfSlot } from "../../router/slot.ts";
import { type AuditFinding, auditSlot, ownersOf, sidesOf } from "../../router/slot-audit.ts";
import { type Diagnosis, diagnose, type MoveLife, movesOf } from "../../router/slot-diagnosis.ts";
import type { Move } from "../../shards/catalog/port.ts";
import { shortId } from "../moves/find-move.ts";
import { SILENT_MS, viewOf } from "../moves/move-view.ts";
import { hasEnded } from "../moves/watch-move.ts";
import type { Operator } from "../operator.ts";
import { confirmedFindings, type Look, liveMoveOf, lookAtSlots } from "./look.ts";
import type { LateSlot } from "./map-repair.ts";

/** One answer of the doctor. `next` is what to do, null when only a person can tell; `version` that of the map which does not name the owner. */
export type Complaint =
  | { readonly kind: "move"; readonly diagnosis: Diagnosis; readonly next: string | null }
  | (LateSlot & { readonly kind: "map"; readonly finding: AuditFinding; readonly next: string })
  | { readonly kind: "ownership"; readonly finding: AuditFinding };

/** Everything about one collection. `underWay`: slots that a runner is at right now. `answering`: shards that do. `held`: live moves that a silent shard holds up. */
export interface Consultation {
  readonly collection: CollectionConfig;
  readonly complaints: readonly Complaint[];
  readonly underWay: number;
  readonly answering: number;
  readonly silent: ReadonlyMap<ShardId, string>;
  readonly held: readonly Move[];
}

/** What of an audit is the doctor's: the rest are differences that nobody waits for. */
const GRAVE: ReadonlySet<AuditFinding["kind"]> = new Set<AuditFinding["kind"]>(["two-owners", "no-owner", "invariant"]);

/** Looks at all slots of a collection. */
export async function consult(operator: Operator, collection: CollectionConfig): Promise<Consultation> {
  const lives = new Map<string, MoveLife>();
  const take = async (range = WHOLE_RANGE): Promise<Look> => {
    lives.clear();
    return lookAtSlots(operator, { collection, range, depth: "columns" });
  };
  const first = await take();
  const silent = new Map(first.silent);
  let underWay = 0;
  const judge = async (look: Look, slot: SlotId): Promise<readonly Complaint[]> => {
    for (const [shard, reason] of look.silent) silent.set(shard, reason);
    for (const { move } of movesOf(sidesAt(look, slot))) {
      if (!lives.has(move)) lives.set(move, await lifeOf(operator, move));
    }
    const open = diagnose(sidesAt(look, slot), (move) => lives.get(move) ?? { kind: "unknown" });
    if (look === first && open.some(({ remedy }) => remedy === "wait")) underWay += 1;
    return complaintsOf(
      look,
      slot,
      open.filter(({ remedy }) => remedy !== "wait"),
    );
  };
  const complaints = await confirmedFindings(first, take, judge);
  const held = first.live.filter(({ from, to }) => silent.has(from) || silent.has(to));
  const answering = operator.config.shards.size - silent.size;
  return { collection, complaints, underWay, answering, silent, held };
}

function sidesAt({ slots }: Look, slot: SlotId) {
  return sidesOf({ slot, reports: slots.get(slot) ?? new Map() });
}

async function lifeOf({ catalog, nowMs }: Operator, id: string): Promise<MoveLife> {
  const move = await catalog.move(id);
  if (move === null) return { kind: "unknown" };
  if (hasEnded(move)) return { kind: "ended" };
  const silentMs = viewOf(move, [], nowMs()).silentMs ?? nowMs() - move.createdAtMs;
  return { kind: silentMs <= SILENT_MS ? "driven" : "idle", isAborting: move.state === "aborting" };
}

function complaintsOf(look: Look, slot: SlotId, open: readonly Diagnosis[]): readonly Complaint[] {
  const reports = look.slots.get(slot) ?? new Map();
  const complaints = open.map((diagnosis) => ({ kind: "move", diagnosis, next: nextFor(look, diagnosis) }) as const);
  // Of a slot that not all shards tell of, nobody can say that it has no owner.
  if (look.silent.size > 0) return complaints;
  const mapOwner = rangeOf(look.map, prefixOfSlot(look.collection.placement, slot)).shard;
  const findings = auditSlot({ slot, reports, mapOwner, isMoving: liveMoveOf(look, slot) !== undefined });
  const grave = findings.filter(({ kind }) => GRAVE.has(kind));
  const [owner] = ownersOf(sidesOf({ slot, reports }));
  const late = owner === undefined ? [] : findings.filter(({ kind }) => kind === "map-differs");
  return [
    ...complaints,
    ...grave.map((finding) => ({ kind: "ownership", finding }) as const),
    ...late.map((finding) => {
      const { version } = look.map;
      return { kind: "map", finding, slot, owner: owner ?? mapOwner, version, next: fixCommand(look) } as const;
    }),
  ];
}

function fixCommand({ collection }: Look): string {
  return `zgate doctor ${collection.name} --fix`;
}

function nextFor(look: Look, { move, remedy }: Diagnosis): string | null {
  switch (remedy) {
    case "help":
    case "abort":
      return fixCommand(look);
    // Workers find every live move by themselves, and there is no command that could start one.
    case "runner":
    case "wait":
      return `zgate watch ${shortId(move.move)}`;
    // The shard is brought back by whoever runs it; then the question is the same.
    case "answer":
      return `zgate doctor ${look.collection.name}`;
    case "restore-store":
      return null;
    default:
      return remedy satisfies never;
  }
}
