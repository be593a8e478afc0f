// How large a world the model searches, and what may happen in it.
// Must not say what is right or wrong.

/** What a client asks for, in order. `create` is a PUT with If-None-Match: *; `key` counts from 0. */
export interface Operation {
  readonly kind: "read" | "put" | "create" | "delete";
  readonly key: number;
  /** Whether it carries an Idempotency-Key. A read never does. */
  readonly isKeyed: boolean;
}

/** What can go wrong or be done beside the moves themselves. */
export type Feature =
  /** A runner may vanish at any point. */
  | "crashes"
  /** An operator may abort a move at any time. */
  | "aborts"
  /** A runner may be started for a move that was reported long ago. */
  | "late-starts"
  /** Requests that meet a move do what needs no run. */
  | "helpers"
  /** Moves may be planned while others are open: the catalog's lock on ranges failed. */
  | "overlaps"
  /** A shard that was asked reads its own columns and the destination's one after the other, and not at one moment. */
  | "looks"
  /** Connections between edge and shard are cut with the request under way. */
  | "cuts"
  /** A client may give up while its request is held. */
  | "impatience"
  /** What moves leave behind is removed. */
  | "clean-up"
  /** Tombstones are removed at the owner. */
  | "sweeps"
  /** Moves publish maps, and edges load any map that there ever was. */
  | "maps"
  /** The slot begins unclaimed; claims may be late or doubled. */
  | "claim";

/** One configuration. Shards count from 0; shard 0 is the first owner. */
export interface Scope {
  readonly name: string;
  readonly shards: number;
  readonly keys: number;
  /** Keys that have a document from the start, written by nobody's operation. */
  readonly preloaded: boolean;
  readonly clients: readonly (readonly Operation[])[];
  /** For each move in order, the shards that it may go to. */
  readonly moves: readonly (readonly number[])[];
  readonly runsPerMove: number;
  /** Runners alive at the same time. */
  readonly runners: number;
  readonly features: ReadonlySet<Feature>;
}

/** An operation without Idempotency-Key. */
export const plain = (kind: Operation["kind"], key = 0): Operation => ({ kind, key, isKeyed: false });
/** An operation with Idempotency-Key. */
export const keyed = (kind: Operation["kind"], key = 0): Operation => ({ kind, key, isKeyed: true });
