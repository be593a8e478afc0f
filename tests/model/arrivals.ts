// What a message does when it arrives, which may be at any time and more than once.
// Must not decide by itself: the protocol does.
import { appliedOnce, refusalIsFinal, sentOnce } from "../../router/history-invariants.ts";
import {
  decidedAfterGone,
  epochsGrow,
  type Finding,
  fencedByLiveMove,
  type SlotCopy,
} from "../../router/move-invariants.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { OwnershipEvent } from "../../router/slot-transition.ts";
import { answered, historyOf, isWaitingFor } from "./clients.ts";
import {
  cellAt,
  describeContent,
  type NumberedWrite,
  RECORD,
  valueOf,
  visible,
  withValue,
  writeOf,
} from "./content.ts";
import { phrase } from "./coverage.ts";
import type { Emit } from "./step.ts";
import { type Message, type Truth, type World, word } from "./world.ts";

type Of<Kind extends Message["kind"]> = Extract<Message, { readonly kind: Kind }>;
const UNCHANGED = -1;

/** All that can happen by one message's arrival. */
export function arrive(world: World, state: Int32Array, emit: Emit): void {
  for (const number of world.pools.membersOf(word(state, world.layout.pool))) {
    const message = world.messages.valueOf(number);
    const arrival = new Arrival({ world, state, emit, number });
    switch (message.kind) {
      case "event":
        arriveEvent(arrival, message);
        break;
      case "page":
        arrivePage(arrival, message);
        break;
      case "write":
        arriveWrite(arrival, message);
        break;
      case "request":
        arriveRequest(arrival, message);
        break;
      case "clean-up":
        arriveCleanUp(arrival, message);
        break;
      default:
        throw new Error(`broken assumption: message ${JSON.stringify(message satisfies never)}`);
    }
  }
}

/** Whether a message can never have an effect again, whatever happens: its epoch or its run is over for good. */
export function isSpent(world: World, number: number, ownershipNumber: number): boolean {
  return world.spent.get(number, ownershipNumber, () => {
    const message = world.messages.valueOf(number);
    const ownership = world.ownerships.valueOf(ownershipNumber);
    switch (message.kind) {
      case "event":
        return isSpentEvent(world, message.event, ownership);
      case "page":
        return !world.protocol.mayCopy(ownership, message.run);
      case "write":
        return ownership.epoch > message.judgedEpoch;
      case "request":
        return false;
      case "clean-up":
        return ownership.epoch > message.of.epoch;
      default:
        throw new Error(`broken assumption: message ${JSON.stringify(message satisfies never)}`);
    }
  });
}

/**
 * Every rule needs the move's own epoch, the one before, or the one that was read, and epochs never go down. At the move's own
 * epoch what has no effect never gets one: states only go on, digests stay, and a run that was replaced never comes back.
 */
function isSpentEvent(world: World, event: OwnershipEvent, ownership: Ownership): boolean {
  if (event.kind === "claim") return ownership.epoch > 0;
  if (event.kind === "begin") return ownership.epoch > event.seenEpoch;
  if (ownership.epoch !== event.epoch) return ownership.epoch > event.epoch;
  return world.protocol.transition(ownership, event).kind !== "change";
}

/** One message about to arrive. */
class Arrival {
  readonly world: World;
  readonly state: Int32Array;
  readonly emit: Emit;
  readonly number: number;

  constructor({ world, state, emit, number }: Pick<Arrival, "world" | "state" | "emit" | "number">) {
    this.world = world;
    this.state = state;
    this.emit = emit;
    this.number = number;
  }

  arrives(next: Int32Array, what: string, findings: readonly Finding[] = []): void {
    const { world, number } = this;
    this.emit(next, { name: what, detail: () => describeMessage(world, number), findings });
  }
}

function arriveEvent(arrival: Arrival, { at, event }: Of<"event">): void {
  const { world, state, number } = arrival;
  const before = word(state, at);
  const after = world.transitions.get(number, before, () => {
    const outcome = world.protocol.transition(world.ownerships.valueOf(before), event);
    return outcome.kind === "change" ? world.ownerships.numberOf(outcome.next) : UNCHANGED;
  });
  if (after === UNCHANGED) {
    world.coverage.add(phrase(event.kind, "arrives without effect"));
    return;
  }
  const next = state.slice();
  next[at] = after;
  const findings = changeTruth(world, { state, next, at, event });
  noteTiming(world, state, event);
  arrival.arrives(next, phrase(event.kind, "takes effect"), findings);
}

