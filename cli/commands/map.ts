/**
 * `zgate map`: which shard owns which range of a collection. It must not change the map.
 */
import { Argument, Command } from "commander";
import type { CollectionName } from "../../router/ids.ts";
import { describeRange } from "../../router/range.ts";
import { addExamples, addTargetOptions, type CommandContext, type TargetOptions } from "../command-context.ts";
import { readMap } from "../map-source.ts";
import { collectionName } from "../option-values.ts";
import { tableLines } from "../table.ts";

/** The command. */
export function mapCommand({ terminal }: CommandContext): Command {
  const command = new Command("map")
    .description("show which shard owns which range of keys")
    .addArgument(new Argument("<collection>", "for example products").argParser(collectionName))
    .option("--json", "print {collection, version, ranges: [{start, end, shard}]}");
  addTargetOptions(command).action(
    async (collection: CollectionName, flags: TargetOptions & { readonly json?: true }) => {
      const { map } = await readMap(collection, flags);
      const { version } = map;
      const ranges = map.ranges.map(({ start, end, shard }) => ({ start, end, shard }));
      if (flags.json === true) return terminal.out(JSON.stringify({ collection, version, ranges }));
      terminal.out(terminal.paint("bold", `${collection}, map version ${version}`));
      const rows = ranges.map(({ shard, ...range }) => [describeRange(range), shard]);
      for (const line of tableLines(["keys", "shard"], rows)) terminal.out(line);
    },
  );
  return addExamples(command, [
    ["zgate map products", "as a table"],
    ["zgate map products --json | jq '.ranges[].shard'", "for programs"],
  ]);
}
