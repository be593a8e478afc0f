/**
 * `zgate list`: documents of a collection in order of their keys. It must hold no more than one page in memory.
 */
import { Argument, Command } from "commander";
import { LIST_LIMIT_MAX } from "../../router/contract.ts";
import type { CollectionName } from "../../router/ids.ts";
import { accessPermissions } from "../../router/permissions.ts";
import { addExamples, addTargetOptions, type CommandContext, connect, type TargetOptions } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { type ListPage, parseListPage } from "../list-page.ts";
import { collectionName, wholeNumber } from "../option-values.ts";
import type { Terminal } from "../terminal.ts";

interface ListFlags extends TargetOptions {
  readonly start?: string;
  readonly end?: string;
  readonly prefix?: string;
  readonly cursor?: string;
  readonly limit?: number;
  readonly all?: true;
  readonly json?: true;
}

const PAGE_LIMIT = 20;

/** The command. */
export function listCommand({ terminal }: CommandContext): Command {
  const command = new Command("list")
    .description("list documents in order of their keys, one a line: key, tab, document")
    .addArgument(new Argument("<collection>", "for example products").argParser(collectionName))
    .option("--prefix <text>", "only keys that begin with it")
    .option("--start <key>", "from this key on")
    .option("--end <key>", "up to this key, which is not included")
    .option("--limit <n>", `documents in a page (default: ${PAGE_LIMIT})`, wholeNumber(1, LIST_LIMIT_MAX))
    .option("--cursor <text>", "go on where an earlier page ended")
    .option("--all", "all pages, one after the other")
    .option("--json", "print the page {items, next}; with --all one item a line (NDJSON)");
  addTargetOptions(command).action((collection: CollectionName, flags: ListFlags) =>
    printPages(collection, flags, terminal),
  );
  return addExamples(command, [
    ["zgate list products --prefix react- --limit 5", "the first five"],
    ["zgate list products --start m --end n", "a range, half open"],
    ["zgate list products --all --json > products.ndjson", "everything, as `import` reads it"],
  ]);
}

async function printPages(collection: CollectionName, flags: ListFlags, terminal: Terminal): Promise<void> {
  const client = connect(flags, accessPermissions(collection));
  try {
    let cursor = flags.cursor ?? null;
    do {
      const query = queryOf(flags, cursor);
      const answer = await client.demand({ method: "GET", path: `/${collection}?${query}` });
      const page = parseListPage(answer.body);
      if (page === null) throw new CliFailure(`${client.url} sent a list that is not valid`);
      await terminal.raw(pageText(page, answer.body, flags));
      cursor = page.next;
    } while (flags.all === true && cursor !== null);
    if (cursor !== null && flags.json !== true) terminal.note(`there is more: --cursor ${cursor}, or --all`);
  } finally {
    await client.close();
  }
}

function queryOf(flags: ListFlags, cursor: string | null): string {
  const { start, end, prefix, limit = flags.all === true ? LIST_LIMIT_MAX : PAGE_LIMIT } = flags;
  const entries = Object.entries({ start, end, prefix, limit: String(limit), cursor: cursor ?? undefined });
  const parameters = new URLSearchParams();
  for (const [name, value] of entries) if (value !== undefined) parameters.set(name, value);
  return parameters.toString();
}

function pageText(page: ListPage, body: string, flags: ListFlags): string {
  if (flags.json === true && flags.all !== true) return `${body.trimEnd()}\n`;
  const lines = page.items.map((item) => (flags.json === true ? item.json : `${item.key}\t${item.valueJson}`));
  return lines.map((line) => `${line}\n`).join("");
}
