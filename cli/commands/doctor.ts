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
import {
  addOperatorOptions,
  demandCollection,
  failureText,
  type Operator,
  type OperatorFlags,
  withOperator,
} from "../operator.ts";
import { collectionName } from "../option-values.ts";
import { type Complaint, type Consultation, consult } from "../verify/consultation.ts";
import { PATIENCE_MS, type Treated, type Treatment, treat, untouched } from "../verify/treatment.ts";

interface DoctorFlags extends OperatorFlags {
  readonly fix?: true;
}

const JSON_HELP =
  "print {collection, complaints: [{slot, move, stage, owner, serves, waitsFor, next, fixed, …} or {slot, kind, detail, next, fixed}], underWay, silent, held, failure} a line";

const ABOUT = `
Exit code: 0 nothing waits, 3 something does and \`next\` is safe, 1 a person has to look: a store is lost, or a shard does not answer.
Also 1 when a collection cannot be looked at, or --fix could not do all that it began, and \`failure\` says why; the other collections are looked at all the same.
A move that its destination is at right now is no complaint. docs/moves.md says what each answer means.`;

/** The command. */
export function doctorCommand(context: CommandContext): Command {
  const command = new Command("doctor")
    .description("say who owns what a crash left undecided, and what to do about it")
    .addArgument(new Argument("[collection]", "one collection, none for all").argParser(collectionName))
    .option(
      "--fix",
      `end what a few statements can end; wait ${PATIENCE_MS / 1000} s for a worker to take up what has to be copied`,
    )
    .addHelpText("after", ABOUT);
  addOperatorOptions(command, JSON_HELP).action((collection: CollectionName | undefined, flags: DoctorFlags) =>
    withOperator(context, flags, (operator) => examine(context, operator, { collection, flags })),
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

interface Attended extends Treatment {
  readonly consultation: Consultation;
}

/** Looks at one collection after the other, and prints what it has found and done. Throws `CliFailure` unless all is well. */
export async function examine(
  { terminal }: Pick<CommandContext, "terminal">,
  operator: Operator,
  { collection, flags }: Wish,
): Promise<void> {
  const chosen =
    collection === undefined ? [...operator.config.collections.values()] : [demandCollection(operator, collection)];
  const open: Treated[] = [];
  const failures: string[] = [];
  const silent = new Set<string>();
  for (const each of chosen) {
    const attended = await attend(operator, each, flags).catch((error: unknown) => unseen(each, error));
    const { consultation, treated, failure } = attended;
    if (flags.json === true) terminal.out(JSON.stringify(jsonOf(attended)));
    else print(terminal, linesOf(attended));
    open.push(...treated.filter(({ isWell }) => !isWell));
    if (failure !== null) failures.push(`${each.name}: ${failure}`);
    for (const shard of consultation.silent.keys()) silent.add(shard);
  }
  if (failures.length > 0) {
    throw new CliFailure(failures.join("; "), { hint: "run the same command again", isTold: true });
  }
  conclude(open, silent.size);
}

async function attend(operator: Operator, collection: CollectionConfig, flags: DoctorFlags): Promise<Attended> {
  const consultation = await consult(operator, collection);
  if (flags.fix === true) return { consultation, ...(await treat(operator, consultation)) };
  return { consultation, treated: consultation.complaints.map(untouched), failure: null };
}

/** A collection of which nothing could be learned: the others are looked at all the same. Throws what nobody foresaw. */
function unseen(collection: CollectionConfig, error: unknown): Attended {
  const failure = failureText(error);
  if (failure === null) throw error;
  const nothing = { complaints: [], underWay: 0, answering: 0, silent: new Map(), held: [] };
  return { consultation: { collection, ...nothing }, treated: [], failure };
}

function conclude(open: readonly Treated[], silent: number): void {
  if (silent > 0) {
    throw new CliFailure(`${silent} ${silent === 1 ? "shard does" : "shards do"} not answer`, {
      hint: "bring them back and ask again: of what they alone know nothing can be said",
      isTold: true,
    });
  }
  if (open.length === 0) return;
  const count = `${open.length} ${open.length === 1 ? "slot waits" : "slots wait"}`;
  const isGrave = open.some(({ complaint }) => complaint.kind === "ownership" || complaint.next === null);
  const hint = isGrave ? "docs/moves.md says what each answer means" : "`next` above is safe";
  throw new CliFailure(count, { hint, exitCode: isGrave ? 1 : 3, isTold: true });
}

function jsonOf({ consultation, treated, failure }: Attended): object {
  const { collection, underWay, silent, held } = consultation;
  const complaints = treated.map(({ complaint, fixed }) => {
    if (complaint.kind !== "move") {
      return { ...complaint.finding, next: complaint.kind === "map" ? complaint.next : null, fixed };
    }
    const { slot, move, ...state } = complaint.diagnosis;
    return { slot, ...move, ...state, next: complaint.next, fixed };
  });
  return {
    collection: collection.name,
    complaints,
    underWay,
    silent: Object.fromEntries(silent),
    held: held.map(({ id }) => id),
    failure,
  };
}

function linesOf({ consultation, treated, failure }: Attended): readonly string[] {
  const { collection, underWay, silent, held } = consultation;
  const ways = underWay === 0 ? "" : `, ${underWay} under way`;
  const sum = treated.length === 0 ? nothingText(consultation, failure) : `${treated.length} waiting`;
  return [
    `${collection.name}: ${sum}${ways}`,
    ...[...silent].map(([shard, reason]) => `  ${shard} does not answer: ${reason}`),
    ...held.map(({ id, from, to }) => `  move ${shortId(id)} from ${from} to ${to} goes on by itself once both answer`),
    ...treated.flatMap(({ complaint, fixed }) => [
      ...complaintLines(complaint),
      ...(fixed === null ? [] : [`    now: ${fixed}`]),
    ]),
    ...(failure === null ? [] : [`  not all could be done: ${failure}`]),
  ];
}

/** Who does not answer may know of something. */
function nothingText({ silent, answering }: Consultation, failure: string | null): string {
  if (failure !== null) return "not known";
  if (silent.size === 0) return "nothing waits";
  return answering === 0 ? "no shard answers" : "nothing waits at the shards that answer";
}

function complaintLines(complaint: Complaint): readonly string[] {
  if (complaint.kind !== "move") {
    const { slot, kind, detail } = complaint.finding;
    const next = complaint.kind === "map" ? complaint.next : "a person has to look (docs/moves.md)";
    return [`  ${JSON.stringify(slot)}  ${kind}: ${detail}`, `    next: ${next}`];
  }
  const { slot, move, waitsFor } = complaint.diagnosis;
  const truth = truthOf(complaint.diagnosis);
  return [
    `  ${JSON.stringify(slot)}  move ${shortId(move.move)} from ${move.source} to ${move.destination}: ${truth}`,
    `    waits for ${waitsFor}`,
    `    next: ${nextText(complaint)}`,
  ];
}

function truthOf({ owner, serves }: Diagnosis): string {
  if (owner === null) return "its owner cannot be told";
  return serves === "unknown" ? `${owner} owns it` : `${owner} owns it and serves ${serves}`;
}

function nextText({ diagnosis, next }: Extract<Complaint, { kind: "move" }>): string {
  if (next === null) return "restore that store from its backup (docs/operations.md)";
  if (diagnosis.remedy === "answer") return `bring that shard back, and ask again: ${next}`;
  if (diagnosis.remedy !== "runner") return next;
  return `nothing has to be done, ${diagnosis.move.destination} takes it up by itself: ${next}`;
}
