/**
 * `zgate doctor`: for every slot that a crash left undecided, its one true owner, what it waits for, and the one safe next command.
 * `--fix` runs it. It must not guess: the rule "decided?" and the columns of both sides say all of it.
 */
import { Argument, Command } from "commander";
import type { CollectionConfig } from "../../config/config.ts";
import type { CollectionName } from "../../router/ids.ts";
import type { Diagnosis } from "../../router/slot-diagnosis.ts";
import { addExamples, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { print } from "../moves/carry-out.ts";
import { shortId } from "../moves/find-move.ts";
import { addOperatorOptions, demandCollection, type Operator, type OperatorFlags, withOperator } from "../operator.ts";
import { collectionName } from "../option-values.ts";
import { type Complaint, type Consultation, consult } from "../verify/consultation.ts";
import { driveSlot } from "../verify/drive-slot.ts";
import { repairMap } from "../verify/map-repair.ts";

interface DoctorFlags extends OperatorFlags {
  readonly fix?: true;
}

const JSON_HELP =
  "print {collection, complaints: [{slot, move, stage, owner, serves, waitsFor, next, fixed, …} or {slot, kind, detail, next, fixed}], underWay, silent} a line";

const ABOUT = `
Exit code: 0 nothing is wrong, 3 something is to be done, 1 a person has to look: a store is lost, or a shard does not answer.
A move that its destination is at right now is no complaint. docs/moves.md says what each answer means.`;

/** The command. */
export function doctorCommand(context: CommandContext): Command {
  const command = new Command("doctor")
    .description("say who owns what a crash left undecided, and what to do about it")
    .addArgument(new Argument("[collection]", "one collection, none for all").argParser(collectionName))
    .option("--fix", "end what a few statements can end; what only has to be copied on is left to a worker")
    .addHelpText("after", ABOUT);
  addOperatorOptions(command, JSON_HELP).action((collection: CollectionName | undefined, flags: DoctorFlags) =>
    withOperator(context, flags, (operator) => run(context, operator, { collection, flags })),
  );
  return addExamples(command, [
    ["zgate doctor", "all collections"],
    ["zgate doctor products --fix", "end what can be ended by a few statements"],
  ]);
}

interface Wish {
  readonly collection: CollectionName | undefined;
  readonly flags: DoctorFlags;
}

/** A complaint, and what `--fix` made of it: null when nothing was tried. */
interface Treated {
  readonly complaint: Complaint;
  readonly fixed: string | null;
  readonly isWell: boolean;
}

interface Attended {
  readonly consultation: Consultation;
  readonly treated: readonly Treated[];
}

async function run({ terminal }: CommandContext, operator: Operator, { collection, flags }: Wish): Promise<void> {
  const chosen =
    collection === undefined ? [...operator.config.collections.values()] : [demandCollection(operator, collection)];
  const open: Treated[] = [];
  let silent = 0;
  for (const each of chosen) {
    const { consultation, treated } = await attend(operator, each, flags);
    if (flags.json === true) terminal.out(JSON.stringify(jsonOf(consultation, treated)));
    else print(terminal, linesOf(consultation, treated));
    open.push(...treated.filter(({ isWell }) => !isWell));
    silent += consultation.silent.size;
  }
  conclude(open, silent);
}

/** Slots first: what is decided by that may be new to the map. */
async function attend(operator: Operator, collection: CollectionConfig, flags: DoctorFlags): Promise<Attended> {
  const consultation = await consult(operator, collection);
  if (flags.fix !== true) return { consultation, treated: consultation.complaints.map(untouched) };
  const treated: Treated[] = [];
  for (const complaint of consultation.complaints) {
    const isDriven = complaint.kind === "move" && isDrivable(complaint.diagnosis);
    if (isDriven) treated.push(await fix(operator, collection, complaint));
    else if (complaint.kind !== "map") treated.push(untouched(complaint));
  }
  const { complaints } = treated.length === 0 ? consultation : await consult(operator, collection);
  const late = complaints.flatMap((complaint) => (complaint.kind === "map" ? [complaint] : []));
  return { consultation, treated: [...treated, ...(await fixMap(operator, collection, late))] };
}

function untouched(complaint: Complaint): Treated {
  return { complaint, fixed: null, isWell: false };
}

async function fixMap(
  operator: Operator,
  collection: CollectionConfig,
  complaints: readonly Extract<Complaint, { kind: "map" }>[],
): Promise<readonly Treated[]> {
  if (complaints.length === 0) return [];
  const owners = new Map(complaints.map(({ finding, owner }) => [finding.slot, owner]));
  const version = await repairMap(operator, collection, owners);
  const fixed =
    version === null ? "not changed: stripes of one prefix have different owners" : `map version ${version}`;
  return complaints.map((complaint) => ({ complaint, fixed, isWell: version !== null }));
}

function isDrivable({ remedy }: Diagnosis): boolean {
  return remedy === "help" || remedy === "abort";
}

async function fix(
  { shards }: Operator,
  collection: CollectionConfig,
  complaint: Extract<Complaint, { kind: "move" }>,
): Promise<Treated> {
  const { slot, move, remedy } = complaint.diagnosis;
  try {
    const goal = remedy === "abort" ? "abort" : "help";
    const outcome = await driveSlot(shards, { collection, slot, move, goal });
    const isWell = outcome.kind !== "stopped";
    return { complaint, isWell, fixed: outcome.kind === "stopped" ? `not ended: ${outcome.detail}` : outcome.kind };
  } catch (error) {
    if (error instanceof CliFailure) return { complaint, isWell: false, fixed: `not ended: ${error.message}` };
    throw error;
  }
}

function conclude(open: readonly Treated[], silent: number): void {
  if (silent > 0) {
    throw new CliFailure(`${silent} ${silent === 1 ? "shard does" : "shards do"} not answer`, {
      hint: "start them and ask again: of their slots nothing can be said",
    });
  }
  if (open.length === 0) return;
  const count = `${open.length} ${open.length === 1 ? "slot waits" : "slots wait"}`;
  const isGrave = open.some(({ complaint }) => complaint.kind === "ownership" || complaint.next === null);
  const hint = isGrave ? "docs/moves.md says what each answer means" : "`next` above is safe";
  throw new CliFailure(count, { hint, exitCode: isGrave ? 1 : 3 });
}

function jsonOf({ collection, underWay, silent }: Consultation, treated: readonly Treated[]): object {
  const complaints = treated.map(({ complaint, fixed }) => {
    if (complaint.kind !== "move") {
      return { ...complaint.finding, next: complaint.kind === "map" ? complaint.next : null, fixed };
    }
    const { slot, move, ...state } = complaint.diagnosis;
    return { slot, ...move, ...state, next: complaint.next, fixed };
  });
  return { collection: collection.name, complaints, underWay, silent: Object.fromEntries(silent) };
}

function linesOf({ collection, underWay, silent }: Consultation, treated: readonly Treated[]): readonly string[] {
  const ways = underWay === 0 ? "" : `, ${underWay} under way`;
  const sum = treated.length === 0 ? "nothing waits" : `${treated.length} waiting`;
  return [
    `${collection.name}: ${sum}${ways}`,
    ...[...silent].map(([shard, reason]) => `  ${shard} does not answer: ${reason}`),
    ...treated.flatMap(({ complaint, fixed }) => [
      ...complaintLines(complaint),
      ...(fixed === null ? [] : [`    now: ${fixed}`]),
    ]),
  ];
}

function complaintLines(complaint: Complaint): readonly string[] {
  if (complaint.kind !== "move") {
    const { slot, kind, detail } = complaint.finding;
    const next = complaint.kind === "map" ? complaint.next : "a person has to look (docs/moves.md)";
    return [`  ${JSON.stringify(slot)}  ${kind}: ${detail}`, `    next: ${next}`];
  }
  const { slot, move, owner, serves, waitsFor } = complaint.diagnosis;
  const truth = owner === null ? "its owner cannot be told" : `${owner} owns it and serves ${serves}`;
  return [
    `  ${JSON.stringify(slot)}  move ${shortId(move.move)} from ${move.source} to ${move.destination}: ${truth}`,
    `    waits for ${waitsFor}`,
    `    next: ${complaint.next ?? "restore that store from its backup (docs/operations.md)"}`,
  ];
}
