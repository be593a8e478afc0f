// A cell while it runs: its slot, its move, where it is held first, its client, and what was found wrong. Must not run anything.
import { randomUUID } from "node:crypto";
import type { CollectionName, MapVersion, ShardId } from "../../router/ids.ts";
import { slotsIn } from "../../router/move-plan.ts";
import { prefixesOf } from "../../router/slot.ts";
import type { MoveIntent } from "../../shards/catalog/port.ts";
import type { CellClient } from "./cell-client.ts";
import { type CellSlot, type Columns, isAbortStep } from "./cell-verdict.ts";
import type { Cell } from "./cells.ts";
import type { Moment, PlannedCell } from "./control.ts";
import { DESTINATION, SOURCE } from "./crash-pair.ts";

/** The collection that all cells share. */
export const PRODUCTS = "products" as CollectionName;
const PLACEMENT = { kind: "range", stripes: 1 } as const;

/** A cell with its move. */
export class RunningCell {
  readonly cell: Cell;
  readonly planned: PlannedCell;
  readonly place: CellSlot;
  readonly faults: string[] = [];
  client: CellClient | null = null;
  left: Columns | null = null;

  constructor(cell: Cell) {
    this.cell = cell;
    const [slot] = slotsIn(PLACEMENT, rangeOfCell(cell));
    if (slot === undefined) throw new Error(`broken assumption: a slot for ${cell.prefix}`);
    const move = randomUUID();
    this.place = {
      slot,
      move: { move, epoch: 2, source: SOURCE as string as ShardId, destination: DESTINATION as string as ShardId },
    };
    const { name, step, point } = cell;
    const isSecond = step === "lease" && point === "reply-lost";
    this.planned = { name, step, point, slot, move, hold: holdOf(cell), worker: isSecond ? 2 : 1 };
  }

  /** Its move, as the catalog is given it. */
  get intent(): MoveIntent {
    const { move } = this.place;
    return {
      ...{ id: move.move, collection: PRODUCTS, ...rangeOfCell(this.cell), parent: 1 as MapVersion },
      ...{ from: move.source, to: move.destination, epochs: [{ slots: 1, epoch: move.epoch }] },
      settings: { parallel: 1, rowsPerSecond: null, bytesPerSecond: null, retentionMs: 3_600_000 },
    };
  }

  get isHeldForWrites(): boolean {
    return this.planned.hold?.step === "fence";
  }

  /** The client that was given to it. */
  get user(): CellClient {
    if (this.client === null) throw new Error("broken assumption: a cell has a client");
    return this.client;
  }
}

/** Before the fence rows are written that only the comparison finds; before the seal a fenced slot is aborted. */
function holdOf(cell: Cell): Moment | null {
  if (cell.step === "reconcile-rows" || cell.step === "reconcile-fill") return { step: "fence", point: "before" };
  return isAbortStep(cell) ? { step: "seal", point: "before" } : null;
}

function rangeOfCell({ prefix }: Cell): { readonly start: string; readonly end: string } {
  const prefixes = prefixesOf(PLACEMENT);
  return { start: prefix, end: prefixes[prefixes.indexOf(prefix) + 1] ?? "" };
}
