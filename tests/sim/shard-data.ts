// What lies in one shard's database: its slots, and who is told of each change at the moment it takes effect.
// Must not judge what it is told to do.
import type { ShardId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import { type MoveEpoch, type OwnershipEvent, transition } from "../../router/slot-transition.ts";
import type {
  OwnershipChange,
  ReadOutcome,
  RowAddress,
  SlotAddress,
  Write,
  WriteOutcome,
} from "../../shards/store/port.ts";
import type { GuardedChange, SlotCleaning, SlotFill, SlotRow, SlotRowName } from "../../shards/store/transfer.ts";
import { type AppliedWrite, SlotData } from "./slot-data.ts";

/** A slot at a shard. */
export interface ShardSlot {
  readonly shard: ShardId;
  readonly address: SlotAddress;
}

/** Told after each effect. */
export interface StoreWatcher {
  ownershipChanged(at: ShardSlot, before: Ownership, after: Ownership): void;
  written(at: ShardSlot, applied: AppliedWrite): void;
  readAnswered(at: ShardSlot): void;
  /** Rows came or went by a move. */
  rowsChanged(at: ShardSlot): void;
  swept(at: ShardSlot, name: SlotRowName): void;
  cleaned(at: ShardSlot): void;
}

/** Lives as long as the run: no crash of a process touches it. */
export class ShardData {
  readonly shard: ShardId;
  readonly #watcher: StoreWatcher;
  readonly #slots = new Map<string, SlotData>();

  constructor(shard: ShardId, watcher: StoreWatcher) {
    this.shard = shard;
    this.#watcher = watcher;
  }

  slot(address: SlotAddress): SlotData {
    const known = this.#slots.get(address.slot);
    if (known !== undefined) return known;
    const data = new SlotData();
    this.#slots.set(address.slot, data);
    return data;
  }

  read(address: RowAddress): ReadOutcome {
    const outcome = this.slot(address).read(address);
    if (outcome.kind === "row") this.#watcher.readAnswered(this.#at(address));
    return outcome;
  }

  commit(writes: readonly Write[]): readonly WriteOutcome[] {
    return writes.map((write) => {
      const applied = this.slot(write.address).commit(write);
      this.#watcher.written(this.#at(write.address), applied);
      return applied.outcome;
    });
  }

  setOwnership(address: SlotAddress, expected: Ownership, next: Ownership): OwnershipChange {
    const slot = this.slot(address);
    const before = slot.ownership;
    const change = slot.setOwnership(expected, next);
    if (change.applied) this.#watcher.ownershipChanged(this.#at(address), before, next);
    return change;
  }

  /** A statement that comes late, and at once when it comes: no process has to be awake for it. */
  apply(address: SlotAddress, event: OwnershipEvent): void {
    const { ownership } = this.slot(address);
    const verdict = transition(ownership, event);
    if (verdict.kind === "change") this.setOwnership(address, ownership, verdict.next);
  }

  fill(fill: SlotFill): GuardedChange {
    const change = this.slot(fill.address).fill(fill);
    if (change.kind === "applied") this.#watcher.rowsChanged(this.#at(fill.address));
    return change;
  }

  clean(address: SlotAddress, left: MoveEpoch, rowsMax: number): SlotCleaning {
    const cleaning = this.slot(address).clean(left, rowsMax);
    if (cleaning.kind === "cleaned" && cleaning.rows > 0) this.#watcher.cleaned(this.#at(address));
    return cleaning;
  }

  /** Tombstones written before that time, in slots that are owned. */
  sweep(tombstonesBeforeMs: number): number {
    let count = 0;
    for (const [slot, data] of this.#slots) {
      if (data.ownership.state !== "OWNER") continue;
      for (const row of data.rows().filter((one) => isOldTombstone(one, tombstonesBeforeMs))) {
        const name: SlotRowName = { of: "key", name: row.kind === "tombstone" ? row.key : "" };
        data.remove(name);
        count += 1;
        this.#watcher.swept({ shard: this.shard, address: { slot } as SlotAddress }, name);
      }
    }
    return count;
  }

  #at({ collection, slot }: SlotAddress): ShardSlot {
    return { shard: this.shard, address: { collection, slot } };
  }
}

function isOldTombstone(row: SlotRow, beforeMs: number): boolean {
  return row.kind === "tombstone" && row.atMs < beforeMs;
}
