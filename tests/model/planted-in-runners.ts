// Bugs planted in what runners do and how they copy.
// Must not change the product's code.
import { nextStep } from "../../router/slot-move.ts";
import { destinationStand, sourceStand, stageOf } from "../../router/slot-stand.ts";
import { forgetsAllBut, NOTHING_FORGOTTEN, type PlantedBug, small, withStep } from "./planted-bug.ts";
import { keyed, plain } from "./scope.ts";

/** Each changes one step or comparison. */
export const IN_RUNNERS: readonly PlantedBug[] = [
  {
    name: "one run for copy and difference",
    why: "a late page of the copy lands after the comparison and before the seal",
    change: {
      nextStep: (view, freshRun) =>
        nextStep(view.run?.use === "used" ? { ...view, run: { ...view.run, use: "clean" } } : view, freshRun),
      ...NOTHING_FORGOTTEN,
    },
    scope: small({ clients: [[plain("put")]], preloaded: true }),
    breaks: "I3",
    steps: 30,
  },
  {
    name: "abort that does not ask the destination",
    why: "the source owns again what the destination owns already",
    change: withStep(({ move, goal, source, destination }) =>
      goal === "abort" && ["decided", "beyond"].includes(stageOf(move, source, destination))
        ? {
            kind: "send",
            at: "source",
            event: { kind: "restore", move: move.move, epoch: move.epoch, destination: move.destination },
          }
        : null,
    ),
    scope: small({}, "aborts", "crashes"),
    breaks: "I1",
    steps: 33,
  },
  {
    name: "a destination that is beyond is believed without a second look",
    why: "a runner that slept between its looks reports an aborted move as decided",
    change: withStep(({ move, source, destination }) =>
      stageOf(move, source, destination) === "beyond" ? { kind: "end", outcome: "decided" } : null,
    ),
    scope: small({ moves: [[1], [1]], runners: 2 }, "aborts"),
    breaks: "I13",
    steps: 44,
  },
  {
    name: "abort at the source first",
    why: "the source owns again while a decision is still possible at the destination",
    change: {
      countsLostStores: false,
      ...withStep((view) => {
        const { move, goal, source, destination } = view;
        const isFilled = ["filling", "sealed"].includes(destinationStand(move, destination));
        if (goal !== "abort" || !isFilled) return null;
        const { epoch } = move;
        return ["owner", "fenced", "gone"].includes(sourceStand(move, source))
          ? {
              kind: "send",
              at: "source",
              event: { kind: "restore", move: move.move, epoch, destination: move.destination },
            }
          : { kind: "send", at: "destination", event: { kind: "abort", move: move.move, epoch } };
      }),
    },
    scope: small({}, "aborts", "crashes"),
    breaks: "I1",
    steps: 33,
  },
  {
    name: "decide before the source is gone",
    why: "reads are still answered by the fenced source, and an abort may open it",
    change: withStep(({ move, source, destination }) => {
      const { run, digest } = destination;
      if (stageOf(move, source, destination) !== "go" || run === null || digest === null) return null;
      return {
        kind: "send",
        at: "destination",
        event: { kind: "decide", move: move.move, epoch: move.epoch, run, digest },
      };
    }),
    scope: small({}),
    breaks: "I3",
    steps: 24,
  },
  {
    name: "gone before the digest",
    why: "nobody may serve, and nobody but the one runner can finish",
    change: withStep(({ move, source, destination, agreedDigest }) =>
      stageOf(move, source, destination) === "seal" && agreedDigest !== null
        ? { kind: "send", at: "source", event: { kind: "go", move: move.move, epoch: move.epoch } }
        : null,
    ),
    scope: small({}),
    breaks: "I12",
    steps: 21,
  },
  {
    name: "fence at an epoch that is read again",
    why: "a runner that slept through an abort drives the aborted move once more",
    change: { pinsEpoch: false, ...NOTHING_FORGOTTEN },
    scope: small({ moves: [[1], [1]], runsPerMove: 3 }, "aborts", "late-starts"),
    breaks: "I11",
    steps: 28,
  },
  {
    name: "difference without deletes",
    why: "what was deleted during the copy is back at the new owner",
    // Write 1 is the deletion of this scope.
    change: {
      differs: (cell, source, destination) => !(cell.kind === "row" && source === 1) && source !== destination,
    },
    scope: small({ clients: [[plain("delete")]], preloaded: true }),
    breaks: "I3",
    steps: 29,
  },
  {
    name: "leftovers of an aborted move are kept",
    why: "a row that was deleted and swept since is back at the new owner",
    change: { differs: (_cell, source, destination) => source !== 0 && source !== destination },
    scope: small({ clients: [[plain("delete")]], preloaded: true, moves: [[1], [1]] }, "aborts", "sweeps"),
    breaks: "I3",
    steps: 31,
  },
  {
    name: "digest without comparing",
    why: "a lost page is missing at the new owner",
    change: { comparesBeforeSeal: false },
    scope: small({ preloaded: true }),
    breaks: "I3",
    steps: 27,
  },
  {
    name: "idempotency records stay behind",
    why: "a repetition at the new owner is applied again",
    change: {
      copies: (cell) => cell.kind === "row",
      differs: (cell, source, destination) => cell.kind === "row" && source !== destination,
    },
    scope: small({ clients: [[keyed("put")]] }),
    breaks: "I3",
    steps: 31,
  },
  {
    name: "clean-up before the decision",
    why: "the only rows are removed while the move can still be aborted",
    change: { mayOrderCleanUp: (_isDecided, source) => source.state === "GONE" },
    scope: small({ preloaded: true }, "aborts", "clean-up"),
    breaks: "I3",
    steps: 30,
  },
  {
    name: "clean-up conditional on GONE alone",
    why: "a clean-up of an earlier move empties the source of a later one, which is then aborted",
    change: { mayCleanUp: (slot) => slot.state === "GONE", ...forgetsAllBut("clean-up") },
    scope: small({ preloaded: true, moves: [[1], [0], [1]] }, "aborts", "clean-up"),
    breaks: "I3",
    steps: 88,
  },
];