/** Counts what takes effect after its sender is gone, or in a later move's time. */
function noteTiming(world: World, state: Int32Array, event: OwnershipEvent): void {
  if (event.kind === "claim") return;
  const { moves } = world.catalog(state);
  const index = moves.findIndex(({ move }) => move.move === event.move);
  const { runners, width } = world.layout;
  let drivers = 0;
  for (let place = runners; place < width; place += 1) {
    if (world.runners.valueOf(word(state, place))?.move === index) drivers += 1;
  }
  if (drivers === 0) world.coverage.add(phrase(event.kind, "takes effect with no runner alive"));
  if (index < moves.length - 1) world.coverage.add(phrase(event.kind, "takes effect when a later move is planned"));
}

interface Change {
  readonly state: Int32Array;
  readonly next: Int32Array;
  readonly at: number;
  readonly event: OwnershipEvent;
}

/** Writes down what has really happened, and checks the change itself. */
function changeTruth(world: World, { state, next, at, event }: Change): readonly Finding[] {
  const [before, after] = [world.ownership(state, at), world.ownership(next, at)];
  const truth = world.truth(state);
  const findings = [
    ...epochsGrow(
      before,
      after,
      truth.owners.map(([epoch]) => epoch),
    ),
  ];
  if (event.kind === "take-over" || event.kind === "seal" || event.kind === "go") return findings;
  const isNewOwner = after.state === "OWNER" && (before.state !== "OWNER" || before.epoch !== after.epoch);
  const owners: Truth["owners"] = isNewOwner ? [...truth.owners, [after.epoch, world.shardAt(at)]] : truth.owners;
  world.setTruth(next, { owners, outcomes: outcomesAfter(world, state, event) });
  if (event.kind === "decide") {
    const [source, destination] = [copyAt(world, state, world.indexOf(after.to)), copyAt(world, next, at)];
    findings.push(...decidedAfterGone(source, destination));
  }
  if (event.kind === "fence") findings.push(...fencedByLiveMove(after, world.picture(state).moves));
  return findings;
}

function outcomesAfter(world: World, state: Int32Array, event: OwnershipEvent): Truth["outcomes"] {
  const { outcomes } = world.truth(state);
  if (event.kind !== "decide" && event.kind !== "abort") return outcomes;
  const index = world.catalog(state).moves.findIndex(({ move }) => move.move === event.move);
  if (outcomes[index] === "decided") return outcomes;
  return outcomes.with(index, event.kind === "decide" ? "decided" : "aborted");
}

function copyAt(world: World, state: Int32Array, shard: number): SlotCopy {
  const content = describeContent(world.schema, world.content(state, shard));
  return { shard: world.shardAt(shard), ownership: world.ownership(state, shard), content };
}

function arrivePage(arrival: Arrival, { at, run, cell, value }: Of<"page">): void {
  const { world, state } = arrival;
  if (!world.protocol.mayCopy(world.ownership(state, at), run)) {
    world.coverage.add("page arrives without effect");
    return;
  }
  const next = state.slice();
  const index = world.layout.content + at;
  next[index] = withValue(word(state, index), cellAt(world.schema, cell), value);
  arrival.arrives(next, "page is written");
}

function arriveCleanUp(arrival: Arrival, { at, of }: Of<"clean-up">): void {
  const { world, state } = arrival;
  const ownership = world.ownership(state, at);
  if (!world.protocol.mayCleanUp(ownership, of)) {
    world.coverage.add("clean-up arrives without effect");
    return;
  }
  const next = state.slice();
  next[world.layout.content + at] = 0;
  const left = world.protocol.columnsCleaned(ownership);
  if (left !== ownership) next[at] = world.ownerships.numberOf(left);
  arrival.arrives(next, "clean-up removes rows");
}

/** A worker that nobody waits for judges its write as if somebody did. */
function arriveRequest(arrival: Arrival, { at, write }: Of<"request">): void {
  const { world, state, number } = arrival;
  const ownership = world.ownership(state, at);
  const access = world.protocol.decideAccess(ownership, { intent: "write", knownEpoch: 0 }, "undecided");
  if (access.kind !== "serve") {
    world.coverage.add("forgotten request is not served");
    return;
  }
  const next = state.slice();
  world.unsend(next, number);
  world.send(next, { kind: "write", at, write, judgedEpoch: ownership.epoch });
  arrival.arrives(next, "forgotten request is judged");
}

