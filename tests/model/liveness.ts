// Whether a state can be ended: from every state, resume and abort without further faults leave one owner and nobody waiting.
// Must not look at messages under way: whatever they do later leads to another state, which is asked the same.
import { endsWithOneOwner, everythingEnds, rowIsAsApplied } from "../../router/history-invariants.ts";
import type { Finding, SlotCopy } from "../../router/move-invariants.ts";
import { confirmed, type Ownership } from "../../router/ownership.ts";
import { routeOf } from "../../router/route-hints.ts";
import {
  finishedCopy,
  foundEqual,
  type MoveGoal,
  type RunnerStep,
  type RunnerView,
  sawSide,
  sentStatement,
  startedCopy,
  startRunner,
} from "../../router/slot-move.ts";
import type { Side, SlotMove } from "../../router/slot-stand.ts";
import { cellAt, valueOf, visible } from "./content.ts";
import type { SearchResult } from "./search.ts";
import { type CatalogState, SLOT, type Truth, type World, word } from "./world.ts";

/** What one runner may need at most, and hops a request may need at most. */
const [STEPS_MAX, HOPS_MAX] = [40, 8];
const FIRST_KEY = "aa";

/** What was asked and what came of it. `situations`: distinct combinations of columns, rows, moves and what edges believe. */
export interface LivenessResult {
  readonly situations: number;
  readonly runs: number;
  readonly stepsMax: number;
  readonly failure: { readonly index: number; readonly findings: readonly Finding[] } | null;
}

/** Asks every state of a search; equal situations are asked once. */
export function checkLiveness({ world, store }: SearchResult): LivenessResult {
  const known = new Set<string>();
  const totals = { runs: 0, stepsMax: 0 };
  for (let index = 0; index < store.size; index += 1) {
    const state = store.read(index);
    const name = situationOf(world, state);
    if (known.has(name)) continue;
    known.add(name);
    for (const goal of ["finish", "abort"] as const) {
      for (const isReversed of [false, true]) {
        const shards = new Shards(world, state);
        const open = endAll(shards, { catalog: world.catalog(state), goal, isReversed });
        const waiting = edgesWaiting(shards, state);
        const findings = [...everythingEnds([...open, ...waiting]), ...oneTrueOwner(shards, world.truth(state))];
        totals.runs += 1;
        totals.stepsMax = Math.max(totals.stepsMax, shards.steps);
        if (findings.length > 0) return { situations: known.size, ...totals, failure: { index, findings } };
      }
    }
  }
  return { situations: known.size, ...totals, failure: null };
}

/** All that the way to the end depends on. */
function situationOf(world: World, state: Int32Array): string {
  const { layout } = world;
  const columnsAndRows = state.subarray(0, layout.pool).join();
  const hints = new Set<number>();
  for (let at = layout.clients; at < layout.runners; at += 1) hints.add(world.clients.valueOf(word(state, at)).hints);
  const { registers } = world.truth(state);
  return `${columnsAndRows}|${state[layout.catalog]}|${[...hints].join()}|${registers.join()}`;
}

/** The shards of a state, on which statements take effect at once. */
class Shards {
  readonly world: World;
  readonly ownerships: Ownership[];
  readonly contents: number[];
  steps = 0;

  constructor(world: World, state: Int32Array) {
    this.world = world;
    this.ownerships = world.shards.map((_, shard) => world.ownership(state, shard));
    this.contents = world.shards.map((_, shard) => world.content(state, shard));
  }

  ownership(shard: number): Ownership {
    const ownership = this.ownerships[shard];
    if (ownership === undefined) throw new Error(`broken assumption: no shard ${shard}`);
    return ownership;
  }

  content(shard: number): number {
    return this.contents[shard] ?? 0;
  }

  copies(): readonly Pick<SlotCopy, "shard" | "ownership">[] {
    return this.ownerships.map((ownership, index) => ({ shard: this.world.shardAt(index), ownership }));
  }
}

interface Plan {
  readonly catalog: CatalogState;
  readonly goal: MoveGoal;
  readonly isReversed: boolean;
}

/** Moves that have no end, for people. */
function endAll(shards: Shards, { catalog, goal, isReversed }: Plan): readonly string[] {
  claimFirst(shards);
  const moves = isReversed ? catalog.moves.toReversed() : catalog.moves;
  return moves.flatMap(({ move }) => endMove(shards, move, goal));
}

