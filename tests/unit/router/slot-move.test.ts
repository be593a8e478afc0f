// The runner: what it does next in each stage, with and without a run, and whole moves without faults.
import { describe, expect, it } from "vitest";
import type { ShardId } from "../../../router/ids.ts";
import { NEVER_HELD, type Ownership, type OwnState } from "../../../router/ownership.ts";
import {
  finishedCopy,
  foundEqual,
  type HeldRun,
  lostSight,
  type MoveGoal,
  nextStep,
  type RunnerStep,
  type RunnerView,
  sawSide,
  sentStatement,
  startedCopy,
  startRunner,
} from "../../../router/slot-move.ts";
import type { Side, SlotMove } from "../../../router/slot-stand.ts";
import { type OwnershipEvent, transition } from "../../../router/slot-transition.ts";

const [ONE, TWO] = ["shard-1", "shard-2"] as unknown as readonly [ShardId, ShardId];
const MOVE: SlotMove = { move: "m-1", epoch: 5, source: ONE, destination: TWO };
const OF = { move: "m-1", epoch: 5 };
const FRESH = "r-fresh";

const slot = (state: OwnState, epoch: number, rest: Partial<Ownership> = {}): Ownership => ({
  ...NEVER_HELD,
  state,
  epoch,
  ...rest,
});
const mine = (state: OwnState, digest: string | null = null): Ownership =>
  slot(state, 5, { move: "m-1", run: "r-1", to: ONE, digest });

const OWNER = slot("OWNER", 4);
const FENCED = slot("FENCED", 5, { move: "m-1", to: TWO });
const GONE = slot("GONE", 5, { move: "m-1", to: TWO });
const RESTORED = slot("OWNER", 6, { move: "m-1", to: TWO });
const ELSEWHERE = slot("GONE", 7, { move: "m-2" });
const LATER = slot("RECEIVING", 8, { move: "m-3" });
const FILLING = mine("RECEIVING");
const SEALED = mine("RECEIVING", "d-1");

const CLEAN: HeldRun = { token: "r-1", use: "clean" };
const USED: HeldRun = { token: "r-1", use: "used" };
const ASKED: HeldRun = { token: "r-1", use: "asked" };

function viewOf(source: Ownership | null, destination: Ownership | null, over: Partial<RunnerView> = {}): RunnerView {
  return { ...startRunner(MOVE, "finish"), source, destination, latest: "destination", ...over };
}

const send = (at: Side, event: OwnershipEvent): RunnerStep => ({ kind: "send", at, event });
const look = (at: Side): RunnerStep => ({ kind: "look", at });
const stop = (reason: string): RunnerStep => expect.objectContaining({ kind: "stop", reason }) as RunnerStep;
const end = (outcome: "decided" | "aborted" | "over"): RunnerStep => ({ kind: "end", outcome });

const BEGIN = send("destination", { kind: "begin", ...OF, run: FRESH, seenEpoch: 2, source: ONE });
const TAKE_OVER = send("destination", { kind: "take-over", ...OF, run: FRESH, previousRun: "r-1" });
const ABORT = send("destination", { kind: "abort", ...OF });
const RESTORE = send("source", { kind: "restore", ...OF, destination: TWO });
const GO = send("source", { kind: "go", ...OF });
const DECIDE = send("destination", { kind: "decide", ...OF, run: "r-1", digest: "d-1" });

type Row = readonly [name: string, view: RunnerView, step: RunnerStep];

