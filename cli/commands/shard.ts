/**
 * `zgate shard`: adding, emptying and removing a shard. Which shards there are is in the configuration, which people change; this
 * says what to put where, and moves the data. It must not write the configuration.
 */
import { Argument, Command, Option } from "commander";
import type { GatewayConfig } from "../../config/config.ts";
import type { ShardId } from "../../router/ids.ts";
import { addExamples, type CommandContext } from "../command-context.ts";
import { dataDirectory } from "../data-directory.ts";
import { CliFailure } from "../failure.ts";
import { addMoveOptions, type MoveFlags, print, settingsOf } from "../moves/carry-out.ts";
import { carryOutAll } from "../moves/carry-out-all.ts";
import { type Operator, operatorConfiguration, withOperator } from "../operator.ts";
import { shardId } from "../option-values.ts";
import { type Gateway, stepsToAdd, stepsToRemove } from "../shards/configure-steps.ts";
import { planDrain } from "../shards/drain.ts";
import { describeHoldings, holdingsOf } from "../shards/holdings.ts";
import { readLayout } from "../supervisor/layout.ts";
import type { Terminal } from "../terminal.ts";

type Action = "add" | "drain" | "remove";

interface ShardFlags extends MoveFlags {
  readonly to?: ShardId;
}

const ABOUT = `
add says what to configure, or that the shard is ready. drain moves all its ranges to the others; the options of a move are for it.
remove says whether anything depends on the shard still, and what to take out. Exit code 3: something is to be done first.
With --json, add prints {shard, configured, slots} or {shard, configured, steps}, remove {shard, removable, reasons}, and drain what \`move\`
does for each of its moves, a line each, or {shard, moves: []} where no map gives the shard a range. When a move of a drain is refused,
those before it go on: they are printed, a line each and not waited for, and the exit code is 1.`;

/** The command. */
export function shardCommand(context: CommandContext): Command {
  const command = new Command("shard")
    .description("add, empty or remove a shard")
    .addArgument(new Argument("<action>", "what to do").choices(["add", "drain", "remove"]))
    .addArgument(new Argument("<id>", "for example shard-3").argParser(shardId))
    .addOption(new Option("--to <shard>", "drain: to this shard alone").argParser(shardId))
    .addHelpText("after", ABOUT);
  addMoveOptions(command).action(async (action: Action, shard: ShardId, flags: ShardFlags) => {
    const config = operatorConfiguration(flags);
    const { terminal } = context;
    if (action === "add" && !config.shards.has(shard)) return sayHowToAdd({ config, terminal, flags, shard });
    return withOperator(context, flags, (operator) => run({ operator, config, terminal, flags, shard }, action));
  });
  return addExamples(command, [
    ["zgate shard add shard-3", "what to put into zgate.toml, or that it is ready"],
    ["zgate shard drain shard-1 --dry-run", "which moves would empty it"],
    ["zgate shard drain shard-1 --wait", "empty it"],
    ["zgate shard remove shard-1", "whether it may go, and what to take out"],
  ]);
}

/** What is asked about a shard, whether or not anything of the gateway runs. */
interface Question {
  readonly config: GatewayConfig;
  readonly terminal: Terminal;
  readonly flags: ShardFlags;
  readonly shard: ShardId;
}

interface Work extends Question {
  readonly operator: Operator;
}

function run(work: Work, action: Action): Promise<void> {
  if (action === "add") return add(work);
  demandShard(work);
  return action === "drain" ? drain(work) : remove(work);
}

function demandShard({ config, shard }: Work): void {
  if (config.shards.has(shard)) return;
  throw new CliFailure(`there is no shard "${shard}" in the configuration`, {
    hint: `configured are: ${[...config.shards.keys()].join(", ")}`,
  });
}

/** With a configuration of its own the command speaks of a gateway whose shards are run one by one. */
function gatewayOf({ config, flags }: Question): Gateway {
  return { config, layout: flags.config === undefined ? readLayout(dataDirectory(flags.data)) : null };
}

function sayHowToAdd(question: Question): never {
  const { terminal, flags, shard } = question;
  const steps = stepsToAdd(gatewayOf(question), shard);
  if (flags.json === true) terminal.out(JSON.stringify({ shard, configured: false, steps }));
  else print(terminal, steps);
  throw new CliFailure(`${shard} is not in the configuration yet`, { exitCode: 3, isTold: true });
}

async function add({ operator, terminal, flags, shard }: Work): Promise<void> {
  const holdings = await holdingsOf(operator, shard);
  const slots = holdings.reduce((sum, { held }) => sum + held.length, 0);
  if (flags.json === true) return terminal.out(JSON.stringify({ shard, configured: true, slots }));
  terminal.out(`${shard} answers; it holds ${slots} slots`);
  const [first] = holdings;
  if (slots === 0 && first !== undefined) {
    terminal.out(`give it a range: zgate move ${first.collection.name} --start KEY --end KEY --to ${shard}`);
  }
}

/** Plans the moves that empty the shard, then prints them, starts them, or follows them to their ends. Throws `CliFailure`. */
export async function drain({ operator, terminal, flags, shard }: Work): Promise<void> {
  const plans = await planDrain(operator, { shard, to: flags.to ?? null, settings: settingsOf(flags) });
  if (plans.length > 0) return carryOutAll(operator, plans, { flags, terminal });
  if (flags.json === true) terminal.out(JSON.stringify({ shard, moves: [] }));
  else terminal.note(`no map gives ${shard} a range`);
}

async function remove(work: Work): Promise<void> {
  const { operator, terminal, flags, shard } = work;
  const reasons = describeHoldings(await holdingsOf(operator, shard));
  if (flags.json === true) terminal.out(JSON.stringify({ shard, removable: reasons.length === 0, reasons }));
  else print(terminal, reasons.length > 0 ? reasons : stepsToRemove(gatewayOf(work), shard));
  if (reasons.length === 0) return;
  throw new CliFailure(`${shard} is still needed`, {
    hint: `\`zgate shard drain ${shard}\` empties it`,
    exitCode: 3,
    isTold: true,
  });
}
