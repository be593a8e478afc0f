/**
 * What the operator of a chaos run does to one collection, one thing after the other, with the functions of `zgate`'s commands, or with
 * a command as a process.
 * It must not touch a slot itself, nor wait for ever for a move.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { CliFailure } from "../../cli/failure.ts";
import { changeMove } from "../../cli/moves/find-move.ts";
import { planMove, startMove } from "../../cli/moves/plan-move.ts";
import { hasEnded } from "../../cli/moves/watch-move.ts";
import { demandMap, type Operator, rulesOf } from "../../cli/operator.ts";
import type { CollectionConfig } from "../../config/config.ts";
import { parseKey } from "../../router/canonical-key.ts";
import type { ShardId } from "../../router/ids.ts";
import { planMerge, planSplit } from "../../router/plan.ts";
import { rangeOf } from "../../router/shard-map.ts";
import { prefixesOf, prefixOf, sortKeyOf } from "../../router/slot.ts";
import { CatalogError, type Move } from "../../shards/catalog/port.ts";
import { CHAOS_KEYS } from "./chaos-config.ts";
import type { OperatorLimits } from "./chaos-profile.ts";
import { type CommandedWork, moveByCommand, type WantedRange } from "./command-moves.ts";

/** One collection's operator. */
export interface OperatorWork extends CommandedWork {
  readonly operator: Operator;
  readonly collection: CollectionConfig;
  readonly limits: OperatorLimits;
}

/** Pauses between two things, and between two looks at a move, in milliseconds. */
const PAUSE_MS = 100;
const LOOK_MS = 100;

/** A move that takes longer is left to itself. */
const MOVE_MS_MAX = 30_000;

/** Most prefixes of one move: with keys, so that it is felt. */
const KEYED_PREFIXES_MAX = 12;

const RETENTIONS_MS = [0, 2000, 60_000] as const;

/** Works until the signal aborts. What fails is counted: a catalog or shard may be away, others may have been faster. */
export async function runOperator(work: OperatorWork): Promise<void> {
  while (!work.signal.aborted) {
    try {
      await doOne(work);
    } catch (error) {
      if (!(error instanceof CliFailure || error instanceof CatalogError)) throw error;
      work.count("refused");
    }
    await sleep(PAUSE_MS);
  }
}

async function doOne(work: OperatorWork): Promise<void> {
  const choice = work.random.below(100);
  if (choice < 8) return cut(work, "split");
  if (choice < 16) return cut(work, "merge");
  const wanted = await chooseRange(work);
  const isCommanded = work.random.chance(work.limits.commandedPart);
  const ended = isCommanded ? await moveByCommand(work, wanted) : await follow(work, await begin(work, wanted));
  if (ended?.state === "done" && work.random.chance(0.4)) await reverse(work, ended);
}

/** Some neighbouring prefixes with keys, as far as one shard has them, to another one. */
async function chooseRange({
  operator,
  collection,
  random,
  limits: { prefixesMax },
}: OperatorWork): Promise<WantedRange> {
  const map = await demandMap(operator, collection.name);
  const { placement } = collection;
  const used = usedPrefixes(collection);
  const first = random.below(used.length);
  const start = used[first] ?? "";
  const { shard } = rangeOf(map, start);
  const wanted = used.slice(first, first + 1 + random.below(KEYED_PREFIXES_MAX));
  const foreign = wanted.findIndex((prefix) => rangeOf(map, prefix).shard !== shard);
  const last = wanted[(foreign < 0 ? wanted.length : foreign) - 1] ?? start;
  const prefixes = prefixesOf(placement);
  const limit = prefixesMax === null ? prefixes.length : prefixes.indexOf(start) + prefixesMax;
  const bound = prefixes[Math.min(prefixes.indexOf(last) + 1, limit)] ?? null;
  // Between two used prefixes another shard may have some.
  const between = prefixes.slice(prefixes.indexOf(start), bound === null ? undefined : prefixes.indexOf(bound));
  const hole = between.find((prefix) => rangeOf(map, prefix).shard !== shard);
  const others = [...operator.config.shards.keys()].filter((id) => id !== shard) as readonly string[];
  const to = others[random.below(others.length)] as ShardId;
  return { start, end: hole ?? bound, to };
}

function usedPrefixes({ name, placement }: CollectionConfig): readonly string[] {
  const used = new Set(
    (CHAOS_KEYS[name] ?? []).flatMap((text) => {
      const key = parseKey(text);
      return key.ok ? [prefixOf(placement, sortKeyOf(placement, key.value))] : [];
    }),
  );
  return prefixesOf(placement).filter((prefix) => used.has(prefix));
}

async function begin(
  { operator, collection, random, count, limits }: OperatorWork,
  wanted: WantedRange,
): Promise<Move> {
  const settings = {
    parallel: 1 + random.below(limits.parallelMax),
    rowsPerSecond: random.chance(0.1) ? 500 : null,
    bytesPerSecond: null,
    retentionMs: random.pick(RETENTIONS_MS),
  };
  const plan = await planMove(operator, { ...wanted, collection: collection.name, settings });
  const move = await startMove(operator, plan);
  count("move");
  return move;
}

/** Looks on until the end; now and then aborts or throttles it meanwhile. Null when it takes too long. */
async function follow(work: OperatorWork, { id }: Move): Promise<Move | null> {
  const { operator, random, signal } = work;
  const [willAbort, willThrottle] = [random.chance(0.2), random.chance(0.2)];
  const meddleAtMs = performance.now() + 200 + random.below(1500);
  const deadlineMs = performance.now() + MOVE_MS_MAX;
  let hasMeddled = !(willAbort || willThrottle);
  while (performance.now() < deadlineMs && !signal.aborted) {
    await sleep(LOOK_MS);
    const move = await operator.catalog.move(id);
    if (move === null) throw new Error(`broken assumption: the catalog knows move ${id}`);
    if (hasEnded(move)) {
      work.count(move.state);
      return move;
    }
    if (hasMeddled || performance.now() < meddleAtMs) continue;
    hasMeddled = true;
    if (willAbort) await abort(work, id);
    else await throttle(work, id);
  }
  return null;
}

async function abort({ operator, count }: OperatorWork, id: string): Promise<void> {
  await changeMove(operator, id, (move) => {
    if (hasEnded(move)) throw new CliFailure("it has ended");
    return { state: "aborting" };
  });
  count("abort");
}

async function throttle({ operator, random, count, limits }: OperatorWork, id: string): Promise<void> {
  const rowsPerSecond = 200 + random.below(2000);
  await changeMove(operator, id, (move) => {
    if (hasEnded(move)) throw new CliFailure("it has ended");
    return { settings: { ...move.settings, rowsPerSecond, parallel: 1 + random.below(limits.parallelMax) } };
  });
  count("throttle");
}

async function reverse(work: OperatorWork, { start, end, from }: Move): Promise<void> {
  const back = await begin(work, { start, end, to: from });
  work.count("reverse");
  await follow(work, back);
}

async function cut({ operator, collection, random, count }: OperatorWork, kind: "split" | "merge"): Promise<void> {
  const map = await demandMap(operator, collection.name);
  const places = kind === "split" ? usedPrefixes(collection) : map.ranges.slice(1).map(({ start }) => start);
  const at = places[random.below(places.length)];
  if (at === undefined) return;
  const planned = (kind === "split" ? planSplit : planMerge)(map, at, rulesOf(operator, collection));
  if (!planned.ok) return;
  const outcome = await operator.catalog.publish(planned.value.next, operator.author());
  count(outcome.kind === "published" ? kind : "refused");
}
