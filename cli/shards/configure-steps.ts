/**
 * What a person has to do so that a shard comes or goes: which file to change, what to start again. It must not do any of it.
 */
import type { GatewayConfig } from "../../config/config.ts";
import type { ShardId } from "../../router/ids.ts";
import { shardIds } from "../even-map.ts";
import { placeOf } from "../storage-choice.ts";
import type { Layout } from "../supervisor/layout.ts";

/** A gateway, and the data directory that `zgate up` runs it from; null for shards that are run one by one. */
export interface Gateway {
  readonly config: GatewayConfig;
  readonly layout: Layout | null;
}

/** From nothing to a shard with a range. */
export function stepsToAdd(gateway: Gateway, shard: ShardId): readonly string[] {
  const steps = gateway.layout === null ? stepsByHand(shard) : stepsUnderUp(gateway, gateway.layout, shard);
  return numbered([
    ...steps,
    [`zgate shard add ${shard}    # says whether it answers`],
    [`zgate move COLLECTION --start KEY --end KEY --to ${shard}`],
  ]);
}

/** A step is its lines. */
type Step = readonly string[];

const FIRST_MAPS =
  "The collections' maps stay as they are: they are only the first ones, and the shard gets its ranges by moves.";

const ON_CASSANDRA =
  "--store cassandra besides gives it a keyspace in a Cassandra that runs beside it; the other shards stay where they are.";

function stepsByHand(shard: ShardId): readonly Step[] {
  return [
    [
      "Add to zgate.toml, the same text for the edge, for all shards and for this command:",
      ...tableOf(shard, "http://HOST:PORT"),
      ...["", FIRST_MAPS],
    ],
    [`With Cassandra: zgate schema apply --shard ${shard} --config FILE`],
    ["Give the new configuration to the other shards and to the edge, then start the shard (docs/operations.md)."],
  ];
}

function stepsUnderUp({ config }: Gateway, { shards, asked, storage }: Layout, shard: ShardId): readonly Step[] {
  const isPrepared = shards.some((id) => placeOf(storage, id) === "configured");
  const schema: readonly Step[] = isPrepared
    ? [[`With Cassandra: zgate schema apply --shard ${shard} --config FILE`]]
    : [];
  const again = "Stop the instance, and start it again as before";
  const elsewhere = isPrepared || storage.nodes > 0 ? [] : [ON_CASSANDRA];
  if (isNext(shards, asked, shard)) {
    const more = `${again}, with --shards ${shards.length + 1}: ${shard} is started with an empty store, and all data stay.`;
    return [...schema, [more, ...elsewhere, FIRST_MAPS]];
  }
  const number = asked === null ? "" : `, with --shards ${shards.length + 1}`;
  return [
    [
      "Add to zgate.toml, or to the file that you name with --config:",
      ...tableOf(shard, nextOrigin(config)),
      ...["", `\`zgate up\` gives it a port of this machine. ${FIRST_MAPS}`],
    ],
    ...schema,
    [`${again}${number}: ${shard} is started with an empty store, and all data stay.`, ...elsewhere],
  ];
}

/** Whether a larger number given with --shards gives exactly this one. */
function isNext(shards: readonly string[], asked: number | null, shard: ShardId): boolean {
  return asked !== null && [...shards, shard].join() === shardIds(shards.length + 1).join();
}

/** The port behind the last one: where the shard will listen when it stands last in the file. */
function nextOrigin({ shards }: GatewayConfig): string {
  const ports = [...shards.values()].flatMap(({ origins }) => origins).map((origin) => Number(new URL(origin).port));
  return `http://127.0.0.1:${Math.max(...ports) + 1}`;
}

function tableOf(shard: ShardId, origin: string): readonly string[] {
  return [
    "",
    "[[shards]]",
    `id = "${shard}"`,
    `origins = ["${origin}"]`,
    '# store = "NAME"    # where its data do not lie in the embedded store',
  ];
}

/** What is left to do once nothing depends on the shard. */
export function stepsToRemove({ config, layout }: Gateway, shard: ShardId): readonly string[] {
  const named = [...config.collections.values()].filter(({ initialMap }) =>
    initialMap.ranges.some((range) => range.shard === shard),
  );
  const names = named.map(({ name }) => name).join(", ");
  const take: Step = [
    "Take its [[shards]] table out of zgate.toml, everywhere.",
    ...(named.length === 0
      ? []
      : [`The first maps of ${names} name it: put another shard there. They are not used again.`]),
  ];
  const keep = "Keep its store until you are sure: rows that moves left behind lie in it.";
  const byHand: readonly Step[] = [
    take,
    ["Give the new configuration to the edge and to the other shards."],
    [`Stop ${shard}. ${keep}`],
  ];
  return [
    `nothing depends on ${shard} any more`,
    ...numbered(layout === null ? byHand : [...withoutUnderUp(layout, shard, take), [keep]]),
  ];
}

function withoutUnderUp({ shards, asked }: Layout, shard: ShardId, take: Step): readonly Step[] {
  const again = "Stop the instance, and start it again as before";
  const number = asked === null ? "" : `, with --shards ${shards.length - 1}`;
  const isLast = shards.at(-1) === shard && shards.join() === shardIds(shards.length).join();
  const start: Step = [`${again}${number}: ${shard} is left out.`];
  return asked !== null && isLast ? [start] : [take, start];
}

function numbered(steps: readonly Step[]): readonly string[] {
  return steps.flatMap((lines, index) =>
    lines.map((line, at) => (at === 0 ? `${index + 1}. ${line}` : line === "" ? "" : `   ${line}`)),
  );
}
