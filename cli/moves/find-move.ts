/**
 * Moves by the unique beginning of their id, as people type them, and changes of a move while its runner changes it too.
 * It must not change anything but what it is told.
 */
import type { Catalog, Move, MoveChange } from "../../shards/catalog/port.ts";
import { CliFailure } from "../failure.ts";
import type { Operator } from "../operator.ts";

/** As much of the catalog as finding a move takes. */
type MovesRead = Pick<Catalog, "move" | "moves">;

const PAGE = 100;
/** So many moves are looked through, newest first. */
const LOOKED_THROUGH_MAX = 10_000;
/** Most ids that a message names. */
const NAMED_MAX = 5;
const ID_LENGTH = 36;
/** A move's progress may change several times between reading it and writing. */
const ATTEMPTS_MAX = 20;

/** The move whose id begins with `text`. Throws `CliFailure` when there is none, or more than one. */
export async function findMove(catalog: MovesRead, text: string): Promise<Move> {
  const beginning = text.toLowerCase();
  if (!/^[0-9a-f-]{1,36}$/.test(beginning)) {
    throw new CliFailure(`expected the id of a move or its beginning, got ${JSON.stringify(text)}`, { exitCode: 2 });
  }
  const found = beginning.length === ID_LENGTH ? await exactly(catalog, beginning) : await search(catalog, beginning);
  const [first, second] = found;
  if (first === undefined) {
    throw new CliFailure(`there is no move ${text}`, { hint: "`zgate moves` lists them" });
  }
  if (second === undefined) return first;
  const ids = found.slice(0, NAMED_MAX).map(({ id }) => id);
  throw new CliFailure(`${found.length} moves begin with ${text}: ${ids.join(", ")}`, { hint: "type more of it" });
}

async function exactly(catalog: MovesRead, id: string): Promise<readonly Move[]> {
  const move = await catalog.move(id);
  return move === null ? [] : [move];
}

async function search(catalog: MovesRead, beginning: string): Promise<readonly Move[]> {
  const found: Move[] = [];
  let after: string | undefined;
  for (let seen = 0; seen < LOOKED_THROUGH_MAX; seen += PAGE) {
    const page = await catalog.moves(null, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    found.push(...page.filter(({ id }) => id.startsWith(beginning)));
    after = page.at(-1)?.id;
    if (page.length < PAGE) break;
  }
  return found;
}

/** Changes a move whatever else changes of it meanwhile. `change` may throw when the move is not as it has to be. */
export async function changeMove(
  { catalog, author }: Pick<Operator, "author"> & { readonly catalog: MovesRead & Pick<Catalog, "updateMove"> },
  id: string,
  change: (move: Move) => Omit<MoveChange, "expectedRevision">,
): Promise<Move> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const move = await findMove(catalog, id);
    const wanted = { ...change(move), expectedRevision: move.revision };
    const update = await catalog.updateMove(move.id, wanted, author());
    if (update.kind === "changed") return update.move;
  }
  throw new CliFailure(`move ${id} changes all the time; try again`);
}

/** As much of an id as people read. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}
