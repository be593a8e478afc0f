/**
 * Stands in for shards/lazy-catalog.ts: the same catalog, which can be away, and which gives leases to those workers first that the test
 * wants to drive first. It must not change an answer, beyond losing the one that a cell is about.
 */
import cluster from "node:cluster";
import { type Catalog, CatalogError } from "../../shards/catalog/port.ts";
import { createLazyCatalog as createRealCatalog, type ShardCatalog } from "../../shards/lazy-catalog.ts";
import type { PlannedCell } from "./control.ts";
import { cellOfMove, reach, stage } from "./gates.ts";

/** A catalog with gates. */
export function createLazyCatalog(open: () => Promise<Catalog>): ShardCatalog {
  const real = createRealCatalog(open);
  const held = new Set<string>();
  const leased = new Set<string>();
  return {
    current: whileThere((...asked) => real.current(...asked)),
    version: whileThere((...asked) => real.version(...asked)),
    hasClaimed: whileThere((...asked) => real.hasClaimed(...asked)),
    recordClaim: whileThere((...asked) => real.recordClaim(...asked)),
    publish: whileThere((...asked) => real.publish(...asked)),
    moves: whileThere((...asked) => real.moves(...asked)),
    move: whileThere(async (id) => {
      const cell = cellOfMove(id);
      if (cell !== null && leased.delete(id)) await reach(cell, { step: "lease", point: "after" });
      return real.move(id);
    }),
    updateMove: async (id, change, author) => {
      const update = whileThere(() => real.updateMove(id, change, author));
      const cell = cellOfMove(id);
      if (cell === null || change.state === undefined) return update();
      await reach(cell, { step: "end", point: "before" });
      const updated = await update();
      if (await reach(cell, { step: "end", point: "reply-lost" })) throw lostReply();
      return updated;
    },
    acquireLease: async (name, request) => {
      const acquire = whileThere(() => real.acquireLease(name, request));
      const cell = cellOfMove(moveOf(name));
      if (cell === null || held.has(name)) return acquire();
      if (!mayTake(cell)) return { kind: "held", holder: "nobody, says the test", untilMs: request.nowMs };
      await reach(cell, { step: "lease", point: "before" });
      const outcome = await acquire();
      if (outcome.kind === "held") return outcome;
      held.add(name);
      if (await reach(cell, { step: "lease", point: "reply-lost" })) throw lostReply();
      leased.add(cell.move);
      return outcome;
    },
    releaseLease: async (name, holder) => {
      const cell = cellOfMove(moveOf(name));
      held.delete(name);
      if (cell !== null) await reach(cell, { step: "end", point: "after" });
      await whileThere(() => real.releaseLease(name, holder))();
    },
    close: () => real.close(),
  };
}

function whileThere<Parameters extends readonly unknown[], Value>(
  ask: (...parameters: Parameters) => Promise<Value>,
): (...parameters: Parameters) => Promise<Value> {
  return async (...parameters) => {
    if (stage().isCatalogAway) throw new CatalogError("the catalog is away, says the test");
    return ask(...parameters);
  };
}

function mayTake({ step, worker }: PlannedCell): boolean {
  const { leases, isStruck } = stage();
  if (leases === "everybody") return true;
  if (leases === "none" || isStruck || (step === "lease" && leases === "first")) return false;
  return cluster.worker?.id === worker;
}

function moveOf(lease: string): string {
  return lease.slice(lease.indexOf("/") + 1);
}

function lostReply(): CatalogError {
  return new CatalogError("the reply is lost", { kind: "outcome-unknown" });
}
