/**
 * `zgate route`: where one key lives and why. It must decide as the edge does: with the router, by the map.
 */
import { Argument, Command } from "commander";
import type { CanonicalKey, CollectionName } from "../../router/ids.ts";
import { describeRange } from "../../router/range.ts";
import { rangeOf } from "../../router/shard-map.ts";
import { type Placement, prefixOf, slotOf, sortKeyOf } from "../../router/slot.ts";
import { addExamples, addTargetOptions, type CommandContext } from "../command-context.ts";
import { type MappedCollection, type MapTarget, readMap } from "../map-source.ts";
import { addConfigOption } from "../operator.ts";
import { canonicalKey, canonicalSegment, collectionName } from "../option-values.ts";
import { tableLines } from "../table.ts";

interface RouteFlags extends MapTarget {
  readonly json?: true;
  readonly encoded?: true;
}

/** Where a key lives. */
export interface Route {
  readonly collection: CollectionName;
  readonly key: CanonicalKey;
  readonly slot: string;
  readonly shard: string;
  readonly range: { readonly start: string; readonly end: string | null };
  readonly mapVersion: number;
  readonly why: string;
}

/** The command. */
export function routeCommand({ terminal }: CommandContext): Command {
  const command = new Command("route")
    .description("show the canonical form of a key, its slot, its shard, and why")
    .addArgument(new Argument("<collection>", "for example products").argParser(collectionName))
    .argument("<key>", "the key as people write it")
    .option("--encoded", "the key is a path segment of a URL, percent-encoded")
    .option("--json", "print {collection, key, slot, shard, range, mapVersion, why}");
  addConfigOption(addTargetOptions(command)).action(
    async (collection: CollectionName, text: string, flags: RouteFlags) => {
      const key = flags.encoded === true ? canonicalSegment(text) : canonicalKey(text);
      const route = routeKey(key, await readMap(collection, flags));
      if (flags.json === true) return terminal.out(JSON.stringify(route));
      const rows = [
        ["slot", JSON.stringify(route.slot)],
        ["shard", terminal.paint("bold", route.shard)],
        ["why", route.why],
      ];
      for (const line of tableLines(["key", JSON.stringify(key)], rows)) terminal.out(line);
    },
  );
  return addExamples(command, [
    ["zgate route products React", "upper case and lower case are one key"],
    ["zgate route products --encoded caf%C3%A9", "as it stands in a URL"],
  ]);
}

/** Where `key` lives by the map. */
export function routeKey(key: CanonicalKey, { config, map }: MappedCollection): Route {
  const { placement } = config;
  const { shard, start, end } = rangeOf(map, sortKeyOf(placement, key));
  const range = { start, end };
  return {
    collection: config.name,
    key,
    slot: slotOf(placement, key),
    shard,
    range,
    mapVersion: map.version,
    why: `${slotReason(placement, key)}, and map version ${map.version} gives ${describeRange(range)} to ${shard}`,
  };
}

function slotReason(placement: Placement, key: CanonicalKey): string {
  const prefix = JSON.stringify(prefixOf(placement, sortKeyOf(placement, key)));
  const stripe = placement.stripes === 1 ? "" : `, one of its ${placement.stripes} stripes by hash`;
  if (placement.kind === "hash") return `the key's hash begins with ${prefix}${stripe}`;
  return `in the order of keys the slot from ${prefix} on holds it${stripe}`;
}