const FINISHING: readonly Row[] = [
  ["looks at the source first", viewOf(null, null), look("source")],
  ["looks at the destination then", viewOf(OWNER, null), look("destination")],
  ["begins", viewOf(OWNER, slot("GONE", 2)), BEGIN],
  ["begins nothing beside another owner", viewOf(OWNER, slot("OWNER", 2)), stop("store-lost")],
  ["begins nothing beside a fenced owner", viewOf(OWNER, slot("FENCED", 2)), stop("store-lost")],
  ["takes over from whoever filled", viewOf(OWNER, FILLING), TAKE_OVER],
  ["asks once more when its take-over was lost", viewOf(OWNER, FILLING, { run: ASKED }), TAKE_OVER],
  ["copies under its own run", viewOf(OWNER, FILLING, { run: CLEAN }), { kind: "copy", run: "r-1" }],
  ["goes on copying", viewOf(OWNER, FILLING, { run: USED }), { kind: "copy", run: "r-1" }],
  ["takes over from itself after the copy", viewOf(OWNER, FILLING, { run: USED, copied: true }), TAKE_OVER],
  [
    "fences with a clean run",
    viewOf(OWNER, FILLING, { run: CLEAN, copied: true }),
    send("source", { kind: "fence", ...OF, destination: TWO }),
  ],
  [
    "stops when another runner has taken over",
    viewOf(OWNER, FILLING, { run: { token: "r-0", use: "clean" } }),
    stop("taken-over"),
  ],
  ["takes over behind the fence", viewOf(FENCED, FILLING), TAKE_OVER],
  ["reconciles under no run that has copied", viewOf(FENCED, FILLING, { run: USED }), TAKE_OVER],
  ["reconciles with a clean run", viewOf(FENCED, FILLING, { run: CLEAN }), { kind: "reconcile", run: "r-1" }],
  [
    "seals what it found equal",
    viewOf(FENCED, FILLING, { run: CLEAN, agreedDigest: "d-1" }),
    send("destination", { kind: "seal", ...OF, run: "r-1", digest: "d-1" }),
  ],
  ["goes once it is sealed", viewOf(FENCED, SEALED), GO],
  ["decides once the source is gone", viewOf(GONE, SEALED), DECIDE],
  ["ends when it is decided", viewOf(GONE, mine("OWNER", "d-1")), end("decided")],
  ["restores after an abort", viewOf(GONE, mine("ABORTED")), RESTORE],
  ["ends when it is restored", viewOf(RESTORED, mine("ABORTED")), end("aborted")],
  ["ends a move that never began", viewOf(ELSEWHERE, slot("GONE", 2)), BEGIN],
  ["ends a fill that nobody needs", viewOf(ELSEWHERE, FILLING), ABORT],
  ["ends without knowing how when both went on", viewOf(ELSEWHERE, slot("OWNER", 8, { move: "m-3" })), end("over")],
  [
    "looks again when another move took its place",
    viewOf(OWNER, slot("RECEIVING", 5, { move: "m-2" })),
    look("source"),
  ],
  [
    "ends when another move took its place",
    viewOf(OWNER, slot("RECEIVING", 5, { move: "m-2" }), { latest: "source" }),
    end("aborted"),
  ],
  ["looks again when the destination is in later moves", viewOf(GONE, LATER), look("source")],
  ["ends when the destination is in later moves", viewOf(GONE, LATER, { latest: "source" }), end("decided")],
  ["looks again at a source that is behind", viewOf(OWNER, SEALED), look("source")],
  ["stops at a source that stays behind", viewOf(OWNER, SEALED, { latest: "source" }), stop("store-lost")],
  ["looks again at a destination that is behind", viewOf(GONE, FILLING, { latest: "source" }), look("destination")],
  ["stops at a destination that stays behind", viewOf(GONE, FILLING), stop("store-lost")],
];

const ABORTING: readonly Row[] = [
  ["begins what was not begun", viewOf(OWNER, slot("GONE", 2)), BEGIN],
  ["gives up the fill", viewOf(OWNER, FILLING), ABORT],
  ["gives up behind the fence", viewOf(FENCED, FILLING), ABORT],
  ["gives up what is sealed", viewOf(FENCED, SEALED), ABORT],
  ["gives up what is gone but not decided", viewOf(GONE, SEALED), ABORT],
  ["restores afterwards", viewOf(OWNER, mine("ABORTED")), RESTORE],
  ["is too late once it is decided", viewOf(GONE, mine("OWNER", "d-1")), end("decided")],
];

const HELPING: readonly Row[] = [
  ["does not begin", viewOf(OWNER, slot("GONE", 2)), stop("nothing-to-help")],
  ["does not fill", viewOf(OWNER, FILLING), stop("nothing-to-help")],
  ["does not seal", viewOf(FENCED, FILLING), stop("nothing-to-help")],
  ["does not end a fill", viewOf(ELSEWHERE, FILLING), stop("nothing-to-help")],
  ["goes", viewOf(FENCED, SEALED), GO],
  ["decides", viewOf(GONE, SEALED), DECIDE],
  ["restores", viewOf(FENCED, mine("ABORTED")), RESTORE],
];

describe("nextStep", () => {
  it.each(FINISHING)("finish: %s", (_name, view, step) => {
    expect(nextStep(view, FRESH)).toEqual(step);
  });

  it.each(ABORTING)("abort: %s", (_name, view, step) => {
    expect(nextStep({ ...view, goal: "abort" }, FRESH)).toEqual(step);
  });

  it.each(HELPING)("help: %s", (_name, view, step) => {
    expect(nextStep({ ...view, goal: "help" }, FRESH)).toEqual(step);
  });

  it("takes over from a run without a name by a condition that nothing meets", () => {
    const expected = { kind: "take-over", ...OF, run: FRESH, previousRun: "" } as const;
    expect(nextStep(viewOf(OWNER, { ...FILLING, run: null }), FRESH)).toEqual(send("destination", expected));
  });

  it("decides nothing that was sealed by nobody", () => {
    expect(nextStep(viewOf(GONE, { ...SEALED, run: null }), FRESH)).toEqual(stop("store-lost"));
  });
});

