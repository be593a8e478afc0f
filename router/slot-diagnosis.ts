/**
 * What a slot's columns at all shards say about moves that have not ended: who is its true owner, what it waits for, and what may
 * safely be done. The rule "decided?" and the stages of a move decide, nothing else. It must not do anything.
 */
import { quote, type ShardId, type SlotId } from "./ids.ts";
import type { Ownership } from "./ownership.ts";
import { type SlotMove, type Stage, stageOf } from "./slot-stand.ts";

/** One slot at every shard that was asked, all of one moment. */
export interface SlotSides {
  readonly slot: SlotId;
  readonly columns: ReadonlyMap<ShardId, Ownership>;
}

/** What is known of a move: `driven` has a runner that has shown itself lately, `idle` has none, `ended` needs none any more. */
export type MoveLife =
  | { readonly kind: "driven" | "idle"; readonly isAborting: boolean }
  | { readonly kind: "ended" | "unknown" };

/**
 * What may be done. `wait`: its runner goes on by itself. `runner`: only one that copies can go on, which a worker of the destination
 * becomes by itself; or an abort. `help` and `abort`: a few statements, which anybody may send. `restore-store`: a store is older than
 * what others have seen of it; no statement helps.
 */
export type Remedy = "wait" | "runner" | "help" | "abort" | "restore-store";

/** An unended move of one slot. `owner` holds the truth; null when the columns cannot say. */
export interface Diagnosis {
  readonly slot: SlotId;
  readonly move: SlotMove;
  readonly stage: Stage;
  readonly owner: ShardId | null;
  readonly serves: "everything" | "reads" | "nothing";
  readonly waitsFor: string;
  readonly remedy: Remedy;
}

/** Stages after which nothing is left to do for the slot. */
const SETTLED: ReadonlySet<Stage> = new Set<Stage>(["decided", "beyond", "aborted", "over"]);

/** The moves that a slot's columns tell of, each once. An OWNER's move has ended. */
export function movesOf({ columns }: SlotSides): readonly SlotMove[] {
  const moves = new Map<string, SlotMove>();
  for (const [shard, ownership] of columns) {
    const move = moveAt(shard, ownership);
    if (move !== null) moves.set(`${move.move} ${move.epoch}`, move);
  }
  return [...moves.values()];
}

/** Everything unended about a slot. `lifeOf` says what is known of a move by its id. */
export function diagnose(sides: SlotSides, lifeOf: (move: string) => MoveLife): readonly Diagnosis[] {
  return movesOf(sides).flatMap((move) => {
    const source = sides.columns.get(move.source);
    const destination = sides.columns.get(move.destination);
    if (source === undefined || destination === undefined) return [];
    const stage = stageOf(move, source, destination);
    if (SETTLED.has(stage)) return [];
    const life = lifeOf(move.move);
    const owner = ownerAt(stage, move, sides);
    return [{ slot: sides.slot, move, stage, owner, ...stateOf({ stage, source, move, life }) }];
  });
}

function moveAt(shard: ShardId, { state, epoch, move, to }: Ownership): SlotMove | null {
  if (move === null || to === null) return null;
  switch (state) {
    case "FENCED":
    case "GONE":
      return { move, epoch, source: shard, destination: to };
    case "RECEIVING":
    case "ABORTED":
      return { move, epoch, source: to, destination: shard };
    case "NONE":
    case "OWNER":
      return null;
    default:
      throw new Error(`broken assumption: slot state ${quote(state satisfies never)}`);
  }
}

/** Until a move is decided its source holds the truth, whether or not it may serve. */
function ownerAt(stage: Stage, move: SlotMove, { columns }: SlotSides): ShardId | null {
  if (stage === "source-behind" || stage === "destination-behind") return null;
  if (stage !== "end-filling" && stage !== "end-unbegun" && stage !== "crowded-out") return move.source;
  const [owner, ...others] = [...columns]
    .filter(([, ownership]) => ownership.state === "OWNER")
    .map(([shard]) => shard);
  return owner === undefined || others.length > 0 ? null : owner;
}

interface Seen {
  readonly stage: Stage;
  readonly source: Ownership;
  readonly move: SlotMove;
  readonly life: MoveLife;
}

function stateOf(seen: Seen): Pick<Diagnosis, "serves" | "waitsFor" | "remedy"> {
  const { state } = seen.source;
  const serves = state === "OWNER" ? "everything" : state === "FENCED" ? "reads" : "nothing";
  const remedy = remedyOf(seen);
  return { serves, remedy, waitsFor: describeWait(seen, remedy) };
}

function remedyOf({ stage, life }: Seen): Remedy {
  if (stage === "source-behind" || stage === "destination-behind") return "restore-store";
  if (life.kind === "driven") return "wait";
  if (stage === "go" || stage === "decide") return life.kind === "idle" && life.isAborting ? "abort" : "help";
  if (stage === "restore") return "help";
  if (life.kind !== "idle") return "abort";
  return life.isAborting ? "abort" : "runner";
}

const STEP_NAMES: Readonly<Record<Stage, string>> = {
  begin: "to be begun",
  fill: "its copy",
  seal: "the comparison of both sides",
  go: "its source to let go",
  decide: "the decision, which anybody may make",
  decided: "nothing",
  beyond: "nothing",
  restore: "its source to be put back, after an abort",
  aborted: "nothing",
  "crowded-out": "its end: another move has taken its place",
  "end-unbegun": "its end: the source has gone on",
  "end-filling": "its end: the source has gone on",
  over: "nothing",
  "source-behind": "a backup: the store of its source is older than what the destination has seen of it",
  "destination-behind": "a backup: the store of its destination is older than what the source has seen of it",
};

function describeWait({ stage, move }: Seen, remedy: Remedy): string {
  if (remedy === "wait") return `${STEP_NAMES[stage]}; ${move.destination} is at it`;
  if (remedy === "runner") return `${STEP_NAMES[stage]}, by a worker of ${move.destination}`;
  return STEP_NAMES[stage];
}
