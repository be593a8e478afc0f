/**
 * The command line as a whole: all commands, and how failures become one line and an exit code. It must not know
 * what a command does.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { addExamples, type CommandContext } from "./command-context.ts";
import { abortCommand } from "./commands/abort.ts";
import { completionCommand } from "./commands/completion.ts";
import { deleteCommand } from "./commands/delete.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { getCommand } from "./commands/get.ts";
import { importCommand } from "./commands/import.ts";
import { listCommand } from "./commands/list.ts";
import { mapCommand } from "./commands/map.ts";
import { moveCommand } from "./commands/move.ts";
import { movesCommand } from "./commands/moves.ts";
import { patchCommand } from "./commands/patch.ts";
import { putCommand } from "./commands/put.ts";
import { resumeCommand } from "./commands/resume.ts";
import { reverseCommand } from "./commands/reverse.ts";
import { routeCommand } from "./commands/route.ts";
import { schemaCommand } from "./commands/schema.ts";
import { shardCommand } from "./commands/shard.ts";
import { mergeCommand, splitCommand } from "./commands/split.ts";
import { statusCommand } from "./commands/status.ts";
import { throttleCommand } from "./commands/throttle.ts";
import { tokenCommand } from "./commands/token.ts";
import { upCommand } from "./commands/up.ts";
import { verifyCommand } from "./commands/verify.ts";
import { watchCommand } from "./commands/watch.ts";
import { PROJECT_ROOT, parseFields } from "./data-directory.ts";
import { CliFailure, errorLine, failureDocument } from "./failure.ts";

const COMMANDS = [
  upCommand,
  statusCommand,
  tokenCommand,
  mapCommand,
  routeCommand,
  getCommand,
  putCommand,
  patchCommand,
  deleteCommand,
  listCommand,
  importCommand,
  moveCommand,
  movesCommand,
  watchCommand,
  resumeCommand,
  abortCommand,
  reverseCommand,
  throttleCommand,
  splitCommand,
  mergeCommand,
  verifyCommand,
  doctorCommand,
  shardCommand,
  schemaCommand,
  completionCommand,
];

const USAGE_FAULT = 2;

/** The program with all its commands. */
export function createProgram(context: CommandContext): Command {
  const program = new Command("zgate")
    .description("one gateway over many shards: run it, look at it, fill it, move its ranges")
    .version(version(), "--version")
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText(
      "after",
      `\nExit codes: 0 done, 1 failed, 2 called in a way that cannot work, 3 something is to be done first. With --json a
failure that no document tells of is the last line of stdout, as {error: {message, hint, reason}}; hint and reason may be null.`,
    );
  addExamples(program, [
    ["npm start", "zgate up: run a gateway on this machine, with sample products"],
    ["npx zgate get products react", "read a document"],
    [`npx zgate put products left-pad '{"version":"1.3.0"}'`, "write one"],
    ["npx zgate route products react", "where a key lives, and why"],
    ["npx zgate import products products.tsv.gz", "load a file"],
    ["npx zgate move products --start g --end m --to shard-2 --wait", "move a range while it is in use"],
  ]);
  for (const create of COMMANDS) program.addCommand(create(context));
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .showSuggestionAfterError()
      .showHelpAfterError(`(see \`${pathOf(command)} --help\`)`);
    // Colours by commander's own rule would disregard that stdout and stderr may differ.
    command.configureHelp({ showGlobalOptions: false });
  }
  return program;
}

/** Runs the program. Resolves to the exit code; never rejects. */
export async function runProgram(args: readonly string[], context: CommandContext): Promise<number> {
  const program = createProgram(context);
  // What was typed counts until it is understood: then `--json` may turn out to be the value of another option.
  let isJson = beforeDashes(args).includes("--json");
  program.hook("preAction", (_program, command) => {
    isJson = command.opts()["json"] === true;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (isJson) tellPrograms(error, context);
    if (error instanceof CommanderError) return USAGE_FAULT;
    explain(error, context);
    return error instanceof CliFailure ? error.exitCode : 1;
  }
}

/** Behind `--` there are no options. */
function beforeDashes(args: readonly string[]): readonly string[] {
  const at = args.indexOf("--");
  return at < 0 ? args : args.slice(0, at);
}

function tellPrograms(error: unknown, { terminal }: CommandContext): void {
  if (error instanceof CliFailure && error.isTold) return;
  terminal.out(failureDocument(error instanceof CommanderError ? usageFailure(error) : error));
}

/** Commander has told people already, in some lines. */
function usageFailure({ message }: CommanderError): CliFailure {
  return new CliFailure(message.replace(/^error: /, "").replaceAll("\n", " "));
}

function explain(error: unknown, { terminal, env }: CommandContext): void {
  terminal.note(`zgate: ${error instanceof CliFailure ? error.message : errorLine(error)}`);
  if (error instanceof CliFailure && error.hint !== null) terminal.note(`  ${error.hint}`);
  const stack = error instanceof Error ? error.stack : undefined;
  if (env["ZGATE_DEBUG"] === "1" && stack !== undefined) terminal.note(stack);
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${command.parent.name()} ${command.name()}`;
}

function version(): string {
  const manifest = parseFields(readFileSync(join(PROJECT_ROOT, "package.json"), "utf8"));
  return typeof manifest?.["version"] === "string" ? manifest["version"] : "unknown";
}
