/**
 * `zgate import`: loads a file of documents through the gateway. It must not lose a row silently: each is stored or
 * stands in the file of refused rows.
 */
import { join, resolve } from "node:path";
import { Argument, Command, Option } from "commander";
import type { CollectionName } from "../../router/ids.ts";
import { accessPermissions } from "../../router/permissions.ts";
import { addExamples, addTargetOptions, type CommandContext, connect, type TargetOptions } from "../command-context.ts";
import { dataDirectory, displayPath, isThere } from "../data-directory.ts";
import { CliFailure } from "../failure.ts";
import { type GatewayClient, refusal } from "../gateway-client.ts";
import { checkpointName } from "../import/checkpoint.ts";
import { progressText, summaryLines, summaryOf } from "../import/import-report.ts";
import { beginAnew, type ImportResult, identityOf, runImport } from "../import/importer.ts";
import { formatOf } from "../import/records.ts";
import { ROW_FORMATS, type RowFormat } from "../import/row.ts";
import { type Survey, surveyFile } from "../import/survey.ts";
import { collectionName, wholeNumber } from "../option-values.ts";
import { createProgress } from "../progress.ts";
import type { Terminal } from "../terminal.ts";

interface ImportFlags extends TargetOptions {
  readonly format?: RowFormat;
  readonly key?: string;
  readonly concurrency: number;
  readonly refused?: string;
  readonly resume: boolean;
  readonly strict?: true;
  readonly json?: true;
}

const CONCURRENCY = 32;

const ABOUT = `
TSV and CSV have a header line. A document has a member for each column but the key's. Fields are text; in a column
whose every value is a whole number they are JSON numbers; an empty field is left out. NDJSON has an object a line:
the document with its key as a member, or {"key", "value"} as \`list --json\` prints it.

A key may be there once: rows whose canonical key came before are refused, not written over. Refused rows go to
FILE.refused.ndjson with row, line, reason and text; exit code 0 unless --strict. An import that was stopped goes on where it
was when the same file is imported again.`;

/** The command. */
export function importCommand({ terminal }: CommandContext): Command {
  const command = new Command("import")
    .description("load documents from a TSV, CSV or NDJSON file, also .gz")
    .addArgument(new Argument("<collection>", "for example products").argParser(collectionName))
    .argument("<file>", "the file to load")
    .addOption(new Option("--format <format>", "what the file holds (default: as its name says)").choices(ROW_FORMATS))
    .option("--key <column>", 'column or member that holds the key (default: "key", else the first column)')
    .option("--concurrency <n>", "rows under way at once", wholeNumber(1, 256), CONCURRENCY)
    .option("--refused <file>", "where refused rows go (default: FILE.refused.ndjson)")
    .option("--no-resume", "begin anew, also when an earlier import was stopped")
    .option("--strict", "exit code 1 when rows were refused")
    .option("--json", "print the summary as JSON")
    .addHelpText("after", ABOUT);
  addTargetOptions(command).action((collection: CollectionName, file: string, flags: ImportFlags) =>
    importFile({ collection, file, flags, terminal }),
  );
  return addExamples(command, [
    ["zgate import products products.tsv.gz", "by its header's column key"],
    ["zgate import products list.csv --key name --concurrency 64", "another key column, more at once"],
    ["zgate import products saved.ndjson --url https://… --token …", "into another gateway"],
  ]);
}

interface ImportJob {
  readonly collection: CollectionName;
  readonly file: string;
  readonly flags: ImportFlags;
  readonly terminal: Terminal;
}

async function importFile(job: ImportJob): Promise<void> {
  const { file, flags, terminal } = job;
  const progress = createProgress(terminal);
  const stop = stopOnSignal(() => progress.update("stopping after the rows that are under way…"));
  const client = connect(flags, accessPermissions(job.collection), { connections: flags.concurrency });
  try {
    await checkCollection(job.collection, client);
    progress.step(`reading ${displayPath(file)}…`);
    const survey = await surveyFile({
      path: file,
      format: flags.format ?? formatOf(file),
      keyColumn: flags.key ?? null,
    });
    const plan = {
      ...{ survey, client, collection: job.collection, concurrency: flags.concurrency, signal: stop.signal },
      checkpointPath: checkpointPath(job, survey),
      refusedPath: resolve(flags.refused ?? `${file}.refused.ndjson`),
      onProgress: (state: Parameters<typeof progressText>[0]) => progress.update(progressText(state)),
    };
    if (!flags.resume) beginAnew(plan);
    const result = await runImport(plan).finally(() => progress.clear());
    report(result, plan.refusedPath, job);
  } finally {
    stop.release();
    await client.close();
  }
}

/** A wrong name or token is known before a long file has been read. Who may only write learns it from the first row. */
async function checkCollection(collection: CollectionName, client: GatewayClient): Promise<void> {
  const answer = await client.reach({ method: "GET", path: `/${collection}?limit=1` });
  if (answer.status === 404) throw new CliFailure(`there is no collection "${collection}" at ${client.url}`);
  if (answer.status === 401) throw refusal(answer);
}

function report(result: ImportResult, refusedPath: string, { flags, terminal }: ImportJob): void {
  const written = isThere(refusedPath) ? displayPath(refusedPath) : null;
  if (flags.json === true) terminal.out(JSON.stringify(summaryOf(result, written)));
  else for (const line of summaryLines(result, written)) terminal.out(line);
  if (!result.isComplete) {
    throw new CliFailure("the import was stopped", {
      hint: "run the same command again: it goes on where it stopped",
      isTold: true,
    });
  }
  if (flags.strict === true && result.tally.refused > 0) {
    throw new CliFailure(`${result.tally.refused} rows were refused`, {
      hint: `the reasons are in ${written}`,
      isTold: true,
    });
  }
}

/** In the data directory of a local instance; beside the file when the gateway is elsewhere. */
function checkpointPath({ file, flags, collection }: ImportJob, survey: Survey): string {
  const name = checkpointName(identityOf({ survey, collection }));
  return flags.url === undefined ? join(dataDirectory(flags.data).imports, name) : `${resolve(file)}.${name}`;
}

function stopOnSignal(onStop: () => void): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const stop = (): void => {
    // A second Ctrl-C does not wait: the next run sends the rows under way again, with the same idempotency keys.
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
    onStop();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  const release = (): void => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, stop);
  };
  return { signal: controller.signal, release };
}
