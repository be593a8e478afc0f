// Runners: whoever drives a move, by the product's own step function, with reads and pages as separate moments.
// Must not know more than a runner has read.
import { type Finding, finding, reportIsTrue } from "../../router/move-invariants.ts";
import {
  finishedCopy,
  foundEqual,
  lostSight,
  type MoveGoal,
  type RunnerStep,
  sawSide,
  sentStatement,
  startedCopy,
  startRunner,
} from "../../router/slot-move.ts";
import type { Side, SlotMove } from "../../router/slot-stand.ts";
import type { OwnershipEvent } from "../../router/slot-transition.ts";
import { valueOf } from "./content.ts";
import { phrase } from "./coverage.ts";
import type { Emit } from "./step.ts";
import { type PlannedMove, type RunnerState, type World, word } from "./world.ts";

const NO_WORK: RunnerState["work"] = { kind: "none" };

/** What every runner may do next, and which may be started. */
export function stepRunners(world: World, state: Int32Array, emit: Emit): void {
  const { runners, width } = world.layout;
  let isFreePlaceTried = false;
  for (let place = runners; place < width; place += 1) {
    const runner = world.runners.valueOf(word(state, place));
    if (runner === null) {
      if (!isFreePlaceTried) startRunners(world, state, { place, emit });
      isFreePlaceTried = true;
      continue;
    }
    stepRunner(new Turn({ world, state, at: { place, emit }, runner }));
  }
}

interface Place {
  readonly place: number;
  readonly emit: Emit;
}

/** One runner about to do one thing. */
class Turn {
  readonly world: World;
  readonly state: Int32Array;
  readonly at: Place;
  readonly runner: RunnerState;

  constructor({ world, state, at, runner }: Pick<Turn, "world" | "state" | "at" | "runner">) {
    this.world = world;
    this.state = state;
    this.at = at;
    this.runner = runner;
  }

  get planned(): PlannedMove {
    const planned = this.world.catalog(this.state).moves[this.runner.move];
    if (planned === undefined) throw new Error(`broken assumption: no move ${this.runner.move}`);
    return planned;
  }

  shardOf(side: Side): number {
    return this.world.indexOf(this.runner.view.move[side]);
  }

  /** Emits the state with this runner changed; null: it is gone. `change` may do more. */
  becomes(runner: RunnerState | null, name: string, change: (next: Int32Array) => readonly Finding[] = () => []): void {
    const next = this.state.slice();
    next[this.at.place] = this.world.runners.numberOf(runner);
    const findings = change(next);
    const { move, goal } = this.runner.view;
    this.at.emit(next, { name, detail: () => `runner of ${move.move} (${goal})`, findings });
  }
}

function startRunners(world: World, state: Int32Array, { place, emit }: Place): void {
  const goals: MoveGoal[] = ["finish"];
  if (world.has("aborts")) goals.push("abort");
  if (world.has("helpers")) goals.push("help");
  for (const [index, { move, reported }] of world.catalog(state).moves.entries()) {
    if (reported !== null && !world.has("late-starts")) continue;
    for (const goal of goals) {
      const next = state.slice();
      next[place] = world.runners.numberOf({ move: index, view: startRunner(move, goal), work: NO_WORK });
      const name = reported === null ? `runner starts: ${goal}` : `runner starts after the report: ${goal}`;
      emit(next, { name, detail: () => move.move, findings: [] });
    }
  }
}

function stepRunner(turn: Turn): void {
  const { runner, world } = turn;
  if (world.has("crashes")) turn.becomes(null, "runner crashes");
  if (runner.work.kind === "copying") copyCell(turn, runner.work.cell);
  else if (runner.work.kind === "reconciling") reconcile(turn, runner.work.source);
  else act(turn);
}

function act(turn: Turn): void {
  const { world, runner, planned } = turn;
  const step = world.protocol.nextStep(runner.view, `${planned.move.move}-run-${planned.runsUsed + 1}`);
  switch (step.kind) {
    case "look":
      return lookAt(turn, step.at);
    case "send":
      return sendEvent(turn, step);
    case "copy":
      return turn.becomes(
        { ...runner, view: startedCopy(runner.view), work: { kind: "copying", cell: 0 } },
        "copy begins",
      );
    case "reconcile":
      return turn.becomes({ ...runner, work: { kind: "reconciling", source: null } }, "reconciling begins");
    case "end":
      return report(turn, step);
    case "stop":
      return stop(turn, step);
    default:
      throw new Error(`broken assumption: step ${JSON.stringify(step satisfies never)}`);
  }
}

/** No store is ever lost in the model, so nobody may take one for lost. */
function stop(turn: Turn, { reason, detail }: Extract<RunnerStep, { readonly kind: "stop" }>): void {
  const isWrong = reason === "store-lost" && turn.world.protocol.countsLostStores;
  const findings = isWrong ? [finding("I10", `a runner takes a store for lost: ${detail}`)] : [];
  turn.becomes(null, `runner stops: ${reason}`, () => findings);
}

function lookAt(turn: Turn, side: Side): void {
  const { world, state, runner } = turn;
  const ownership = world.ownership(state, turn.shardOf(side));
  const seen = sawSide(runner.view, side, ownership);
  const isFirst = side === "source" && runner.view.latest === null;
  const isRead = isFirst && ownership.state === "OWNER" && !world.protocol.pinsEpoch;
  const move: SlotMove = isRead ? { ...seen.move, epoch: ownership.epoch + 1 } : seen.move;
  turn.becomes({ ...runner, view: { ...seen, move } }, phrase("runner looks at the", side));
}

