/**
 * `zgate verify`: whether every slot has exactly one owner, and rows lie only where they may, over all shards and beside live
 * traffic. It must not change anything, nor report what is merely under way.
 */
import { Argument, Command } from "commander";
import type { CollectionName, ShardId, SlotId } from "../../router/ids.ts";
import { parseRange } from "../../router/range.ts";
import { rangeOf } from "../../router/shard-map.ts";
import { prefixOfSlot } from "../../router/slot.ts";
import { type AuditFinding, auditSlot, ownersOf, sidesOf } from "../../router/slot-audit.ts";
import { addExamples, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { print } from "../moves/carry-out.ts";
import { addOperatorOptions, demandCollection, type Operator, type OperatorFlags, withOperator } from "../operator.ts";
import { collectionName } from "../option-values.ts";
import { createProgress, groupDigits } from "../progress.ts";
import { compareLeftBehind } from "../verify/left-behind.ts";
import { confirmedFindings, type Look, type LookRequest, liveMoveOf, lookAtSlots } from "../verify/look.ts";

interface VerifyFlags extends OperatorFlags {
  readonly start?: string;
  readonly end?: string;
}

/** What was looked at and found. */
interface Verdict {
  readonly collection: CollectionName;
  readonly slots: number;
  /** Rows that moves left behind, compared with their owner's. */
  readonly compared: { readonly slots: number; readonly rows: number };
  readonly findings: readonly AuditFinding[];
}

/** The command. */
export function verifyCommand(context: CommandContext): Command {
  const command = new Command("verify")
    .description("check over all shards that each slot has one owner, and rows lie only where they may")
    .addArgument(new Argument("<collection>", "for example products").argParser(collectionName))
    .option("--start <key>", "begin here")
    .option("--end <key>", "end here, itself not in it")
    .addHelpText("after", "\nExit code 1 when something is wrong. Reads all rows of the range once to count them.");
  const json = "print {collection, slots, compared: {slots, rows}, findings: [{slot, kind, detail}]}";
  addOperatorOptions(command, json).action((collection: CollectionName, flags: VerifyFlags) =>
    withOperator(context, flags, (operator) => run(context, operator, { collection, flags })),
  );
  return addExamples(command, [
    ["zgate verify products", "all of it"],
    ["zgate verify products --start g --end m", "a part"],
  ]);
}

interface Wish {
  readonly collection: CollectionName;
  readonly flags: VerifyFlags;
}

async function run(context: CommandContext, operator: Operator, { collection, flags }: Wish): Promise<void> {
  const { terminal } = context;
  const configured = demandCollection(operator, collection);
  const range = parseRange(configured.placement, { start: flags.start ?? "", end: flags.end ?? null });
  if (!range.ok) throw new CliFailure(`${range.detail} (${range.reason})`);
  const progress = createProgress(terminal, operator.nowMs);
  const request = { collection: configured, range: range.value, weigh: true };
  const verdict = await verify(operator, request, progress.update).finally(progress.clear);
  const { slots, compared, findings } = verdict;
  if (flags.json === true) terminal.out(JSON.stringify(verdict));
  else {
    print(
      terminal,
      findings.map(({ slot, kind, detail }) => `${JSON.stringify(slot)}  ${kind}: ${detail}`),
    );
    const rows = `${groupDigits(compared.rows)} rows left behind in ${groupDigits(compared.slots)} slots compared`;
    terminal.out(`${collection}: ${groupDigits(slots)} slots checked, ${rows}`);
  }
  if (findings.length === 0) return;
  const count = `${findings.length} ${findings.length === 1 ? "difference" : "differences"}`;
  throw new CliFailure(count, { hint: `\`zgate doctor ${collection}\` says what can be done` });
}

async function verify(operator: Operator, request: LookRequest, show: (text: string) => void): Promise<Verdict> {
  show(`asking all shards about ${request.collection.name}…`);
  const look = async (range: LookRequest["range"]): Promise<Look> => {
    const seen = await lookAtSlots(operator, { ...request, range });
    for (const reason of seen.silent.values()) throw new CliFailure(`nothing can be said of a part alone: ${reason}`);
    return seen;
  };
  const first = await look(request.range);
  const findings = await confirmedFindings(first, look, (seen, slot) => Promise.resolve(audit(seen, slot)));
  const compared = { slots: 0, rows: 0 };
  const moves = new Map<string, number | null>();
  const differences: AuditFinding[] = [];
  for (const { slot, source, owner } of leftIn(first)) {
    show(`comparing ${JSON.stringify(slot)}…`);
    const leftAtMs = await leftSince(operator, moves, first.slots.get(slot)?.get(source)?.ownership.move ?? null);
    const { collection } = request;
    const left = { collection, slot, source, owner, leftAtMs, nowMs: operator.nowMs() };
    const comparison = await compareLeftBehind(operator.shards, left);
    if (comparison.kind === "moved") continue;
    compared.slots += 1;
    compared.rows += comparison.rows;
    differences.push(...comparison.findings);
  }
  const { name } = request.collection;
  return { collection: name, slots: first.slots.size, compared, findings: [...findings, ...differences] };
}

/** What the router says of a slot in one look. */
function audit(look: Look, slot: SlotId): readonly AuditFinding[] {
  const { placement } = look.collection;
  const mapOwner = rangeOf(look.map, prefixOfSlot(placement, slot)).shard;
  const isMoving = liveMoveOf(look, slot) !== undefined;
  return auditSlot({ slot, reports: look.slots.get(slot) ?? new Map(), mapOwner, isMoving });
}

interface LeftSlot {
  readonly slot: SlotId;
  readonly source: ShardId;
  readonly owner: ShardId;
}

/** Slots of which a shard still has rows that have gone to the owner. */
function leftIn({ slots }: Look): readonly LeftSlot[] {
  return [...slots].flatMap(([slot, reports]) => {
    const [owner, ...others] = ownersOf(sidesOf({ slot, reports }));
    if (owner === undefined || others.length > 0) return [];
    return [...reports].flatMap(([source, { ownership, rows = 0 }]) => {
      const isLeft = ownership.state === "GONE" && ownership.to === owner && rows > 0;
      return isLeft && reports.get(owner)?.ownership.epoch === ownership.epoch ? [{ slot, source, owner }] : [];
    });
  });
}

/** When the move was created; asked once for each. */
async function leftSince(
  { catalog }: Operator,
  known: Map<string, number | null>,
  id: string | null,
): Promise<number | null> {
  if (id === null) return null;
  const found = known.get(id);
  if (found !== undefined) return found;
  const createdAtMs = (await catalog.move(id))?.createdAtMs ?? null;
  known.set(id, createdAtMs);
  return createdAtMs;
}
