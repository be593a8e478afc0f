/**
 * `zgate split` and `zgate merge`: where the map's ranges end. Neither moves data. They must not publish over somebody else's change.
 */
import { Argument, Command } from "commander";
import type { CollectionName } from "../../router/ids.ts";
import { parseCut } from "../../router/move-plan.ts";
import { describePlan, type MapPlan, type PlanRefusal, planMerge, planSplit } from "../../router/plan.ts";
import type { Result } from "../../router/result.ts";
import type { MapRules, ShardMap } from "../../router/shard-map.ts";
import { addExamples, type CommandContext } from "../command-context.ts";
import { CliFailure, refusedBecause } from "../failure.ts";
import { print } from "../moves/carry-out.ts";
import {
  addOperatorOptions,
  demandCollection,
  demandMap,
  type Operator,
  type OperatorFlags,
  rulesOf,
  withOperator,
} from "../operator.ts";
import { collectionName } from "../option-values.ts";

interface CutFlags extends OperatorFlags {
  readonly dryRun?: true;
}

/** A wanted change of one place in a map. */
interface Cut {
  readonly collection: CollectionName;
  readonly key: string;
  readonly flags: CutFlags;
}

type Planner = (map: ShardMap, at: string, rules: MapRules) => Result<MapPlan, PlanRefusal>;

/** `zgate split`. */
export function splitCommand(context: CommandContext): Command {
  const command = cutCommand(context, {
    name: "split",
    description: "divide a range of the map in two of the same shard",
    plan: planSplit,
  });
  return addExamples(command, [
    ["zgate split products at g", "one range up to g, one from g on"],
    ["zgate split products at g --dry-run", "the map as it would be"],
  ]);
}

/** `zgate merge`. */
export function mergeCommand(context: CommandContext): Command {
  const command = cutCommand(context, {
    name: "merge",
    description: "join the two ranges of one shard that meet at a key",
    plan: planMerge,
  });
  return addExamples(command, [["zgate merge products at g", "undoes the split"]]);
}

interface CutKind {
  readonly name: string;
  readonly description: string;
  readonly plan: Planner;
}

function cutCommand(context: CommandContext, { name, description, plan }: CutKind): Command {
  const command = new Command(name)
    .description(description)
    .addArgument(new Argument("<collection>", "for example products").argParser(collectionName))
    .addArgument(new Argument("<at>", 'the word "at"').choices(["at"]))
    .argument("<key>", "a slot boundary; a refusal names the nearest")
    .option("--dry-run", "print the map as it would be, and change nothing");
  const json = "print {kind, collection, version, parent, ranges: [{start, end, shard}]}";
  addOperatorOptions(command, json).action((collection: CollectionName, _at: string, key: string, flags: CutFlags) =>
    withOperator(context, flags, (operator) => cut({ context, operator, plan }, { collection, key, flags })),
  );
  return command;
}

interface Work {
  readonly context: CommandContext;
  readonly operator: Operator;
  readonly plan: Planner;
}

async function cut({ context: { terminal }, operator, plan }: Work, { collection, key, flags }: Cut): Promise<void> {
  const configured = demandCollection(operator, collection);
  const at = parseCut(configured.placement, key);
  if (!at.ok) throw refusedBecause(at);
  const planned = plan(await demandMap(operator, collection), at.value, rulesOf(operator, configured));
  if (!planned.ok) throw refusedBecause(planned);
  const { next, kind } = planned.value;
  if (flags.dryRun !== true) await publish(operator, next);
  if (flags.json === true) return terminal.out(JSON.stringify({ kind, ...next }));
  print(terminal, [...describePlan(planned.value), ...(flags.dryRun === true ? ["nothing was changed"] : [])]);
}

async function publish({ catalog, author }: Operator, next: ShardMap): Promise<void> {
  const outcome = await catalog.publish(next, author());
  if (outcome.kind === "published") return;
  throw new CliFailure(`the map has changed meanwhile: it is at version ${outcome.current.version} now`, {
    hint: "run the same command again",
  });
}
