// Moves, their progress and a catalog of their own for tests of operators' commands. Must not test anything.
import { formatProgress, type MoveProgress, newProgress } from "../../../router/move-progress.ts";
import type { Move } from "../../../shards/catalog/port.ts";
import { moveOf } from "../../contract/catalog-fixture.ts";

/** When the moves of these tests were created, by every clock. */
export const T0 = 1_700_000_000_000;

/** A running move of `["g", "m")` with that id. */
export function liveMove(change: Partial<Move> = {}): Move {
  const life = { state: "running", progress: "", revision: 1, actor: "ann", createdAtMs: T0, changedAtMs: T0 } as const;
  return { ...moveOf("g", "m"), id: "1f3a9c2b-0000-4000-8000-000000000001", ...life, ...change };
}

/** The same with a progress that has come so far after `afterMs`. */
export function movedSoFar(afterMs: number, progress: Partial<MoveProgress>, change: Partial<Move> = {}): Move {
  const updated = { ...newProgress(100, 10_000, T0), updatedAtMs: T0 + afterMs, ...progress };
  return liveMove({ revision: 2 + afterMs, progress: formatProgress(updated), ...change });
}
