/**
 * The tables of the SQLite catalog, as numbered migrations. One that was released never changes; new ones are added behind it.
 * It must not hold statements that run after opening.
 */
import type { SqliteSchema } from "./sqlite-connection.ts";

/** Versions are immutable. A head only ever goes from one version to the next. */
const MAPS_AND_CLAIMS = `
  CREATE TABLE heads (
    collection TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL CHECK (version >= 1)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE versions (
    collection TEXT NOT NULL,
    version INTEGER NOT NULL,
    parent INTEGER NOT NULL,
    ranges TEXT NOT NULL,
    writer TEXT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (collection, version)
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER versions_never_change BEFORE UPDATE ON versions
  BEGIN SELECT RAISE(ABORT, 'versions never change'); END;

  CREATE TRIGGER versions_stay BEFORE DELETE ON versions
  BEGIN SELECT RAISE(ABORT, 'versions are never deleted'); END;

  CREATE TABLE claims (
    collection TEXT NOT NULL,
    shard TEXT NOT NULL,
    actor TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (collection, shard)
  ) STRICT, WITHOUT ROWID;
`;

/** `position` is the order of creation. The trail of what was published before begins with the versions that are there. */
const MOVES_LEASES_AND_AUDIT = `
  CREATE TABLE moves (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    collection TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'aborting', 'done', 'aborted')),
    record TEXT NOT NULL
  ) STRICT;

  CREATE INDEX moves_of_collection ON moves (collection, position);
  CREATE INDEX moves_in_state ON moves (state, position);

  CREATE TRIGGER moves_end_once BEFORE UPDATE ON moves WHEN OLD.state IN ('done', 'aborted')
  BEGIN SELECT RAISE(ABORT, 'a move that has ended never changes'); END;

  CREATE TRIGGER moves_stay BEFORE DELETE ON moves
  BEGIN SELECT RAISE(ABORT, 'moves are never deleted'); END;

  CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE audit (
    collection TEXT NOT NULL,
    position INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    version INTEGER,
    move TEXT,
    PRIMARY KEY (collection, position)
  ) STRICT, WITHOUT ROWID;

  INSERT INTO audit (collection, position, at_ms, actor, action, version, move)
  SELECT collection, version, at_ms, actor, action, version, NULL FROM versions;

  CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit trail never changes'); END;

  CREATE TRIGGER audit_stays BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit trail is never deleted'); END;
`;

/** Records get the fields that they were given later; those of moves that have ended too. */
const EPOCHS_AND_BYTES_OF_MOVES = `
  DROP TRIGGER moves_end_once;

  UPDATE moves SET record = json_set(record, '$.move.epochs', json('[]'), '$.move.settings.bytesPerSecond', NULL);

  CREATE TRIGGER moves_end_once BEFORE UPDATE ON moves WHEN OLD.state IN ('done', 'aborted')
  BEGIN SELECT RAISE(ABORT, 'a move that has ended never changes'); END;
`;

/** What a catalog file holds. */
export const CATALOG_SCHEMA: SqliteSchema = {
  migrations: [MAPS_AND_CLAIMS, MOVES_LEASES_AND_AUDIT, EPOCHS_AND_BYTES_OF_MOVES],
  prepare: () => undefined,
};
