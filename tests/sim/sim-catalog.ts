// The catalog as one process reaches it: over the simulated network, with replies that are lost.
// Must not judge anything.
import { type Catalog, CatalogError } from "../../shards/catalog/port.ts";
import type { CatalogData } from "./catalog-data.ts";
import type { Life } from "./life.ts";
import type { Partitions } from "./partitions.ts";
import type { Scheduler } from "./scheduler.ts";
import type { WeatherStation } from "./weather-station.ts";

/** What a client of the catalog stands on. `from` is the machine that it runs on. */
export interface SimCatalogOptions {
  readonly life: Life;
  readonly from: string;
  readonly data: CatalogData;
  readonly scheduler: Scheduler;
  readonly station: WeatherStation;
  readonly partitions: Partitions;
}

/** What the mover, the map cache and operators use of a catalog. */
export type SimCatalog = Pick<
  Catalog,
  "current" | "publish" | "createMove" | "updateMove" | "move" | "moves" | "acquireLease" | "releaseLease"
>;

/** A client gives up a silent catalog after this time, in milliseconds. */
const TIMEOUT_MS = 1000;

/** So far ahead is the clock of whoever takes a lease too early. */
const A_MINUTE_MS = 60_000;

/** The catalog for a process. */
export function createSimCatalog(options: SimCatalogOptions): SimCatalog {
  const { data } = options;
  const look = <Value>(effect: () => Value): Promise<Value> => call(options, { effect, isChange: false });
  const change = <Value>(effect: () => Value): Promise<Value> => call(options, { effect, isChange: true });
  return {
    current: () => look(() => data.current()),
    publish: (map, author) => change(() => data.publish(map, author)),
    createMove: (intent, author) => {
      const mayOverlap = () => options.station.happens("overlapPart");
      return change(() => data.createMove(intent, author, mayOverlap));
    },
    updateMove: (id, update, author) => change(() => data.updateMove(id, update, author)),
    move: (id) => look(() => data.move(id)),
    moves: (_collection, page) => look(() => data.moves(page)),
    acquireLease: (name, request) =>
      change(() => {
        const aheadMs = options.station.happens("leaseTheftPart") ? A_MINUTE_MS : 0;
        const { nowMs, ttlMs } = request;
        return data.acquireLease(name, { ...request, nowMs: nowMs + aheadMs, ttlMs: ttlMs - aheadMs });
      }),
    releaseLease: (name, holder) => change(() => data.releaseLease(name, holder)),
  };
}

interface Call<Value> {
  readonly effect: () => Value;
  readonly isChange: boolean;
}

function call<Value>(options: SimCatalogOptions, { effect, isChange }: Call<Value>): Promise<Value> {
  const { life, scheduler, station, partitions, from } = options;
  const kind = isChange ? "outcome-unknown" : "failed";
  return new Promise((resolve, reject) => {
    const fails = station.happens("catalogFailurePart");
    const isReached = !partitions.isCut(from, "catalog") && !(fails && scheduler.random.chance(0.5));
    const giveUp = (): void => reject(new CatalogError("simulated: the catalog is silent", { kind }));
    if (fails || !isReached) life.after(scheduler.random.chance(0.5) ? TIMEOUT_MS : station.delayMs(), giveUp);
    if (!isReached) return;
    scheduler.after(station.delayMs(), () => {
      try {
        const value = effect();
        if (!fails) life.after(station.delayMs(), () => resolve(value));
      } catch (error) {
        life.after(station.delayMs(), () => reject(error));
      }
    });
  });
}
