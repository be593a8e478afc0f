/**
 * Versions of a map: who published which and when, and what differs between two. It must not change the map.
 */
import { type CollectionName, parseMapVersion, type ShardId } from "../router/ids.ts";
import { describeRange, type KeyRange, WHOLE_RANGE } from "../router/range.ts";
import { rangeOf, type ShardMap } from "../router/shard-map.ts";
import { compareCodePoints } from "../router/text.ts";
import type { PublishedMap } from "../shards/catalog/port.ts";
import { CliFailure } from "./failure.ts";
import { demandCollection, type Operator } from "./operator.ts";

/** A range that the two versions give to different shards. */
export interface MapChange extends KeyRange {
  readonly from: ShardId;
  readonly to: ShardId;
}

/** What differs. `cuts` and `joins`: places where only the newer, or only the older version begins a range. */
export interface MapDifference {
  readonly collection: CollectionName;
  readonly versions: readonly [number, number];
  readonly changes: readonly MapChange[];
  readonly cuts: readonly string[];
  readonly joins: readonly string[];
}

const PAGE = 100;

/** All versions, newest first. */
export async function historyOf(operator: Operator, collection: CollectionName): Promise<readonly PublishedMap[]> {
  demandCollection(operator, collection);
  const versions: PublishedMap[] = [];
  for (;;) {
    const before = versions.at(-1)?.map.version;
    const page = await operator.catalog.versions(collection, {
      limit: PAGE,
      ...(before === undefined ? {} : { before }),
    });
    versions.push(...page);
    if (page.length < PAGE) return versions;
  }
}

/** Two versions of a map by their numbers as typed. Throws `CliFailure` when there is no such version. */
export async function demandVersions(
  { catalog }: Pick<Operator, "catalog">,
  collection: CollectionName,
  typed: readonly string[],
): Promise<readonly [ShardMap, ShardMap]> {
  const [first, second, ...more] = typed;
  if (first === undefined || second === undefined || more.length > 0) {
    throw new CliFailure(`expected two versions, got ${typed.length}`, { exitCode: 2 });
  }
  const read = async (text: string): Promise<ShardMap> => {
    const version = parseMapVersion(/^\d+$/u.test(text) ? Number(text) : text);
    if (!version.ok) throw new CliFailure(`not a map version: ${version.detail}`, { exitCode: 2 });
    const map = await catalog.version(collection, version.value);
    if (map !== null) return map;
    throw new CliFailure(`${collection} has no map version ${text}`, { hint: "`--history` lists them" });
  };
  return [await read(first), await read(second)];
}

/** What differs between two versions. */
export function differenceOf(before: ShardMap, after: ShardMap): MapDifference {
  const [older, newer] = [before, after].map(({ ranges }) => new Set(ranges.map(({ start }) => start)));
  const starts = [...new Set([...(older ?? []), ...(newer ?? [])])].sort(compareCodePoints);
  const changes: MapChange[] = [];
  for (const [index, start] of starts.entries()) {
    const [from, to] = [rangeOf(before, start).shard, rangeOf(after, start).shard];
    const end = starts[index + 1] ?? WHOLE_RANGE.end;
    const last = changes.at(-1);
    if (from === to) continue;
    if (last?.end === start && last.from === from && last.to === to) changes[changes.length - 1] = { ...last, end };
    else changes.push({ start, end, from, to });
  }
  return {
    collection: after.collection,
    versions: [before.version, after.version],
    changes,
    cuts: starts.filter((start) => older?.has(start) === false),
    joins: starts.filter((start) => newer?.has(start) === false),
  };
}

/** The difference for people, a line each. */
export function differenceLines({ collection, versions, changes, cuts, joins }: MapDifference): readonly string[] {
  const lines = [
    ...changes.map((change) => `  ${describeRange(change)} from ${change.from} to ${change.to}`),
    ...cuts.map((at) => `  a range begins at ${JSON.stringify(at)}`),
    ...joins.map((at) => `  no range begins at ${JSON.stringify(at)} any more`),
  ];
  const title = `${collection}, map version ${versions[0]} -> ${versions[1]}`;
  return lines.length === 0 ? [`${title}: no difference`] : [title, ...lines];
}
