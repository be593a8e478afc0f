// A store in memory for tests of what stands on it: real verdicts of simple writes, ownership, commits held back at will.
// Must not be taken for the contract: tests/contract says what a store has to do.

import { parseKey } from "../../../router/canonical-key.ts";
import type { CollectionName } from "../../../router/ids.ts";
import { FIRST_OWNER, type Ownership } from "../../../router/ownership.ts";
import { slotOf, sortKeyOf } from "../../../router/slot.ts";
import type { RowAddress, Store, Write, WriteOutcome } from "../../../shards/store/port.ts";

const RANGE = { kind: "range", stripes: 1 } as const;

/** The address of a key in the collection "products". */
export function addressOf(text: string): RowAddress {
  const key = parseKey(text);
  if (!key.ok) throw new Error(key.detail);
  const collection = "products" as CollectionName;
  return { collection, slot: slotOf(RANGE, key.value), key: key.value, sortKey: sortKeyOf(RANGE, key.value) };
}

/** A write of `json` to `key`; a distinct `op` each. */
export function putOf(key: string, json = "{}", more: Partial<Write> = {}): Write {
  return {
    address: addressOf(key),
    op: crypto.randomUUID(),
    atMs: 0,
    change: { kind: "put", json },
    preconditions: { ifMatch: null, ifNoneMatch: null },
    idempotency: null,
    documentBytesMax: 1024,
    ...more,
  };
}

/** What a test sees and steers of a memory store. */
export interface MemoryStore extends Pick<Store, "commit" | "commitScope" | "read"> {
  /** Every group so far, as ops. */
  readonly groups: readonly (readonly string[])[];
  /** Per slot; OWNER when nothing is set. */
  readonly ownerships: Map<string, Ownership>;
  /** Runs before each commit; may wait or throw. */
  beforeCommit: (writes: readonly Write[]) => Promise<void> | void;
}

export function createMemoryStore(commitScope: "slot" | "store" = "store"): MemoryStore {
  const rows = new Map<string, { op: string; json: string }>();
  const groups: string[][] = [];
  const store: MemoryStore = {
    commitScope,
    groups,
    ownerships: new Map(),
    beforeCommit: () => undefined,
    async commit(writes) {
      groups.push(writes.map(({ op }) => op));
      await store.beforeCommit(writes);
      return writes.map((write) => applyTo(rows, write, store.ownerships.get(write.address.slot) ?? FIRST_OWNER));
    },
    async read(address) {
      const ownership = store.ownerships.get(address.slot) ?? FIRST_OWNER;
      if (ownership.state !== "OWNER" && ownership.state !== "FENCED") return { kind: "not-owned", ownership };
      const found = rows.get(address.key);
      return { kind: "row", row: found === undefined ? null : { ...found, key: address.key, modifiedAtMs: 0 } };
    },
  };
  return store;
}

function applyTo(rows: Map<string, { op: string; json: string }>, write: Write, ownership: Ownership): WriteOutcome {
  if (ownership.state !== "OWNER") return { kind: "not-owned", ownership };
  const { key } = write.address;
  const found = rows.get(key);
  const { ifMatch, ifNoneMatch } = write.preconditions;
  const isRefused =
    (ifMatch !== null && (found === undefined || (ifMatch !== "*" && !ifMatch.includes(found.op)))) ||
    (ifNoneMatch === "*" && found !== undefined);
  if (isRefused) return verdict({ kind: "precondition-failed", currentOp: found?.op ?? null });
  if (write.change.kind === "delete") return verdict({ kind: rows.delete(key) ? "deleted" : "absent" });
  rows.set(key, { op: write.op, json: write.change.kind === "put" ? write.change.json : write.change.patchJson });
  return verdict({ kind: found === undefined ? "created" : "replaced", op: write.op, modifiedAtMs: write.atMs });
}

function verdict(value: Extract<WriteOutcome, { kind: "verdict" }>["verdict"]): WriteOutcome {
  return { kind: "verdict", verdict: value, replayed: false };
}
