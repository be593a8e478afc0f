// Conditions that can be left out without harm, and runners that get stuck: what else is planted.
// Must not change the product's code.
import { destinationStand } from "../../router/slot-stand.ts";
import { transition } from "../../router/slot-transition.ts";
import { forgetsAllBut, type PlantedBug, small, withRule, withStep } from "./planted-bug.ts";
import { keyed, plain, type Scope } from "./scope.ts";

const BUSY: Scope = small({ clients: [[plain("put")]], preloaded: true, moves: [[1], [0]] }, "crashes", "aborts");

/** Conditions that no counterexample needs: each with the reason why it is harmless to leave it out. They stay, as second locks. */
export const SECOND_LOCKS: readonly Pick<PlantedBug, "name" | "why" | "change" | "scope">[] = [
  {
    name: "write without the epoch that it was judged under",
    why: "a statement applies at most once or finds its record, whichever term of the same owner it meets",
    change: { mayWrite: ({ ownership }) => ownership.state === "OWNER", ...forgetsAllBut("write") },
    scope: small({ clients: [[plain("put")], [keyed("create")]], preloaded: true }, "aborts", "cuts"),
  },
  {
    name: "page without looking at the digest",
    why: "a run that may seal has only sent rows of the fenced source, which the compared destination has already",
    change: { mayCopy: (slot, run) => slot.state === "RECEIVING" && slot.run === run, ...forgetsAllBut("page") },
    scope: BUSY,
  },
  {
    name: "go without the move's id",
    why: "whoever sends it has seen its own destination sealed, which needs the source fenced for this very move",
    change: {
      transition: (slot, event) =>
        transition(slot, event.kind === "go" && slot.move !== null ? { ...event, move: slot.move } : event),
      ...forgetsAllBut("go"),
    },
    scope: small({ shards: 3, moves: [[1], [2]] }, "aborts", "overlaps", "crashes"),
  },
  {
    name: "abort without the move's id",
    why: "one epoch at a destination belongs to one move only, because begin needs a lower one",
    change: {
      transition: (slot, event) =>
        transition(slot, event.kind === "abort" && slot.move !== null ? { ...event, move: slot.move } : event),
      ...forgetsAllBut("abort"),
    },
    scope: small({ shards: 3, moves: [[1], [1, 2]] }, "aborts", "overlaps", "crashes"),
  },
  {
    name: "edge that learns whatever a 421 says",
    why: "a shard that an edge knows at some epoch only ever names higher ones",
    change: {
      learnOwner: (hints, { slot, epoch, owner }) =>
        owner === null ? hints : { ...hints, learned: new Map([[slot, { epoch, owner }]]) },
    },
    scope: small({ clients: [[plain("read"), plain("read"), plain("read")]], moves: [[1], [0]] }, "aborts"),
  },
];

/** Runners that leave a state for ever, which only the search for an end can find. */
export const STUCK_RUNNERS: readonly Pick<PlantedBug, "name" | "why" | "change" | "scope">[] = [
  {
    name: "a runner that waits for a dead one",
    why: "nobody takes over what another run holds",
    change: withStep((view) => {
      const held = view.destination.run;
      const isOthers = view.run === null && destinationStand(view.move, view.destination) === "filling";
      return isOthers ? { kind: "stop", reason: "taken-over", detail: `run ${held} drives this move` } : null;
    }),
    scope: small({}, "crashes"),
  },
  {
    name: "an abort that opens a fenced source only",
    why: "a source that is gone stays so",
    change: withRule((slot, event) =>
      event.kind === "restore" && slot.state === "GONE"
        ? { kind: "refused", reason: "wrong-state", detail: "gone" }
        : null,
    ),
    scope: small({}, "aborts", "crashes"),
  },
  {
    name: "begin from a slot that was never held only",
    why: "after an abort the destination can never receive again",
    change: withRule((slot, event) =>
      event.kind === "begin" && slot.state !== "NONE"
        ? { kind: "refused", reason: "wrong-state", detail: "held once" }
        : null,
    ),
    scope: small({ moves: [[1], [1]] }, "aborts"),
  },
];