describe("what a runner knows", () => {
  it("holds a run once it is seen in the columns", () => {
    expect(sawSide(viewOf(OWNER, null, { run: ASKED }), "destination", FILLING).run).toEqual(CLEAN);
    expect(sawSide(viewOf(OWNER, null, { run: ASKED }), "destination", { ...FILLING, run: "r-9" }).run).toEqual(ASKED);
    expect(sawSide(viewOf(OWNER, null, { run: USED }), "destination", FILLING).run).toEqual(USED);
    expect(sawSide(viewOf(OWNER, null), "destination", FILLING).run).toBeNull();
  });

  it("forgets the side that a statement may have changed", () => {
    const view = viewOf(OWNER, FILLING, { run: CLEAN, agreedDigest: "d-1" });
    const fenced = sentStatement(view, "source", { kind: "go", ...OF });
    expect([fenced.source, fenced.destination]).toEqual([null, FILLING]);
    const sealed = sentStatement(view, "destination", { kind: "abort", ...OF });
    expect([sealed.source, sealed.destination, sealed.agreedDigest]).toEqual([OWNER, null, "d-1"]);
  });

  it("forgets what was found equal under another run", () => {
    const view = viewOf(FENCED, FILLING, { run: CLEAN, agreedDigest: "d-1" });
    const taken = sentStatement(view, "destination", { kind: "take-over", ...OF, run: "r-2", previousRun: "r-1" });
    expect(taken).toMatchObject({ run: { token: "r-2", use: "asked" }, agreedDigest: null });
  });

  it("counts a run as used from the first page on", () => {
    expect(startedCopy(viewOf(OWNER, FILLING, { run: CLEAN })).run).toEqual(USED);
    expect(startedCopy(viewOf(OWNER, FILLING)).run).toBeNull();
  });

  it("reads everything again when its work met something else", () => {
    const lost = lostSight(viewOf(FENCED, FILLING, { run: CLEAN, copied: true, agreedDigest: "d-1" }));
    expect(lost).toMatchObject({
      source: null,
      destination: null,
      latest: null,
      agreedDigest: null,
      run: CLEAN,
      copied: true,
    });
  });
});

interface Slots {
  source: Ownership;
  destination: Ownership;
}

/** A runner alone in the world, until it ends. */
function drive(slots: Slots, goal: MoveGoal): { readonly steps: readonly string[]; readonly last: RunnerStep } {
  let view = startRunner(MOVE, goal);
  const steps: string[] = [];
  for (;;) {
    const step = nextStep(view, `r-${steps.length}`);
    if (step.kind === "end" || step.kind === "stop" || steps.length > 50) return { steps, last: step };
    steps.push(step.kind === "send" ? step.event.kind : step.kind);
    if (step.kind === "copy") view = finishedCopy(startedCopy(view));
    if (step.kind === "reconcile") view = foundEqual(view, "d-1");
    if (step.kind === "look") view = sawSide(view, step.at, slots[step.at]);
    if (step.kind === "send") {
      const outcome = transition(slots[step.at], step.event);
      if (outcome.kind === "change") slots[step.at] = outcome.next;
      view = sawSide(sentStatement(view, step.at, step.event), step.at, slots[step.at]);
    }
  }
}

const LOOKS = ["look", "look"];
const WHOLE = ["begin", "copy", "take-over", "fence", "reconcile", "seal", "go", "decide"];

describe("a runner without faults", () => {
  it.each([
    ["moves a slot", { source: OWNER, destination: NEVER_HELD }, "finish", WHOLE, end("decided")],
    [
      "goes on after a crash",
      { source: OWNER, destination: FILLING },
      "finish",
      ["take-over", ...WHOLE.slice(1)],
      end("decided"),
    ],
    [
      "goes on behind the fence",
      { source: FENCED, destination: FILLING },
      "finish",
      ["take-over", ...WHOLE.slice(4)],
      end("decided"),
    ],
    ["goes on after the seal", { source: FENCED, destination: SEALED }, "finish", ["go", "decide"], end("decided")],
    [
      "aborts before anything began",
      { source: OWNER, destination: NEVER_HELD },
      "abort",
      ["begin", "abort", "restore"],
      end("aborted"),
    ],
    ["aborts at the last moment", { source: GONE, destination: SEALED }, "abort", ["abort", "restore"], end("aborted")],
  ] as const)("%s", (_name, slots, goal, steps, last) => {
    expect(drive({ ...slots }, goal)).toEqual({ steps: [...LOOKS, ...steps], last });
  });
});
