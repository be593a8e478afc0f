/**
 * The store port: what a shard needs of its database. SQLite is behind it today; another engine must pass the
 * same contract suite (tests/contract/store-contract.ts) unchanged.
 *
 * Every operation checks the slot's ownership columns in the same storage transaction as the data, and says
 * what it found instead of serving a slot that it does not own.
 */
import type { CanonicalKey, CollectionName, SlotId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { Placement, SortKey } from "../../router/slot.ts";
import type { SlotAddress } from "./slot-address.ts";
import type { SlotTransfer } from "./transfer.ts";
import type { WriteVerdict } from "./write-verdict.ts";

export type { SlotAddress, WriteVerdict };

/** What the store must know of a collection. */
export interface StoreCollection {
  readonly name: CollectionName;
  readonly placement: Placement;
}

/** One key. `sortKey` and `slot` follow from the key and the collection's placement. */
export interface RowAddress extends SlotAddress {
  readonly key: CanonicalKey;
  readonly sortKey: SortKey;
}

/** A stored document. `json` is the text exactly as the client sent it. */
export interface Row {
  readonly key: CanonicalKey;
  /** UUID of the write that made this version: the ETag. */
  readonly op: string;
  /** Time of that write by the shard's clock, in milliseconds since 1970. */
  readonly modifiedAtMs: number;
  readonly json: string;
}

/** If-Match and If-None-Match: "*" or a list of op ids. A condition that is not there is null. */
export interface Preconditions {
  readonly ifMatch: "*" | readonly string[] | null;
  readonly ifNoneMatch: "*" | readonly string[] | null;
}

/** What a write does to the row. `merge` is a JSON merge patch (RFC 7396), as JSON text. */
export type Change =
  | { readonly kind: "put"; readonly json: string }
  | { readonly kind: "merge"; readonly patchJson: string }
  | { readonly kind: "delete" };

/**
 * The client's Idempotency-Key. `id` is unique per subject, document key and client key; `fingerprint` is a
 * digest of all that the request asked for.
 */
export interface IdempotencyClaim {
  readonly id: string;
  readonly fingerprint: string;
}

/** One write. `op` is used at most once over all shards and all time. */
export interface Write {
  readonly address: RowAddress;
  readonly op: string;
  readonly atMs: number;
  readonly change: Change;
  readonly preconditions: Preconditions;
  readonly idempotency: IdempotencyClaim | null;
  /** Largest document that the collection allows, in bytes: a merge may outgrow it. */
  readonly documentBytesMax: number;
}

/** `replayed`: the verdict is that of an earlier write with the same idempotency claim. */
export type WriteOutcome =
  | { readonly kind: "verdict"; readonly verdict: WriteVerdict; readonly replayed: boolean }
  | { readonly kind: "not-owned"; readonly ownership: Ownership };

/** `row` null: the key does not exist, and this slot's owner says so. */
export type ReadOutcome =
  | { readonly kind: "row"; readonly row: Row | null }
  | { readonly kind: "not-owned"; readonly ownership: Ownership };

/** `op` of the latest write of a key, be it a deletion that is still remembered; null when nothing is known of the key. */
export type LatestOpOutcome =
  | { readonly kind: "op"; readonly op: string | null }
  | { readonly kind: "not-owned"; readonly ownership: Ownership };

/** Part of a collection in sort-key order. Exactly one of `from` (inclusive) and `after` (exclusive) is set. */
export interface ListRequest {
  readonly collection: CollectionName;
  readonly from: SortKey | null;
  readonly after: SortKey | null;
  /** Exclusive; null for the end. */
  readonly to: SortKey | null;
  readonly limit: number;
  /** The page ends with the row that reaches this many bytes of documents. */
  readonly bytesMax: number;
}

/**
 * A page. `coveredTo` is the exclusive sort key up to which nothing is missing; null when the page reaches
 * `to`. It ends early at the limit, or at the first slot that is not readable here.
 * `not-owned`: already the first slot is not readable.
 */
export type ListOutcome =
  | { readonly kind: "page"; readonly rows: readonly Row[]; readonly coveredTo: SortKey | null }
  | { readonly kind: "not-owned"; readonly slot: SlotId; readonly ownership: Ownership };

/** What one bounded clean-up step removed. `more`: the bound ended it. */
export interface SweepOutcome {
  readonly records: number;
  readonly tombstones: number;
  readonly more: boolean;
}

/** What may be removed: rows older than these times, in milliseconds since 1970. */
export interface SweepRequest {
  readonly collection: CollectionName;
  readonly recordsBeforeMs: number;
  readonly tombstonesBeforeMs: number;
  readonly rowsMax: number;
}

/** Why a store operation failed. `unknown`: a write may or may not have been applied. */
export type StoreFailure = "busy" | "full" | "unavailable" | "unknown";

/** The world failed under a store operation; `kind` says what may be told to the client. */
export class StoreError extends Error {
  readonly kind: StoreFailure;

  constructor(kind: StoreFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreError";
    this.kind = kind;
  }
}

/**
 * Whether the database can serve at all. `impaired`: it serves, with less left to lose than there should be.
 * `detail` is for people.
 */
export type StoreStatus =
  | { readonly kind: "ready" }
  | { readonly kind: "impaired"; readonly detail: string }
  | { readonly kind: "unreachable"; readonly detail: string };

/**
 * A shard's database. Reads serve OWNER and FENCED slots, writes OWNER slots only.
 * All methods reject with `StoreError` only.
 */
export interface Store extends SlotTransfer {
  /** What one `commit` can make durable at once: writes of one slot, or of all slots together. */
  readonly commitScope: "slot" | "store";
  read(address: RowAddress): Promise<ReadOutcome>;
  /** Which write a key shows the effect of: after an unknown outcome the write's own op proves that it was applied. */
  latestOp(address: RowAddress): Promise<LatestOpOutcome>;
  /**
   * Applies writes in order, all of them durable when it resolves; as many outcomes, in the same order. Each
   * is judged alone, as if the others had come before or after it. With commitScope "slot", all are of one slot.
   */
  commit(writes: readonly Write[]): Promise<readonly WriteOutcome[]>;
  list(request: ListRequest): Promise<ListOutcome>;
  ownership(address: SlotAddress): Promise<Ownership>;
  /**
   * Sets the ownership columns if they equal `expected` in every column; otherwise changes nothing. Resolves to what
   * is there afterwards and whether it was set. Throws a RangeError if the epoch would go down.
   */
  setOwnership(address: SlotAddress, expected: Ownership, next: Ownership): Promise<OwnershipChange>;
  /**
   * The first owner's claim: turns `slots` from as created (NONE, epoch 0) to OWNER, 1. All of them or none, for whoever
   * looks afterwards: a claim that is repeated finds exactly its slots held, and changes nothing. Where any other set is
   * held, somebody else may own what is asked for, and nothing is claimed.
   */
  claimFirst(collection: CollectionName, slots: readonly SlotId[]): Promise<FirstClaim>;
  /** Whether any slot of the collection is held, or ever was: a store that was claimed and says no has lost its content. */
  hasHeld(collection: CollectionName): Promise<boolean>;
  /** Removes what has expired, only in slots that are owned; never an ownership column. */
  sweep(request: SweepRequest): Promise<SweepOutcome>;
  /** What is known of the database without asking it. */
  status(): StoreStatus;
  /** Bytes that are left to be written, as far as that can be told; null for a database that lies on other machines. */
  freeBytes(): number | null;
  /** Waits for what is under way; later calls reject with `unavailable`. */
  close(): Promise<void>;
}

/**
 * What `claimFirst` did. `slots` counts what was claimed now: 0 when an earlier claim had done it. A slot counts as held
 * from its first claim or move on, whatever became of it.
 */
export type FirstClaim =
  | { readonly kind: "claimed"; readonly slots: number }
  | { readonly kind: "others-held"; readonly heldSlots: number };

/** What `setOwnership` did. `applied`: this call has set the columns, for certain; else `current` tells what there is to know. */
export interface OwnershipChange {
  readonly applied: boolean;
  readonly current: Ownership;
}
