// All states that may follow a state, and what must hold of each.
// Must not remember anything between two calls but what the world has numbered.
import { rowIsAsApplied } from "../../router/history-invariants.ts";
import { changedByTransition, type Finding, inspect, NO_FINDINGS } from "../../router/move-invariants.ts";
import { arrive, isSpent } from "./arrivals.ts";
import { isWaitingFor, stepClients } from "./clients.ts";
import { cellAt, valueOf, visible } from "./content.ts";
import { phrase } from "./coverage.ts";
import { stepOperators } from "./operators.ts";
import { stepRunners } from "./runners.ts";
import type { Emit } from "./step.ts";
import { type World, word } from "./world.ts";

/** Emits every following state, in one spelling each. */
export function successors(world: World, state: Int32Array, emit: Emit): void {
  const emitTidied: Emit = (next, step) => {
    world.coverage.add(step.name);
    sortRunners(world, next);
    if (mayHaveSpent(world, state, next)) forgetSpent(world, next);
    const changed = changeFindings(world, state, next);
    emit(next, changed.length === 0 ? step : { ...step, findings: [...step.findings, ...changed] });
  };
  stepOperators(world, state, emitTidied);
  stepRunners(world, state, emitTidied);
  arrive(world, state, emitTidied);
  stepClients(world, state, emitTidied);
}

/** Runners have no order. */
function sortRunners({ layout }: World, next: Int32Array): void {
  for (let at = layout.runners + 1; at < layout.width; at += 1) {
    const [left, right] = [word(next, at - 1), word(next, at)];
    if (left > right) [next[at - 1], next[at]] = [right, left];
  }
}

/** I7, looked up, of whatever step it is: nobody but a statement may change columns. */
function changeFindings(world: World, state: Int32Array, next: Int32Array): readonly Finding[] {
  for (let at = 0; at < world.scope.shards; at += 1) {
    if (state[at] === next[at]) continue;
    const [before, after] = [word(state, at), word(next, at)];
    const findings = world.changes.get(before, after, () => {
      const { ownerships, protocol } = world;
      return changedByTransition(ownerships.valueOf(before), ownerships.valueOf(after), protocol.transition);
    });
    if (findings.length > 0) return findings;
  }
  return NO_FINDINGS;
}

/** Whether columns, messages or clients changed. */
function mayHaveSpent({ layout, scope }: World, state: Int32Array, next: Int32Array): boolean {
  for (let at = 0; at < scope.shards; at += 1) if (state[at] !== next[at]) return true;
  for (let at = layout.clients; at < layout.runners; at += 1) if (state[at] !== next[at]) return true;
  return state[layout.pool] !== next[layout.pool];
}

/** Messages that can never have an effect again are no part of the state. */
function forgetSpent(world: World, next: Int32Array): void {
  const { pool } = world.layout;
  next[pool] = world.pools.filter(word(next, pool), (number) => {
    const message = world.messages.valueOf(number);
    const kind = message.kind === "event" ? message.event.kind : message.kind;
    if (!world.protocol.forgets(kind) || !isSpent(world, number, word(next, message.at))) return true;
    if (message.kind === "write" && isWaitingFor(world, next, message)) return true;
    world.coverage.add(phrase(kind, "comes too late"));
    return false;
  });
}

/** What is broken in a state, whichever way it was reached. */
export function findingsIn(world: World, state: Int32Array): readonly Finding[] {
  const columns = columnFindings(world, state);
  const rows = ownersRowsAreTrue(world, state);
  return columns.length + rows.length === 0 ? NO_FINDINGS : [...columns, ...rows];
}

/** Numbers of ownerships, catalogs and truths stay below these in any search that fits into memory. */
const [OWNERSHIP_BITS, CATALOG_BITS] = [10, 16];

/** Depends on columns, moves and outcomes only, so it is looked up. */
function columnFindings(world: World, state: Int32Array): readonly Finding[] {
  let key = 0;
  for (let shard = 0; shard < world.scope.shards; shard += 1) key = key * 2 ** OWNERSHIP_BITS + word(state, shard);
  key = key * 2 ** CATALOG_BITS + word(state, world.layout.catalog);
  for (const outcome of world.truth(state).outcomes)
    key = key * 3 + (outcome === "open" ? 0 : outcome === "decided" ? 1 : 2);
  const known = world.columnFindings.get(key);
  if (known !== undefined) return known;
  if (world.ownerships.size >= 2 ** OWNERSHIP_BITS || world.catalogs.size >= 2 ** CATALOG_BITS) {
    throw new RangeError("too many ownerships or catalogs for one key");
  }
  const findings = inspect(world.picture(state));
  world.columnFindings.set(key, findings);
  return findings;
}

/** I16. */
function ownersRowsAreTrue(world: World, state: Int32Array): readonly Finding[] {
  const { registers } = world.truth(state);
  for (let shard = 0; shard < world.scope.shards; shard += 1) {
    if (world.ownership(state, shard).state !== "OWNER") continue;
    const content = world.content(state, shard);
    for (let key = 0; key < registers.length; key += 1) {
      const cell = cellAt(world.schema, key);
      const findings = rowIsAsApplied(cell.label, visible(world.schema, valueOf(content, cell)), registers[key] ?? 0);
      if (findings.length > 0) return findings;
    }
  }
  return NO_FINDINGS;
}
