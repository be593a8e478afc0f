/**
 * Removes idempotency records and tombstones that have expired, a bounded number of rows at a time, oldest first.
 * It must touch only slots that are owned, and never documents or ownership columns.
 */
import type { StatementSync } from "node:sqlite";
import type { CollectionName, SlotId } from "../../router/ids.ts";
import type { SweepOutcome, SweepRequest } from "./port.ts";
import { type OldRow, parseOldRow, type Statements } from "./sqlite-statements.ts";

interface Position {
  readonly atMs: number;
  readonly slot: string;
  readonly name: string;
}

const START: Position = { atMs: Number.MIN_SAFE_INTEGER, slot: "", name: "" };

/** Where the next step goes on, by table and collection: expired rows of slots that are not owned must not be in its way. */
export type SweepPositions = Map<string, Position>;

interface Step {
  readonly table: "records" | "tombstones";
  readonly collection: CollectionName;
  readonly beforeMs: number;
  readonly rowsMax: number;
}

interface StepOutcome {
  readonly removed: number;
  readonly looked: number;
}

/** One step, inside a transaction. It looks at `rowsMax` rows at most, removed or not. */
export function sweepOnce(statements: Statements, request: SweepRequest, positions: SweepPositions): SweepOutcome {
  const { collection, rowsMax } = request;
  const records = sweepTable(
    statements,
    { table: "records", collection, beforeMs: request.recordsBeforeMs, rowsMax },
    positions,
  );
  const rest = rowsMax - records.looked;
  const tombstones = sweepTable(
    statements,
    { table: "tombstones", collection, beforeMs: request.tombstonesBeforeMs, rowsMax: rest },
    positions,
  );
  return {
    records: records.removed,
    tombstones: tombstones.removed,
    more: records.looked + tombstones.looked === rowsMax,
  };
}

function sweepTable(statements: Statements, step: Step, positions: SweepPositions): StepOutcome {
  if (step.rowsMax === 0) return { removed: 0, looked: 0 };
  const { find, remove } = statementsFor(statements, step.table);
  const place = `${step.table} ${step.collection}`;
  const from = positions.get(place) ?? START;
  const found = find
    .all(step.collection, step.beforeMs, from.atMs, from.slot, from.name, step.rowsMax)
    .map(parseOldRow);
  const owned = found.filter((row) => row.isOwned);
  for (const row of owned) remove(step.collection, row);
  const last = found.at(-1);
  if (last === undefined || found.length < step.rowsMax) positions.delete(place);
  else positions.set(place, last);
  return { removed: owned.length, looked: found.length };
}

type Remove = (collection: CollectionName, row: { readonly slot: SlotId; readonly name: string }) => void;

function statementsFor(statements: Statements, table: Step["table"]): { find: StatementSync; remove: Remove } {
  const isRecords = table === "records";
  const find = isRecords ? statements.oldRecords : statements.oldTombstones;
  const removal = isRecords ? statements.removeRecord : statements.removeTombstone;
  return {
    find,
    remove: (collection, row: Pick<OldRow, "slot" | "name">) => removal.run(collection, row.slot, row.name),
  };
}