/** Creating a collection ends with its claim, which is repeated until it is there. */
function claimFirst(shards: Shards): void {
  const outcome = shards.world.protocol.transition(shards.ownership(0), { kind: "claim" });
  if (outcome.kind === "change") shards.ownerships[0] = outcome.next;
}

/** One runner from start to end, with no fault and nobody in its way. */
function endMove(shards: Shards, move: SlotMove, goal: MoveGoal): readonly string[] {
  let view = startRunner(move, goal);
  for (let steps = 1; steps <= STEPS_MAX; steps += 1) {
    const step = shards.world.protocol.nextStep(view, `${move.move}-end-${shards.steps}`);
    shards.steps += 1;
    if (step.kind === "end") return [];
    if (step.kind === "stop") return [`${move.move} by ${goal}: it stops, ${step.reason}: ${step.detail}`];
    view = doStep(shards, view, step);
  }
  return [`${move.move} by ${goal} in ${STEPS_MAX} steps`];
}

type WorkStep = Exclude<RunnerStep, { readonly kind: "end" | "stop" }>;

function doStep(shards: Shards, view: RunnerView, step: WorkStep): RunnerView {
  const { world } = shards;
  const at = (side: Side): number => world.indexOf(view.move[side]);
  switch (step.kind) {
    case "look":
      return sawSide(view, step.at, shards.ownership(at(step.at)));
    case "send": {
      const shard = at(step.at);
      const outcome = world.protocol.transition(shards.ownership(shard), step.event);
      if (outcome.kind === "change") shards.ownerships[shard] = outcome.next;
      return sawSide(sentStatement(view, step.at, step.event), step.at, shards.ownership(shard));
    }
    case "copy":
      shards.contents[at("destination")] = shards.content(at("source"));
      return finishedCopy(startedCopy(view));
    case "reconcile":
      shards.contents[at("destination")] = shards.content(at("source"));
      return foundEqual(view, `rows-${shards.content(at("source"))}`);
    default:
      throw new Error(`broken assumption: step ${JSON.stringify(step satisfies never)}`);
  }
}

function oneTrueOwner(shards: Shards, truth: Truth): readonly Finding[] {
  const { schema } = shards.world;
  const findings = endsWithOneOwner(shards.copies());
  if (findings.length > 0) return findings;
  const content = shards.content(shards.ownerships.findIndex(({ state }) => state === "OWNER"));
  return truth.registers.flatMap((applied, key) => {
    const cell = cellAt(schema, key);
    return rowIsAsApplied(cell.label, visible(schema, valueOf(content, cell)), applied);
  });
}

/** Edges whose next request does not find the owner by itself, for people. None may be, whatever an edge believes. */
function edgesWaiting(shards: Shards, state: Int32Array): readonly string[] {
  const { world } = shards;
  const { clients, runners } = world.layout;
  const waiting: string[] = [];
  for (let at = clients; at < runners; at += 1) {
    const { hints } = world.clients.valueOf(word(state, at));
    if (!findsOwner(shards, hints)) waiting.push(`what the edge of client ${at - clients} waits for`);
  }
  return waiting;
}

function findsOwner(shards: Shards, first: number): boolean {
  const { world } = shards;
  let hints = world.hints.valueOf(first);
  for (let hops = 0; hops < HOPS_MAX; hops += 1) {
    const route = routeOf(hints, SLOT, FIRST_KEY);
    const asked = shards.ownerships[world.indexOf(route?.shard ?? null)];
    if (route === null || asked === undefined) return false;
    const destination = shards.ownerships[world.indexOf(asked.to)];
    const isMoving = asked.state === "GONE" || asked.state === "FENCED";
    const decision =
      isMoving && destination !== undefined
        ? confirmed(world.protocol.decisionOf(asked.epoch, destination))
        : "undecided";
    const access = world.protocol.decideAccess(asked, { intent: "write", knownEpoch: route.epoch }, decision);
    if (access.kind !== "redirect") return access.kind === "serve";
    hints = world.protocol.learnOwner(hints, { slot: SLOT, epoch: access.epoch, owner: access.owner });
  }
  return false;
}
