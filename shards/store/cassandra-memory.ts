/**
 * What this process has last seen of slots and keys, so that a write's conditions can be guessed without a read.
 * It may be wrong at any time and must never be taken for an answer: the servers check every guess.
 */
import type { CollectionName } from "../../router/ids.ts";
import { FIRST_OWNER } from "../../router/ownership.ts";
import { deletedVersion, liveVersion } from "./cassandra-plan.ts";
import type { StoredDocument } from "./decide-write.ts";
import type { SlotAddress } from "./port.ts";

/** Bounds of the memory. A key takes some 300 bytes, a slot some 150. */
export interface MemoryLimits {
  readonly keysMax: number;
  readonly slotsMax: number;
}

/** Some 16 MiB. */
export const MEMORY_LIMITS: MemoryLimits = { keysMax: 50_000, slotsMax: 10_000 };

interface Version {
  readonly op: string;
  readonly isDeleted: boolean;
}

/** What was last seen. */
export class SlotMemory {
  readonly #versions: BoundedMap<Version>;
  readonly #epochs: BoundedMap<number>;
  readonly #traces: BoundedMap<string>;

  constructor({ keysMax, slotsMax }: MemoryLimits) {
    this.#versions = new BoundedMap(keysMax);
    this.#epochs = new BoundedMap(slotsMax);
    this.#traces = new BoundedMap(slotsMax);
  }

  /** The last batch of this process that has left its trace in the slot; null when it left none, or may have left another. */
  traceOf({ collection, slot }: SlotAddress): string | null {
    return this.#traces.get(`${collection} ${slot}`) ?? null;
  }

  rememberTrace({ collection, slot }: SlotAddress, batch: string): void {
    this.#traces.set(`${collection} ${slot}`, batch);
  }

  /** The epoch at which the slot was last owned here. A slot never seen is most likely with its first owner. */
  epochOf({ collection, slot }: SlotAddress): number {
    return this.#epochs.get(`${collection} ${slot}`) ?? FIRST_OWNER.epoch;
  }

  rememberEpoch({ collection, slot }: SlotAddress, epoch: number): void {
    this.#epochs.set(`${collection} ${slot}`, epoch);
  }

  /** The version of a key; null when it was absent, or never seen. A text is never remembered. */
  versionOf(collection: CollectionName, key: string): StoredDocument | null {
    const version = this.#versions.get(`${collection} ${key}`);
    if (version === undefined) return null;
    return version.isDeleted ? deletedVersion(version.op) : liveVersion(version.op);
  }

  rememberVersion(collection: CollectionName, key: string, document: StoredDocument | null): void {
    const name = `${collection} ${key}`;
    if (document === null) this.#versions.delete(name);
    else this.#versions.set(name, { op: document.op, isDeleted: document.json === null });
  }
}

/** Keeps what was set last. */
class BoundedMap<Value> {
  readonly #sizeMax: number;
  readonly #values = new Map<string, Value>();

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get(name: string): Value | undefined {
    return this.#values.get(name);
  }

  set(name: string, value: Value): void {
    if (this.#values.delete(name) === false && this.#values.size >= this.#sizeMax) this.#forgetOldest();
    this.#values.set(name, value);
  }

  delete(name: string): void {
    this.#values.delete(name);
  }

  #forgetOldest(): void {
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest);
      return;
    }
  }
}
