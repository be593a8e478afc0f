/**
 * The two ends of a plain copy: rows read in order, page by page, and rows written in batches, each of which is on the disk when it
 * resolves. It must not look at an ownership column more than the engine forces it to.
 *
 * On SQLite both are statements on the driver, node:sqlite, with the settings of a shard's store. On Cassandra they are a shard's own page
 * and its own batch: a batch has to be conditional there, because rows that are written conditionally later must never have been
 * written otherwise, and the condition is on the slot, which is therefore made to receive before the copy begins.
 */
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { parseConfig } from "../../config/config.ts";
import type { CollectionName } from "../../router/ids.ts";
import { openStore } from "../../shards/open-store.ts";
import type { Store } from "../../shards/store/port.ts";
import { SQL } from "../../shards/store/sqlite-statements.ts";
import type { SlotRow, SlotRowName } from "../../shards/store/transfer.ts";
import type { CopyPlace, SlotSpan } from "../copy-plan.ts";

/** Rows and bytes of a page, and of a batch: those of a move (slot-stream.ts, slot-copy.ts). */
export const ROWS_MAX = 256;
export const BYTES_MAX = 256 * 1024;

/** A row as it travels. */
export type PlainRow = SlotRow & { readonly kind: "document" };

/** One end. */
export interface PlainRows {
  /** All rows of a slot in order, as pages. */
  read(collection: CollectionName, span: SlotSpan): AsyncIterable<readonly PlainRow[]>;
  write(collection: CollectionName, span: SlotSpan, rows: readonly PlainRow[]): Promise<void>;
}

/** Run of a slot that a plain copy fills. */
export const PLAIN_RUN = "plain-copy";

/** A line of a copy; both ends are this project's own. */
export function parsePlainRow(line: string): PlainRow {
  return JSON.parse(line) as PlainRow;
}

/** Opens one end. */
export async function openPlainRows(place: CopyPlace): Promise<PlainRows> {
  return place.kind === "sqlite" ? openSqlite(place.file) : onStore(await openCassandra(place));
}

/** Those of a shard's connections (sqlite-connection.ts). */
const SETTINGS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA cache_size = -32768;
  PRAGMA temp_store = MEMORY;
`;

function parseColumns(columns: Readonly<Record<string, SQLOutputValue>>): PlainRow {
  const { sort_key: key, op, modified_at_ms: atMs, json } = columns;
  return { kind: "document", key, op, atMs, json } as PlainRow;
}

function openSqlite(file: string): PlainRows {
  const db = new DatabaseSync(file, { timeout: 10_000 });
  db.exec(SETTINGS);
  const page = db.prepare(SQL.listDocuments);
  const put = db.prepare(SQL.putDocument);
  return {
    async *read(collection, { start, end }) {
      for (let from = start; ; ) {
        const rows = page.all(collection, from, end, ROWS_MAX).map(parseColumns);
        if (rows.length > 0) yield rows;
        if (rows.length < ROWS_MAX) return;
        from = `${rows.at(-1)?.key}\0`;
      }
    },
    write(collection, _span, rows) {
      db.exec("BEGIN IMMEDIATE");
      for (const { key, op, atMs, json } of rows) put.run(collection, key, op, atMs, json);
      db.exec("COMMIT");
      return Promise.resolve();
    },
  };
}

function openCassandra({ configText, shard: id }: Extract<CopyPlace, { kind: "cassandra" }>): Promise<Store> {
  const config = parseConfig(configText, "the bench's configuration");
  const shard = config.shards.get(id);
  if (shard === undefined) throw new Error(`the configuration has no shard "${id}"`);
  const options = { shard: shard.id, dataDirectory: null };
  return openStore({
    options,
    config: shard.store,
    collections: [...config.collections.values()],
    log: () => undefined,
  });
}

function onStore(store: Store): PlainRows {
  return {
    async *read(collection, span) {
      const address = { collection, slot: span.slot };
      for (let after: SlotRowName | null = null; ; ) {
        const page: Awaited<ReturnType<Store["slotPage"]>> = await store.slotPage({
          ...{ address, after },
          ...{ rowsMax: ROWS_MAX, bytesMax: BYTES_MAX },
        });
        const rows = page.rows.filter((row) => row.kind === "document");
        if (rows.length > 0) yield rows;
        if (page.next === null) return;
        after = page.next;
      }
    },
    async write(collection, span, rows) {
      const address = { collection, slot: span.slot };
      const filled = await store.fillSlot({ address, run: PLAIN_RUN, put: rows, remove: [] });
      if (filled.kind !== "applied") throw new Error(`slot "${span.slot}" does not receive`);
    },
  };
}
