/**
 * Stands in for shards/mover/map-publication.ts: the publication of a cell's move passes its gates. It must not change what is published.
 */
import { CatalogError, type MoveIntent } from "../../shards/catalog/port.ts";
import { type PublicationOptions, publishMoved as publishReally } from "../../shards/mover/map-publication.ts";
import { cellOfMove, reach } from "./gates.ts";

/** Publishes. */
export async function publishMoved(
  options: PublicationOptions,
  move: MoveIntent,
  prefixes: ReadonlySet<string>,
): Promise<void> {
  const cell = cellOfMove(move.id);
  if (cell === null) return publishReally(options, move, prefixes);
  const { catalog } = options;
  const gated: PublicationOptions["catalog"] = {
    current: (collection) => catalog.current(collection),
    publish: async (map, author) => {
      await reach(cell, { step: "publish", point: "before" });
      const outcome = await catalog.publish(map, author);
      if (outcome.kind === "published" && (await reach(cell, { step: "publish", point: "reply-lost" }))) {
        throw new CatalogError("the reply is lost", { kind: "outcome-unknown" });
      }
      return outcome;
    },
  };
  await publishReally({ ...options, catalog: gated }, move, prefixes);
  await reach(cell, { step: "publish", point: "after" });
}
