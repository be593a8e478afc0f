/**
 * `zgate map`: which shard owns which range of a collection, now and before. It must not change the map.
 */
import { Argument, Command } from "commander";
import { type CollectionName, parseCollectionName } from "../../router/ids.ts";
import { describeRange } from "../../router/range.ts";
import { addExamples, addTargetOptions, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { demandVersions, differenceLines, differenceOf, historyOf } from "../map-history.ts";
import { type MapTarget, readMap } from "../map-source.ts";
import { print } from "../moves/carry-out.ts";
import { addConfigOption, demandCollection, withOperator } from "../operator.ts";
import { collectionName } from "../option-values.ts";
import { tableLines } from "../table.ts";
import type { Terminal } from "../terminal.ts";

interface MapFlags extends MapTarget {
  readonly json?: true;
  readonly history?: true;
  readonly diff?: readonly string[];
}

/** A collection and how it is to be shown. */
interface Wish {
  readonly collection: CollectionName;
  readonly flags: MapFlags;
  readonly terminal: Terminal;
}

const ABOUT = `
The map is that of the catalog, or with --url what a gateway goes by. The configuration says where the catalog is, and in both cases
how the collection is cut into slots. --history and --diff need the catalog.`;

const DIFF_WORD = "diff";
const DIFF_USAGE = `${DIFF_WORD} <collection> <version> <version>`;

/** The command. */
export function mapCommand(context: CommandContext): Command {
  const { terminal } = context;
  const command = new Command("map")
    .description("show which shard owns which range of keys")
    .usage(`[options] <collection>\n       zgate map [options] ${DIFF_USAGE}`)
    .addArgument(new Argument("<collection>", "for example products").argParser(collectionName))
    .addArgument(new Argument("[words...]", `after "${DIFF_WORD}": a collection and two of its versions`))
    .option("--history", "all versions, newest first: who published which and when")
    .option("--diff <versions...>", "what differs between two versions")
    .option("--json", "print {collection, version, ranges: [{start, end, shard}]}; a version a line, or the difference")
    .addHelpText("after", ABOUT);
  addConfigOption(addTargetOptions(command)).action(
    (first: CollectionName, words: readonly string[], given: MapFlags) => {
      const { collection, flags } = wordsRead(first, words, given);
      const wish = { collection, flags, terminal };
      return flags.history === true || flags.diff !== undefined ? showPast(context, wish) : showNow(wish);
    },
  );
  return addExamples(command, [
    ["zgate map products", "as a table"],
    ["zgate map products --json | jq '.ranges[].shard'", "for programs"],
    ["zgate map products --history", "its versions"],
    ["zgate map products --diff 1 2", "what the second changed"],
    ["zgate map diff products 1 2", "the same"],
  ]);
}

/** A collection may be called "diff": only what follows it makes the word a verb. */
function wordsRead(
  first: CollectionName,
  words: readonly string[],
  flags: MapFlags,
): Pick<Wish, "collection" | "flags"> {
  const [name, ...diff] = words;
  if (name === undefined) return { collection: first, flags };
  if (first === DIFF_WORD && diff.length === 2 && flags.history !== true && flags.diff === undefined) {
    const collection = parseCollectionName(name);
    if (!collection.ok) throw new CliFailure(collection.detail, { exitCode: 2 });
    return { collection: collection.value, flags: { ...flags, diff } };
  }
  throw new CliFailure(
    `expected one collection, or \`zgate map ${DIFF_USAGE}\`, got "${[first, ...words].join(" ")}"`,
    {
      exitCode: 2,
    },
  );
}

async function showNow({ collection, flags, terminal }: Wish): Promise<void> {
  const { map } = await readMap(collection, flags);
  const { version } = map;
  const ranges = map.ranges.map(({ start, end, shard }) => ({ start, end, shard }));
  if (flags.json === true) return terminal.out(JSON.stringify({ collection, version, ranges }));
  terminal.out(terminal.paint("bold", `${collection}, map version ${version}`));
  const rows = ranges.map(({ shard, ...range }) => [describeRange(range), shard]);
  print(terminal, tableLines(["keys", "shard"], rows));
}

/** Only the catalog knows what was before. */
function showPast(context: CommandContext, { collection, flags, terminal }: Wish): Promise<void> {
  if (flags.url !== undefined) {
    throw new CliFailure("--history and --diff read the catalog, not a gateway", {
      hint: "leave out --url",
      exitCode: 2,
    });
  }
  const isJson = flags.json === true;
  const { data, config } = flags;
  const named = config === undefined ? { data } : { data, config };
  return withOperator(context, named, async (operator) => {
    demandCollection(operator, collection);
    if (flags.diff !== undefined) {
      const difference = differenceOf(...(await demandVersions(operator, collection, flags.diff)));
      return isJson ? terminal.out(JSON.stringify(difference)) : print(terminal, differenceLines(difference));
    }
    const versions = await historyOf(operator, collection);
    if (isJson)
      return print(
        terminal,
        versions.map((published) => JSON.stringify(published)),
      );
    const rows = versions.map(({ map, actor, atMs }) => {
      const ranges = `${map.ranges.length} ${map.ranges.length === 1 ? "range" : "ranges"}`;
      return [String(map.version), ranges, actor, new Date(atMs).toISOString()];
    });
    print(terminal, tableLines(["version", "ranges", "by", "at"], rows));
  });
}
