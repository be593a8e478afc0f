/**
 * `zgate schema`: what the databases lack that the configuration needs, and making it. It must not touch data, nor the
 * embedded stores, which make their tables themselves.
 */
import { Argument, Command, Option } from "commander";
import type { ShardId } from "../../router/ids.ts";
import type { AppliedSchema } from "../../shards/cassandra/schema-apply.ts";
import { allSteps, cqlOf, type SchemaPlan } from "../../shards/cassandra/schema-plan.ts";
import { addExamples, type CommandContext } from "../command-context.ts";
import { DEFAULT_CONFIG, readConfiguration } from "../configuration.ts";
import { CliFailure } from "../failure.ts";
import { shardId } from "../option-values.ts";
import { applyCatalog, type CatalogSteps, type DynamodbCatalogConfig, planCatalog } from "../schema/catalog-table.ts";
import { type KeyspaceOwner, keyspaceOwners, withKeyspaces } from "../schema/keyspaces.ts";
import type { Terminal } from "../terminal.ts";

interface SchemaFlags {
  readonly config: string;
  readonly shard?: ShardId;
  readonly json?: true;
}

/** The command. */
export function schemaCommand(context: CommandContext): Command {
  const command = new Command("schema")
    .description("create and upgrade what shards keep in Cassandra and the catalog in DynamoDB")
    .addArgument(new Argument("<action>", "plan shows what is missing, apply makes it").choices(["plan", "apply"]))
    .option("--config <file>", "configuration", DEFAULT_CONFIG)
    .addOption(new Option("--shard <id>", "this shard's keyspace alone, and no catalog").argParser(shardId))
    .option("--json", "print {shards: [{shard, store, keyspace, steps, differences}], catalog: {table, steps} or null}")
    .addHelpText("after", "\nExit code of plan: 0 nothing is missing, 3 something is.")
    .action((action: "plan" | "apply", flags: SchemaFlags) => run(context, action, flags));
  return addExamples(command, [
    ["zgate schema plan", "what is missing, with its CQL; changes nothing"],
    ["zgate schema apply", "make it; any number of times, also by several at once"],
    ["zgate schema apply --shard shard-3", "for one shard that is new"],
  ]);
}

/** What there is to look at, and the world to do it in. */
interface Work {
  readonly terminal: Terminal;
  readonly env: CommandContext["env"];
  readonly isJson: boolean;
  readonly owners: readonly KeyspaceOwner[];
  readonly catalog: DynamodbCatalogConfig | null;
  readonly config: ReturnType<typeof readConfiguration>["config"];
}

async function run(context: CommandContext, action: "plan" | "apply", flags: SchemaFlags): Promise<void> {
  const { terminal, env } = context;
  const { config } = readConfiguration(flags.config);
  const shard = flags.shard ?? null;
  const catalog = shard === null && config.catalog.kind === "dynamodb" ? config.catalog : null;
  const work: Work = {
    terminal,
    env,
    isJson: flags.json === true,
    owners: keyspaceOwners(config, shard),
    catalog,
    config,
  };
  if (work.owners.length === 0 && catalog === null) {
    terminal.note("nothing to do: embedded stores and the embedded catalog make their tables themselves");
  }
  await (action === "plan" ? plan(work) : apply(work));
}

async function plan(work: Work): Promise<void> {
  const { terminal, env, isJson, owners, config } = work;
  const plans = await withKeyspaces({ config, environment: env }, async (keyspaces) => {
    const found: SchemaPlan[] = [];
    for (const owner of owners) found.push(await keyspaces.plan(owner));
    return found;
  });
  const catalog = work.catalog === null ? null : await planCatalog(work.catalog, env);
  const shards = plans.map((each, index) => describePlan(owners[index], each));
  if (isJson) terminal.out(JSON.stringify({ shards, catalog: describeCatalog(work, catalog) }));
  else {
    for (const shard of shards) printShard(terminal, shard);
    if (catalog !== null) printCatalog(work, catalog);
  }
  const missing = plans.flatMap(allSteps).length + (catalog ?? []).filter(({ state }) => state === "needed").length;
  if (missing === 0) return;
  throw new CliFailure(`${missing} ${missing === 1 ? "step is" : "steps are"} missing`, {
    hint: "carry them out with `zgate schema apply`",
    exitCode: 3,
    isTold: true,
  });
}

async function apply(work: Work): Promise<void> {
  const { terminal, env, isJson, owners, config } = work;
  const applied = await withKeyspaces({ config, environment: env }, async (keyspaces) => {
    const done: AppliedSchema[] = [];
    for (const owner of owners) {
      done.push(await keyspaces.apply(owner, ({ title }) => isJson || terminal.out(`shard ${owner.shard}: ${title}`)));
    }
    return done;
  });
  const catalog = work.catalog === null ? null : await applyCatalog(work.catalog, env);
  const shards = applied.map((each, index) => describeApplied(owners[index], each));
  if (isJson) return terminal.out(JSON.stringify({ shards, catalog: describeCatalog(work, catalog) }));
  for (const { shard, keyspace, steps, differences } of shards) {
    if (steps.length === 0) terminal.out(`shard ${shard}: keyspace ${keyspace} was up to date`);
    for (const difference of differences) terminal.note(`shard ${shard}: ${difference}`);
  }
  if (catalog !== null) printCatalog(work, catalog);
}

interface ShardReport {
  readonly shard: string;
  readonly store: string;
  readonly keyspace: string;
  readonly steps: readonly { readonly title: string; readonly cql: readonly string[] }[];
  readonly differences: readonly string[];
}

function describePlan(owner: KeyspaceOwner | undefined, found: SchemaPlan): ShardReport {
  return describeApplied(owner, { ...found, steps: allSteps(found) });
}

function describeApplied(owner: KeyspaceOwner | undefined, applied: AppliedSchema): ShardReport {
  const { keyspace, differences } = applied;
  const steps = applied.steps.map(({ title, actions }) => ({ title, cql: actions.map(cqlOf) }));
  return { shard: owner?.shard ?? "", store: owner?.store.name ?? "", keyspace, steps, differences };
}

function describeCatalog({ catalog }: Work, steps: CatalogSteps | null): object | null {
  return catalog === null ? null : { table: catalog.table, steps };
}

function printShard(terminal: Terminal, { shard, store, keyspace, steps, differences }: ShardReport): void {
  const state = steps.length === 0 ? ": up to date" : "";
  terminal.out(terminal.paint("bold", `shard ${shard}, keyspace ${keyspace} in store "${store}"${state}`));
  for (const { title, cql } of steps) {
    terminal.out(`  ${title}`);
    for (const statement of cql) terminal.out(terminal.paint("dim", `    ${statement};`));
  }
  for (const difference of differences) terminal.note(`shard ${shard}: ${difference}`);
}

function printCatalog({ terminal, catalog }: Work, steps: CatalogSteps): void {
  terminal.out(terminal.paint("bold", `catalog, DynamoDB table ${catalog?.table ?? ""}`));
  for (const { description, state } of steps) terminal.out(`  ${state.padEnd("unsupported".length)}  ${description}`);
}
