// The store port as one process of a shard has it: each operation takes effect at some moment between its call and its reply, fails
// before, takes effect and loses its reply, or takes effect long after it was given up.
// Must not judge anything; slot-data.ts asks the product's code.

import type { Placement } from "../../router/slot.ts";
import { compareNames } from "../../shards/mover/row-comparison.ts";
import { type Store, StoreError } from "../../shards/store/port.ts";
import { checkFill, nameOf } from "../../shards/store/slot-row.ts";
import type { SlotFill, SlotPage, SlotPageRequest } from "../../shards/store/transfer.ts";
import type { Random } from "../history/random.ts";
import type { Life } from "./life.ts";
import type { Scheduler } from "./scheduler.ts";
import { mayRead } from "./serving.ts";
import type { ShardData } from "./shard-data.ts";
import type { WeatherStation } from "./weather-station.ts";

/** What a handle stands on. */
export interface SimStoreOptions {
  readonly life: Life;
  readonly data: ShardData;
  readonly placement: Placement;
  readonly commitScope: Store["commitScope"];
  readonly scheduler: Scheduler;
  readonly station: WeatherStation;
}

/** Rows in one page: so few that most slots have several. */
const PAGE_ROWS_MAX = 3;

/** A handle of a process. */
export function createSimStore(options: SimStoreOptions): Store {
  const { data, scheduler, placement } = options;
  const { random } = scheduler;
  const look = <Value>(effect: () => Value): Promise<Value> => operate(options, { effect, isChange: false });
  const change = <Value>(effect: () => Value): Promise<Value> => operate(options, { effect, isChange: true });
  return {
    commitScope: options.commitScope,
    read: (address) => look(() => data.read(address)),
    latestOp: (address) =>
      look(() => {
        const { ownership } = data.slot(address);
        if (!mayRead(ownership)) return { kind: "not-owned", ownership };
        return { kind: "op", op: data.slot(address).latestOp(address.key) };
      }),
    commit: (writes) => change(() => data.commit(writes)),
    ownership: (address) => look(() => data.slot(address).ownership),
    setOwnership: (address, expected, next) =>
      operate(options, {
        effect: () => data.setOwnership(address, expected, next),
        isChange: true,
        heldMs: options.station.heldMs({ isSeal: next.state === "RECEIVING" && next.digest !== null }),
      }),
    ownerships: (collection, slots) => look(() => slots.map((slot) => data.slot({ collection, slot }).ownership)),
    weighSlot: (address) => look(() => ({ rows: data.slot(address).rows().length, bytes: 100 })),
    slotNames: (address) => look(() => ({ names: data.slot(address).rows().map(nameOf), next: null })),
    slotPage: (request) => look(() => pageOf(data, request, random)),
    fillSlot: (fill) => {
      checkFill(placement, fill);
      const copiesMs = options.station.copiesMs("doublingPart", "fillFailurePart");
      for (const lateMs of copiesMs) scheduler.after(lateMs, () => data.fill(fill));
      return operate(options, {
        effect: () => data.fill(fill),
        isChange: true,
        part: () => data.fill(partOf(fill, random)),
      });
    },
    cleanSlot: (address, left, rowsMax) => {
      const clean = () => data.clean(address, left, rowsMax);
      for (const lateMs of options.station.copiesMs("doublingPart")) scheduler.after(lateMs, clean);
      return change(clean);
    },
    sweep: ({ tombstonesBeforeMs }) =>
      change(() => ({ records: 0, tombstones: data.sweep(tombstonesBeforeMs), more: false })),
    status: () => ({ kind: "ready" }),
    freeBytes: () => null,
    list: () => notHere(),
    claimFirst: () => notHere(),
    hasHeld: () => notHere(),
    close: () => Promise.resolve(),
  };
}

function notHere(): Promise<never> {
  return Promise.reject(new StoreError("unavailable", "the simulation does without it"));
}

interface Operation<Value> {
  readonly effect: () => Value;
  readonly isChange: boolean;
  /** A first part of the effect, for operations that need not be whole. */
  readonly part?: () => unknown;
  /** How long it is held up before it takes effect, in milliseconds. */
  readonly heldMs?: number;
}

function operate<Value>(options: SimStoreOptions, operation: Operation<Value>): Promise<Value> {
  const { life, scheduler, station } = options;
  const isFill = operation.part !== undefined;
  if (station.happens("storeFailurePart") || (isFill && station.happens("fillFailurePart")))
    return fail(options, operation);
  return new Promise((resolve, reject) => {
    scheduler.after(station.delayMs() + (operation.heldMs ?? 0), () => {
      try {
        const value = operation.effect();
        life.after(station.delayMs(), () => resolve(value));
      } catch (error) {
        life.after(station.delayMs(), () => reject(error));
      }
    });
  });
}

function fail<Value>({ life, scheduler, station }: SimStoreOptions, operation: Operation<Value>): Promise<Value> {
  const { effect, part, isChange } = operation;
  const way = isChange ? scheduler.random.pick(["before", "lost", "late"] as const) : "before";
  if (way !== "before") scheduler.after(station.delayMs() + (way === "late" ? station.lateMs() : 0), effect);
  if (way === "late" && part !== undefined) scheduler.after(station.delayMs(), part);
  const kind = way === "before" ? "unavailable" : "unknown";
  return new Promise((_resolve, reject) => {
    life.after(3 * station.delayMs(), () => reject(new StoreError(kind, `simulated: ${way}`)));
  });
}

function partOf(fill: SlotFill, random: Random): SlotFill {
  return { ...fill, put: fill.put.slice(0, random.below(fill.put.length + 1)), remove: [] };
}

function pageOf(data: ShardData, { address, after, rowsMax }: SlotPageRequest, random: Random): SlotPage {
  const slot = data.slot(address);
  const left = slot.rows().filter((row) => after === null || compareNames(nameOf(row), after) > 0);
  const rows = left.slice(0, Math.min(rowsMax, 1 + random.below(PAGE_ROWS_MAX)));
  const last = rows.at(-1);
  return {
    ownership: slot.ownership,
    rows,
    next: rows.length < left.length && last !== undefined ? nameOf(last) : null,
  };
}
