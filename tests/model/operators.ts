// What is done beside runners and clients: moves are planned, leftovers and tombstones are removed.
// Must not touch ownership.
import type { SlotMove } from "../../router/slot-stand.ts";
import { valueOf, visible, withValue } from "./content.ts";
import type { Emit } from "./step.ts";
import { type World, word } from "./world.ts";

/** All that operators and sweepers may do next. */
export function stepOperators(world: World, state: Int32Array, emit: Emit): void {
  planMoves(world, state, emit);
  if (world.has("clean-up")) orderCleanUps(world, state, emit);
  if (world.has("sweeps")) sweep(world, state, emit);
}

/** The next move goes from whoever owns the slot now, at the epoch that is read now. */
function planMoves(world: World, state: Int32Array, emit: Emit): void {
  const { moves } = world.catalog(state);
  const destinations = world.scope.moves[moves.length];
  const isBusy = moves.some(({ reported }) => reported === null);
  if (destinations === undefined || (isBusy && !world.has("overlaps"))) return;
  const source = world.shards.findIndex((_, shard) => world.ownership(state, shard).state === "OWNER");
  if (source < 0) return;
  for (const to of destinations) {
    if (to === source) continue;
    const move: SlotMove = {
      move: `move-${moves.length + 1}`,
      source: world.shardAt(source),
      destination: world.shardAt(to),
      epoch: world.ownership(state, source).epoch + 1,
    };
    const next = state.slice();
    world.setCatalog(next, { moves: [...moves, { move, runsUsed: 0, reported: null }] });
    world.setTruth(next, { outcomes: [...world.truth(state).outcomes, "open"] });
    const detail = (): string => `${move.move} from ${move.source} to ${move.destination}, epoch ${move.epoch}`;
    emit(next, { name: isBusy ? "move is planned beside another" : "move is planned", detail, findings: [] });
  }
}

/** A decided move's source and an aborted one's destination may be emptied; the statement may arrive much later. */
function orderCleanUps(world: World, state: Int32Array, emit: Emit): void {
  for (const { move, reported } of world.catalog(state).moves) {
    const source = world.ownership(state, world.indexOf(move.source));
    const sides = [
      { shard: move.source, isAllowed: world.protocol.mayOrderCleanUp(reported === "decided", source) },
      { shard: move.destination, isAllowed: reported === "aborted" },
    ];
    for (const { shard, isAllowed } of sides) {
      if (!isAllowed) continue;
      const next = state.slice();
      const of = { move: move.move, epoch: move.epoch };
      world.send(next, { kind: "clean-up", at: world.indexOf(shard), of });
      if (next[world.layout.pool] === state[world.layout.pool]) continue;
      emit(next, { name: "clean-up is sent", detail: () => `${move.move} at ${shard}`, findings: [] });
    }
  }
}

/** Tombstones go only where the slot is owned, in one statement with that condition. */
function sweep(world: World, state: Int32Array, emit: Emit): void {
  for (const shard of world.shards.keys()) {
    if (world.ownership(state, shard).state !== "OWNER") continue;
    const content = world.content(state, shard);
    for (const cell of world.schema.cells) {
      const value = valueOf(content, cell);
      if (cell.kind !== "row" || value === 0 || visible(world.schema, value) !== 0) continue;
      const next = state.slice();
      next[world.layout.content + shard] = withValue(word(state, world.layout.content + shard), cell, 0);
      emit(next, {
        name: "tombstone is removed",
        detail: () => `${cell.label} at ${world.shardAt(shard)}`,
        findings: [],
      });
    }
  }
}
