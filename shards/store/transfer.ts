/**
 * What a move needs of a store: a slot's rows as they travel, in a form that every engine can write and read. Each operation
 * checks the ownership columns in the same storage transaction as the rows. It must not know where rows go.
 */
import type { CanonicalKey, CollectionName, SlotId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { MoveEpoch } from "../../router/slot-transition.ts";
import type { SlotAddress } from "./slot-address.ts";
import type { WriteVerdict } from "./write-verdict.ts";

/**
 * A row of a slot. Documents, what is remembered of deleted ones, and idempotency records travel alike, each exactly as it is: a
 * repetition at the new owner has to find what the old one recorded. `atMs` is the time of its write by a shard's clock.
 */
export type SlotRow =
  | {
      readonly kind: "document";
      readonly key: CanonicalKey;
      readonly op: string;
      readonly atMs: number;
      readonly json: string;
    }
  | { readonly kind: "tombstone"; readonly key: CanonicalKey; readonly op: string; readonly atMs: number }
  | {
      readonly kind: "record";
      readonly id: string;
      readonly fingerprint: string;
      readonly verdict: WriteVerdict;
      readonly atMs: number;
    };

/** What names a row within its slot. A key has one row, a document or a tombstone. Keys come before records, each by code points. */
export interface SlotRowName {
  readonly of: "key" | "record";
  readonly name: string;
}

/** Part of a slot: at most as much as the bounds allow, and a row larger than they are goes alone. */
export interface SlotPageRequest {
  readonly address: SlotAddress;
  /** Exclusive; null for the beginning. */
  readonly after: SlotRowName | null;
  /**
   * The slot's columns as this store has told them before, in an answer that has arrived. They spare it a look where they are still
   * what it finds, and change nothing else.
   */
  readonly seen?: Ownership | null;
  readonly rowsMax: number;
  /** The page ends with the row that reaches this many bytes of text. */
  readonly bytesMax: number;
}

/**
 * Rows in the order of their names, and the ownership columns of the same moment, whatever they say: nothing that was
 * acknowledged before they were so is missing. `next` is where to go on; null at the end of the slot. A page may end early,
 * even without a row, where the rows of other stripes lie between.
 */
export interface SlotPage {
  readonly ownership: Ownership;
  readonly rows: readonly SlotRow[];
  readonly next: SlotRowName | null;
}

/** Changes of a slot that is being filled. `put` replaces whatever is under the row's name. No name is in both. */
export interface SlotFill {
  readonly address: SlotAddress;
  readonly run: string;
  readonly put: readonly SlotRow[];
  readonly remove: readonly SlotRowName[];
}

/**
 * What became of a guarded change of rows: all of it; or nothing because of the ownership columns as they are, or only a part
 * before they became so.
 */
export type GuardedChange = { readonly kind: "applied" } | { readonly kind: "refused"; readonly ownership: Ownership };

/** What a step of clean-up removed; `more`: the bound ended it. */
export type SlotCleaning =
  | { readonly kind: "cleaned"; readonly rows: number; readonly more: boolean }
  | { readonly kind: "refused"; readonly ownership: Ownership };

/** A row's name; `no-key`: where a row lies whose place holds no key. */
export type StoredName = SlotRowName | { readonly of: "no-key"; readonly name: string };

/**
 * Names of what lies in a slot, whether or not it belongs there: keys and records, as many as the store reads at a stretch. `next` is
 * where to go on, in this store alone; null at the end. A page may be empty before that.
 */
export interface SlotNamesPage {
  readonly names: readonly StoredName[];
  readonly next: SlotRowName | null;
}

/** How much lies in a slot: its rows of all kinds, and the bytes of their texts, roughly. */
export interface SlotWeight {
  readonly rows: number;
  readonly bytes: number;
}

/** The part of a store that moves use. All methods reject with `StoreError`; rows of another slot are a RangeError. */
export interface SlotTransfer {
  /** The columns of many slots, as many and in the same order: everything acknowledged before is seen, not all of one moment. */
  ownerships(collection: CollectionName, slots: readonly SlotId[]): Promise<readonly Ownership[]>;
  /** For plans and progress; what is written meanwhile may or may not be in it. */
  weighSlot(address: SlotAddress): Promise<SlotWeight>;
  /**
   * Names in a slot in any state, those behind `after`, null for the beginning. Where a store keeps rows without their slot, a row of
   * no slot at all counts to one that is near.
   */
  slotNames(address: SlotAddress, after: SlotRowName | null): Promise<SlotNamesPage>;
  /** Reads rows of a slot in any state. */
  slotPage(request: SlotPageRequest): Promise<SlotPage>;
  /**
   * Writes and removes rows if `mayCopy` allows it for this run. Repeating it, or its coming late, is harmless under that
   * condition. After a rejection any part of it may have been applied, or may still be. A power failure may take it back until the next
   * change of the slot's columns is there.
   */
  fillSlot(fill: SlotFill): Promise<GuardedChange>;
  /**
   * Removes rows that a move left behind, at most `rowsMax` at a time, if `mayCleanUp` allows it. Never an ownership column. The
   * caller has seen that the move was decided or aborted, and no request of that time may be under way any more.
   */
  cleanSlot(address: SlotAddress, left: MoveEpoch, rowsMax: number): Promise<SlotCleaning>;
}
