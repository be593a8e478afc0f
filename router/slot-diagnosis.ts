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
 * what others have seen of it; no statement helps. `answer`: a shard has to answer first.
 */
export type Remedy = "wait" | "runner" | "help" | "abort" | "restore-store" | "answer";

/**
 * An unended move of one slot. `half-seen`: one side does not answer. `owner` holds the truth; null when the columns cannot say.
 * `unknown`: that depends on who does not answer.
 */
export interface Diagnosis {
  readonly slot: SlotId;
  readonly move: SlotMove;
  readonly stage: Stage | "half-seen";
  readonly owner: ShardId | null;
  readonly serves: "everything" | "reads" | "nothing" | "unknown";
  readonly waitsFor: string;
  readonly remedy: Remedy;
}

/** Stages after which nothing is left to do for the slot. */
const SETTLED: ReadonlySet<Stage> = new Set<Stage>(["decided", "beyond", "aborted", "over"]);

/** A move, and the columns of a side that tells of it. */
interface Telling {
  readonly move: SlotMove;
  readonly told: Ownership;
}

/** The moves that a slot's columns tell of, each once. An OWNER's move has ended. */
export function movesOf(sides: SlotSides): readonly SlotMove[] {
  return tellingsOf(sides).map(({ move }) => move);
}

function tellingsOf({ columns }: SlotSides): readonly Telling[] {
  const tellings = new Map<string, Telling>();
  for (const [shard, told] of columns) {
    const move = moveAt(shard, told);
    if (move !== null) tellings.set(`${move.move} ${move.epoch}`, { move, told });
  }
  return [...tellings.values()];
}

/** Everything unended about a slot. `lifeOf` says what is known of a move by its id. */
export function diagnose(sides: SlotSides, lifeOf: (move: string) => MoveLife): readonly Diagnosis[] {
  return tellingsOf(sides).flatMap(({ move, told }) => {
    const source = sides.columns.get(move.source);
    const destination = sides.columns.get(move.destination);
    const life = lifeOf(move.move);
    if (source === undefined || destination === undefined) return diagnoseHalf(sides, { move, told, life });
    const stage = stageOf(move, source, destination);
    if (SETTLED.has(stage)) return [];
    const owner = ownerAt(stage, move, sides);
    return [{ slot: sides.slot, move, stage, owner, ...stateOf({ stage, source, move, life }) }];
  });
}

interface HalfSeen extends Telling {
  readonly life: MoveLife;
}

/** One side does not answer, and what the other one says is all there is. Whether it is decided only the destination knows. */
function diagnoseHalf(sides: SlotSides, half: HalfSeen): readonly Diagnosis[] {
  const { move, told, life } = half;
  // These stay when a move has ended: what the catalog or a later epoch says of it is enough.
  const mayBeOver = told.state === "GONE" || told.state === "ABORTED";
  if (mayBeOver && (life.kind === "ended" || hasGoneOn(sides, move))) return [];
  const absent = sides.columns.has(move.source) ? move.destination : move.source;
  return [
    {
      slot: sides.slot,
      move,
      stage: "half-seen",
      owner: ownerByHalf(sides, half),
      serves: told.state === "FENCED" ? "reads" : "unknown",
      waitsFor: isLive(life) ? `${absent} to answer, and goes on by itself then` : `${absent} to answer`,
      remedy: "answer",
    },
  ];
}

/** A later epoch was planned when the slot had an owner of this one, or a later one. */
function hasGoneOn({ columns }: SlotSides, { epoch }: SlotMove): boolean {
  return [...columns.values()].some((ownership) => ownership.epoch > epoch);
}

/**
 * A source that is still fenced has not let go, and a seal was made while it was fenced: nothing was decided. One that is gone may
 * have been followed by an owner. Below a destination that is not sealed the source may have gone on to another one, but not
 * while the catalog keeps the slot for this move.
 */
function ownerByHalf(sides: SlotSides, { move, told, life }: HalfSeen): ShardId | null {
  const isSealed = told.state === "RECEIVING" && told.digest !== null;
  if (told.state === "FENCED" || isSealed) return move.source;
  if (told.state === "GONE") return null;
  return isLive(life) ? move.source : ownerThatSaysSo(sides);
}

function isLive({ kind }: MoveLife): boolean {
  return kind === "driven" || kind === "idle";
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
function ownerAt(stage: Stage, move: SlotMove, sides: SlotSides): ShardId | null {
  if (stage === "source-behind" || stage === "destination-behind") return null;
  if (stage !== "end-filling" && stage !== "end-unbegun" && stage !== "crowded-out") return move.source;
  return ownerThatSaysSo(sides);
}

function ownerThatSaysSo({ columns }: SlotSides): ShardId | null {
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
