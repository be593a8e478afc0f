/**
 * The moves that have not ended, those that are being aborted included: each holds its range, and no other may begin there. It must
 * not change any.
 */
import type { CollectionName } from "../../router/ids.ts";
import { describeRange, intersect, type KeyRange } from "../../router/range.ts";
import type { Catalog, Move } from "../../shards/catalog/port.ts";
import { CliFailure } from "../failure.ts";
import { shortId } from "./find-move.ts";

/** As much of the catalog as finding them takes. */
type MovesRead = Pick<Catalog, "moves">;

const PAGE = 100;

/** All live moves of a collection, newest first. */
export async function liveMovesOf(catalog: MovesRead, collection: CollectionName): Promise<readonly Move[]> {
  const live: Move[] = [];
  for (;;) {
    const after = live.at(-1)?.id;
    const page = await catalog.moves(collection, {
      limit: PAGE,
      state: "live",
      ...(after === undefined ? {} : { after }),
    });
    live.push(...page);
    if (page.length < PAGE) return live;
  }
}

/** Refuses a range of which a live move holds a part. Throws `CliFailure`. */
export async function refuseHeld(catalog: MovesRead, collection: CollectionName, range: KeyRange): Promise<void> {
  const holder = (await liveMovesOf(catalog, collection)).find((live) => intersect(live, range) !== null);
  if (holder !== undefined) throw heldBy(holder);
}

/** What is refused because that move holds part of its range. */
export function heldBy(move: Move): CliFailure {
  const id = shortId(move.id);
  const hint =
    move.state === "aborting"
      ? `it is being aborted: \`zgate watch ${id}\` shows its end`
      : `\`zgate watch ${id}\` shows it, \`zgate abort ${id}\` ends it`;
  return new CliFailure(`move ${id} of ${describeRange(move)} to ${move.to} is under way there`, {
    ...{ hint, reason: "MOVE_UNDER_WAY" },
  });
}
