/**
 * The tables of a shard's SQLite file and what every configured collection needs in them.
 * A released migration must never change; what is different tomorrow is another migration.
 */
import type { DatabaseSync } from "node:sqlite";
import type { ShardId } from "../../router/ids.ts";
import { slotsOf } from "../../router/slot.ts";
import type { SqliteSchema } from "../catalog/sqlite-connection.ts";
import { SqliteError } from "../catalog/sqlite-fault.ts";
import type { StoreCollection } from "./port.ts";

/**
 * `ordinal` numbers a collection's slots in key order, the stripes of one prefix side by side. Sort keys compare as UTF-8
 * bytes (BINARY), which is code-point order. Tombstones and documents exclude each other; apart, a page never
 * reads over what was deleted. Verdicts are JSON. Rows lie in the order in which they came, found through a slim index:
 * written at random, that dirties far fewer pages than rows kept in key order (measured: 2.5 times the inserts).
 */
const TABLES = `
  CREATE TABLE collections (
    name TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    stripes INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE slots (
    collection TEXT NOT NULL,
    slot TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    own_state TEXT NOT NULL DEFAULT 'NONE'
      CHECK (own_state IN ('NONE', 'OWNER', 'FENCED', 'GONE', 'RECEIVING', 'ABORTED')),
    own_epoch INTEGER NOT NULL DEFAULT 0 CHECK (own_epoch >= 0),
    own_move TEXT,
    own_run TEXT,
    own_to TEXT,
    own_digest TEXT,
    PRIMARY KEY (collection, slot)
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX slots_not_readable ON slots (collection, ordinal) WHERE own_state NOT IN ('OWNER', 'FENCED');

  CREATE TRIGGER slots_epoch_never_falls BEFORE UPDATE ON slots WHEN NEW.own_epoch < OLD.own_epoch
  BEGIN SELECT RAISE(ABORT, 'own_epoch never goes down'); END;

  CREATE TRIGGER slots_stay BEFORE DELETE ON slots
  BEGIN SELECT RAISE(ABORT, 'ownership columns are never deleted'); END;

  CREATE TABLE documents (
    collection TEXT NOT NULL,
    sort_key TEXT NOT NULL,
    op TEXT NOT NULL,
    modified_at_ms INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (collection, sort_key)
  ) STRICT;

  CREATE TABLE tombstones (
    collection TEXT NOT NULL,
    slot TEXT NOT NULL,
    sort_key TEXT NOT NULL,
    op TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (collection, slot, sort_key)
  ) STRICT;

  CREATE INDEX tombstones_by_age ON tombstones (collection, at_ms, slot, sort_key);

  CREATE TABLE records (
    collection TEXT NOT NULL,
    slot TEXT NOT NULL,
    id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    verdict TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (collection, slot, id)
  ) STRICT;

  CREATE INDEX records_by_age ON records (collection, at_ms, slot, id);
`;

/** Whose store this is. A store from before this migration belongs to the shard that opens it next. */
const IDENTITY = `
  CREATE TABLE identity (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    shard TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/** Which store, whose it is, and what is to be kept in it. */
export interface StoreContent {
  readonly file: string;
  readonly shard: ShardId;
  readonly collections: readonly StoreCollection[];
}

/** The schema, with a slot row (NONE, epoch 0) for every slot of every one of `collections`. */
export function storeSchema({ file, shard, collections }: StoreContent): SqliteSchema {
  return {
    migrations: [TABLES, IDENTITY],
    prepare: (db) => {
      settleIdentity(db, file, shard);
      for (const collection of collections) prepareCollection(db, collection);
    },
  };
}

function settleIdentity(db: DatabaseSync, file: string, shard: ShardId): void {
  const known = db.prepare("SELECT shard FROM identity").get()?.["shard"];
  if (known === shard) return;
  if (known !== undefined) {
    const reason = `is the store of shard "${String(known)}", and shard "${shard}" must not serve it`;
    throw new SqliteError("unavailable", `${file}: ${reason}; give each shard its own directory, and its own backup`);
  }
  db.prepare("INSERT INTO identity (only_row, shard) VALUES (1, ?)").run(shard);
}

function prepareCollection(db: DatabaseSync, { name, placement }: StoreCollection): void {
  const { stripes } = placement;
  const known = db.prepare("SELECT kind, stripes FROM collections WHERE name = ?").get(name);
  if (known === undefined) {
    db.prepare("INSERT INTO collections (name, kind, stripes) VALUES (?, ?, ?)").run(name, placement.kind, stripes);
    const insertSlot = db.prepare("INSERT INTO slots (collection, slot, ordinal) VALUES (?, ?, ?)");
    for (const [ordinal, slot] of slotsOf(placement).entries()) insertSlot.run(name, slot, ordinal);
    return;
  }
  if (known["kind"] === placement.kind && known["stripes"] === stripes) return;
  const there = `${String(known["kind"])} with ${String(known["stripes"])} stripes`;
  throw new SqliteError(
    "unavailable",
    `collection "${name}" was created as ${there} and cannot become ${placement.kind} with ${stripes}`,
  );
}
