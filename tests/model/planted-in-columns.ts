// Bugs planted in the rules of ownership columns.
// Must not change the product's code.
import { NEVER_HELD, type Ownership } from "../../router/ownership.ts";
import { stageOf } from "../../router/slot-stand.ts";
import { type Transition, transition } from "../../router/slot-transition.ts";
import { forgetsAllBut, NOTHING_FORGOTTEN, type PlantedBug, small, withRule, withStep } from "./planted-bug.ts";
import { plain } from "./scope.ts";

const change = (next: Ownership): Transition => ({ kind: "change", next });

/** Each changes one rule or guard. */
export const IN_COLUMNS: readonly PlantedBug[] = [
  {
    name: "take over without the old run",
    why: "a late take-over gives the slot back to a run that still has pages of the copy under way",
    change: withRule((slot, event) =>
      event.kind === "take-over" && slot.run !== null && slot.run !== event.run
        ? transition(slot, { ...event, previousRun: slot.run })
        : null,
    ),
    scope: small({ clients: [[plain("put")]], preloaded: true, runsPerMove: 3 }, "crashes"),
    breaks: "I3",
    steps: 41,
  },
  {
    name: "begin without the epoch rule",
    why: "a late begin revives a move that was aborted",
    change: withRule((slot, event) => {
      if (event.kind !== "begin" || !["NONE", "GONE", "ABORTED", "RECEIVING"].includes(slot.state)) return null;
      const { move, epoch, run, source } = event;
      return change({ state: "RECEIVING", epoch, move, run, to: source, digest: null });
    }),
    scope: small({}, "aborts"),
    breaks: "I12",
    steps: 25,
  },
  {
    name: "un-fence without the move's id",
    why: "the abort of one move opens the source of another one that is about to be decided",
    change: {
      countsLostStores: false,
      ...withRule((slot, event) =>
        event.kind === "restore" && slot.move !== null && slot.state !== "OWNER"
          ? transition(slot, { ...event, move: slot.move })
          : null,
      ),
      ...forgetsAllBut("restore"),
    },
    scope: small({ shards: 3, moves: [[1], [2]] }, "aborts", "overlaps", "crashes"),
    breaks: "I1",
    steps: 40,
  },
  {
    name: "an abort that leaves an owner that was not fenced as it is",
    why: "a late fence finds the old epoch, and the destination is above the owner for good",
    change: withStep(({ move, source, destination }) =>
      stageOf(move, source, destination) === "restore" && source.state === "OWNER"
        ? { kind: "end", outcome: "aborted" }
        : null,
    ),
    scope: small({}, "aborts", "crashes"),
    breaks: "I14",
    steps: 11,
  },
  {
    name: "fence at any epoch",
    why: "a late fence closes an owner of a later time",
    change: withRule((slot, event) =>
      event.kind === "fence" && slot.state === "OWNER" ? transition({ ...slot, epoch: event.epoch - 1 }, event) : null,
    ),
    scope: small({}, "aborts", "crashes"),
    breaks: "I2",
    steps: 24,
  },
  {
    name: "a take-over that opens a sealed slot",
    why: "the source may be gone already, and rows change after they were compared",
    change: withRule((slot, event) =>
      event.kind === "take-over" ? transition({ ...slot, digest: null }, event) : null,
    ),
    scope: small({ runsPerMove: 3 }, "crashes"),
    breaks: "I12",
    steps: 30,
  },
  {
    name: "abort of a decided move",
    why: "the new owner gives up what it has acknowledged, and the source is opened again",
    change: withRule((slot, event) =>
      event.kind === "abort" && slot.state === "OWNER" ? transition({ ...slot, state: "RECEIVING" }, event) : null,
    ),
    scope: small({}, "aborts", "crashes"),
    breaks: "I13",
    steps: 33,
  },
  {
    name: "copy without a run token",
    why: "a page that was read before the fence lands on the difference that was put right",
    change: { mayCopy: (slot) => slot.state === "RECEIVING" && slot.digest === null, ...NOTHING_FORGOTTEN },
    scope: small({ clients: [[plain("put")]], preloaded: true }),
    breaks: "I3",
    steps: 33,
  },
  {
    name: "pages for an owner",
    why: "a late page overwrites what the new owner has acknowledged",
    change: { mayCopy: (slot, run) => slot.run === run, ...NOTHING_FORGOTTEN },
    scope: small({ clients: [[plain("put")]], preloaded: true }),
    breaks: "I16",
    steps: 34,
  },
  {
    name: "clean-up of the columns too",
    why: "epochs begin again, and whatever is late and belongs to an earlier owner fits once more",
    change: { columnsCleaned: () => NEVER_HELD },
    scope: small({}, "clean-up"),
    breaks: "I7",
    steps: 31,
  },
];