function arriveWrite(arrival: Arrival, message: Of<"write">): void {
  const { world, state, number } = arrival;
  const write = writeOf(world.schema, message.write);
  const ownership = world.ownership(state, message.at);
  const row = valueOf(world.content(state, message.at), cellAt(world.schema, write.row));
  const isWaiting = isWaitingFor(world, state, message);
  if (world.protocol.mayWrite({ ownership, judgedEpoch: message.judgedEpoch, row })) {
    applyWrite(arrival, message, write);
    return;
  }
  const next = state.slice();
  if (!write.operation.isKeyed) world.unsend(next, number);
  if (isWaiting) answered(world, next, { write, answer: "not-applied" });
  arrival.arrives(next, isWaiting ? "write is turned away" : "write of nobody is turned away");
}

function applyWrite(arrival: Arrival, message: Of<"write">, write: NumberedWrite): void {
  const { world, state, number } = arrival;
  const next = state.slice();
  if (!write.operation.isKeyed && world.protocol.plainIsSentOnce) world.unsend(next, number);
  const { verdict, isReplay } = judge(world, next, { at: message.at, write });
  const findings = isReplay || verdict === "refused" ? [] : noteApplied(world, next, write);
  const name = phrase(isReplay ? "write is replayed as" : "write is", verdict);
  if (!isWaitingFor(world, state, message)) {
    arrival.arrives(next, phrase(name, "and nobody waits"), findings);
    return;
  }
  arrival.arrives(next, phrase(name, "and the reply is lost"), findings);
  const heard = next.slice();
  const told = answered(world, heard, { write, answer: verdict });
  arrival.arrives(heard, name, [...findings, ...told]);
}

interface Judgement {
  readonly verdict: "applied" | "refused";
  readonly isReplay: boolean;
}

/** The rows after the write, in `next`. */
function judge(world: World, next: Int32Array, { at, write }: { at: number; write: NumberedWrite }): Judgement {
  const { schema, layout, protocol } = world;
  const content = world.content(next, at);
  const recordCell = write.record === null ? null : cellAt(schema, write.record);
  const record = recordCell === null ? RECORD.none : valueOf(content, recordCell);
  if (record !== RECORD.none) return { verdict: record === RECORD.applied ? "applied" : "refused", isReplay: true };
  const rowCell = cellAt(schema, write.row);
  const isThere = visible(schema, valueOf(content, rowCell)) !== 0;
  const isRefused = (write.operation.kind === "create" && isThere) || (write.operation.kind === "delete" && !isThere);
  const verdict = isRefused ? "refused" : "applied";
  const changed = isRefused ? content : withValue(content, rowCell, write.number);
  next[layout.content + at] =
    recordCell === null ? changed : withValue(changed, recordCell, protocol.recordFor(verdict));
  return { verdict, isReplay: false };
}

function noteApplied(world: World, next: Int32Array, write: NumberedWrite): readonly Finding[] {
  const truth = world.truth(next);
  const registers = truth.registers.with(write.row, visible(world.schema, write.number));
  world.setTruth(next, { registers, applied: truth.applied | (2 ** write.number) });
  const history = historyOf(truth, write);
  return [...appliedOnce(history), ...sentOnce(history), ...refusalIsFinal(history)];
}

/** A message for people. */
function describeMessage(world: World, number: number): string {
  const message = world.messages.valueOf(number);
  const at = `at ${world.shardAt(message.at)}`;
  switch (message.kind) {
    case "event": {
      const { kind, ...rest } = message.event;
      const fields = Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`);
      return `${kind} ${at} ${fields.join(" ")}`;
    }
    case "page": {
      const cell = cellAt(world.schema, message.cell);
      return `page ${at} run=${message.run} ${describeContent(world.schema, withValue(0, cell, message.value))} (${cell.label})`;
    }
    case "write":
      return `w${message.write} ${at} judged at epoch ${message.judgedEpoch}`;
    case "request":
      return `request of w${message.write} ${at}`;
    case "clean-up":
      return `clean-up ${at} of ${message.of.move}`;
    default:
      throw new Error(`broken assumption: message ${JSON.stringify(message satisfies never)}`);
  }
}
