// One slot of one shard as a store holds it, and what each operation of the store port does to it at the moment it takes effect.
// Must not wait or fail; sim-store.ts does. Writes, conditions and transitions are judged by the product's code.
import { isDeepStrictEqual } from "node:util";
import type { CanonicalKey } from "../../router/ids.ts";
import { NEVER_HELD, type Ownership } from "../../router/ownership.ts";
import { type MoveEpoch, mayCleanUp, mayCopy, mayWrite } from "../../router/slot-transition.ts";
import { compareCodePoints } from "../../router/text.ts";
import { decideWrite, type IdempotencyRecord, type StoredDocument } from "../../shards/store/decide-write.ts";
import type { OwnershipChange, ReadOutcome, RowAddress, Write, WriteOutcome } from "../../shards/store/port.ts";
import { nameOf } from "../../shards/store/slot-row.ts";
import type { GuardedChange, SlotCleaning, SlotFill, SlotRow, SlotRowName } from "../../shards/store/transfer.ts";
import { mayRead } from "./serving.ts";

interface StoredRecord extends IdempotencyRecord {
  readonly atMs: number;
}

/** What became of one write at the moment of its commit. */
export interface AppliedWrite {
  readonly write: Write;
  readonly outcome: WriteOutcome;
  /** Rows that it left behind. */
  readonly rows: readonly SlotRow[];
}

/** Rows and ownership columns of one slot. */
export class SlotData {
  ownership: Ownership = NEVER_HELD;
  readonly #documents = new Map<CanonicalKey, StoredDocument>();
  readonly #records = new Map<string, StoredRecord>();

  /** All rows in the order of their names. */
  rows(): readonly SlotRow[] {
    const keys = [...this.#documents.keys()].sort(compareCodePoints);
    const ids = [...this.#records.keys()].sort(compareCodePoints);
    return [...keys.flatMap((key) => this.#keyRow(key)), ...ids.flatMap((id) => this.#recordRow(id))];
  }

  read({ key }: RowAddress): ReadOutcome {
    const { ownership } = this;
    if (!mayRead(ownership)) return { kind: "not-owned", ownership };
    const stored = this.#documents.get(key);
    if (stored === undefined || stored.json === null) return { kind: "row", row: null };
    const { op, modifiedAtMs, json } = stored;
    return { kind: "row", row: { key, op, modifiedAtMs, json } };
  }

  latestOp(key: CanonicalKey): string | null {
    return this.#documents.get(key)?.op ?? null;
  }

  commit(write: Write): AppliedWrite {
    const { ownership } = this;
    if (!mayWrite(ownership, ownership.epoch)) {
      return { write, outcome: { kind: "not-owned", ownership }, rows: [] };
    }
    const { key } = write.address;
    const claim = write.idempotency?.id ?? "";
    const context = { document: this.#documents.get(key) ?? null, record: this.#records.get(claim) ?? null };
    const { verdict, replayed, document, record } = decideWrite(write, context);
    if (document !== null) this.#documents.set(key, document);
    if (record !== null) this.#records.set(claim, { ...record, atMs: write.atMs });
    const rows = [...(document === null ? [] : this.#keyRow(key)), ...(record === null ? [] : this.#recordRow(claim))];
    return { write, outcome: { kind: "verdict", verdict, replayed }, rows };
  }

  setOwnership(expected: Ownership, next: Ownership): OwnershipChange {
    if (next.epoch < expected.epoch) throw new RangeError(`epoch ${expected.epoch} must not become ${next.epoch}`);
    const applied = isDeepStrictEqual(this.ownership, expected);
    if (applied) this.ownership = next;
    return { applied, current: this.ownership };
  }

  fill({ run, put, remove }: Pick<SlotFill, "run" | "put" | "remove">): GuardedChange {
    if (!mayCopy(this.ownership, run)) return { kind: "refused", ownership: this.ownership };
    for (const name of remove) this.remove(name);
    for (const row of put) this.#put(row);
    return { kind: "applied" };
  }

  clean(left: MoveEpoch, rowsMax: number): SlotCleaning {
    if (!mayCleanUp(this.ownership, left)) return { kind: "refused", ownership: this.ownership };
    const rows = this.rows();
    const some = rows.slice(0, rowsMax);
    for (const row of some) this.remove(nameOf(row));
    return { kind: "cleaned", rows: some.length, more: some.length < rows.length };
  }

  remove({ of, name }: SlotRowName): void {
    if (of === "record") this.#records.delete(name);
    else this.#documents.delete(name as CanonicalKey);
  }

  #put(row: SlotRow): void {
    if (row.kind === "record") {
      const { fingerprint, verdict, atMs } = row;
      this.#records.set(row.id, { fingerprint, verdict, atMs });
      return;
    }
    const json = row.kind === "document" ? row.json : null;
    this.#documents.set(row.key, { op: row.op, modifiedAtMs: row.atMs, json });
  }

  #keyRow(key: CanonicalKey): readonly SlotRow[] {
    const stored = this.#documents.get(key);
    if (stored === undefined) return [];
    const { op, modifiedAtMs: atMs, json } = stored;
    return [json === null ? { kind: "tombstone", key, op, atMs } : { kind: "document", key, op, atMs, json }];
  }

  #recordRow(id: string): readonly SlotRow[] {
    const stored = this.#records.get(id);
    return stored === undefined ? [] : [{ kind: "record", id, ...stored }];
  }
}