function sendEvent(turn: Turn, { at, event }: Extract<RunnerStep, { readonly kind: "send" }>): void {
  const { world, runner, planned } = turn;
  const isRunTaken = event.kind === "begin" || event.kind === "take-over";
  if (isRunTaken && planned.runsUsed >= world.scope.runsPerMove) {
    world.coverage.add("no run is left in this scope");
    return;
  }
  const view = sentStatement(runner.view, at, event);
  const name = phrase(event.kind, isUnderWay(turn, at, event) ? "is sent again" : "is sent");
  turn.becomes({ ...runner, view }, name, (next) => {
    world.send(next, { kind: "event", at: turn.shardOf(at), event });
    if (isRunTaken) countRun(turn, next);
    return [];
  });
}

/** Whether the same statement is under way already: lost so far, late, or about to be doubled. */
function isUnderWay(turn: Turn, at: Side, event: OwnershipEvent): boolean {
  const { world, state } = turn;
  const number = world.messages.numberOf({ kind: "event", at: turn.shardOf(at), event });
  return world.pools.has(word(state, world.layout.pool), number);
}

function countRun(turn: Turn, next: Int32Array): void {
  const { world, planned, runner } = turn;
  const { moves } = world.catalog(next);
  world.setCatalog(next, { moves: moves.with(runner.move, { ...planned, runsUsed: planned.runsUsed + 1 }) });
}

/** Reads one row of the source and sends it; a row that is not there is not sent. */
function copyCell(turn: Turn, index: number): void {
  const { world, state, runner } = turn;
  const source = turn.shardOf("source");
  const access = world.protocol.decideAccess(
    world.ownership(state, source),
    { intent: "read", knownEpoch: 0 },
    "undecided",
  );
  const cell = world.schema.cells[index];
  const run = runner.view.run;
  if (access.kind !== "serve" || run === null) {
    turn.becomes({ ...runner, view: lostSight(runner.view), work: NO_WORK }, "copy finds the source closed");
    return;
  }
  if (cell === undefined) {
    turn.becomes({ ...runner, view: finishedCopy(runner.view), work: NO_WORK }, "copy has caught up");
    return;
  }
  const value = valueOf(world.content(state, source), cell);
  const isSent = value !== 0 && world.protocol.copies(cell);
  turn.becomes(
    { ...runner, work: { kind: "copying", cell: index + 1 } },
    isSent ? "copy reads and sends a row" : "copy reads nothing",
    (next) => {
      if (isSent) sendPage(turn, next, { cell: index, value, run: run.token });
      return [];
    },
  );
}

interface Page {
  readonly cell: number;
  readonly value: number;
  readonly run: string;
}

function sendPage(turn: Turn, next: Int32Array, page: Page): void {
  turn.world.send(next, { kind: "page", at: turn.shardOf("destination"), ...page });
}

/** First the source's rows, later the destination's; then the difference, or the digest of equal ones. */
function reconcile(turn: Turn, source: number | null): void {
  if (source === null) readFencedSource(turn);
  else compareWithDestination(turn, source);
}

function readFencedSource(turn: Turn): void {
  const { world, state, runner } = turn;
  const { view } = runner;
  const shard = turn.shardOf("source");
  const { state: own, epoch, move } = world.ownership(state, shard);
  if (own !== "FENCED" || epoch !== view.move.epoch || move !== view.move.move) {
    turn.becomes({ ...runner, view: lostSight(view), work: NO_WORK }, "reconciling finds the source changed");
    return;
  }
  const work = { kind: "reconciling", source: world.content(state, shard) } as const;
  turn.becomes({ ...runner, work }, "reconciling reads the source");
}

function compareWithDestination(turn: Turn, source: number): void {
  const { world, state, runner } = turn;
  const { view } = runner;
  const shard = turn.shardOf("destination");
  const run = view.run;
  if (run === null || !world.protocol.mayCopy(world.ownership(state, shard), run.token)) {
    turn.becomes({ ...runner, view: lostSight(view), work: NO_WORK }, "reconciling finds the destination changed");
    return;
  }
  const destination = world.content(state, shard);
  const different = world.schema.cells.flatMap((cell, index) => {
    const [there, here] = [valueOf(source, cell), valueOf(destination, cell)];
    return world.protocol.differs(cell, there, here) ? [{ cell: index, value: there }] : [];
  });
  if (different.length === 0 || !world.protocol.comparesBeforeSeal) {
    const equal = foundEqual(view, `rows-${source}`);
    turn.becomes({ ...runner, view: equal, work: NO_WORK }, "both sides are found equal");
    return;
  }
  const hasSurplus = different.some(({ value }) => value === 0);
  turn.becomes(
    { ...runner, work: { kind: "reconciling", source: null } },
    hasSurplus ? "difference is sent, with rows to remove" : "difference is sent",
    (next) => {
      for (const page of different) sendPage(turn, next, { ...page, run: run.token });
      return [];
    },
  );
}

/** The runner tells the catalog and whoever asked. */
function report(turn: Turn, { outcome }: Extract<RunnerStep, { readonly kind: "end" }>): void {
  const { world, state, runner, planned } = turn;
  const happened = world.truth(state).outcomes[runner.move] ?? "open";
  const findings = reportIsTrue(planned.move.move, outcome, happened);
  turn.becomes(null, `runner reports: ${outcome}`, (next) => {
    if (planned.reported !== null) return findings;
    const { moves, maps } = world.catalog(next);
    const isPublished = outcome === "decided" && world.has("maps");
    world.setCatalog(next, {
      moves: moves.with(runner.move, { ...planned, reported: outcome }),
      maps: isPublished ? [...maps, planned.move.destination] : maps,
    });
    return findings;
  });
}
