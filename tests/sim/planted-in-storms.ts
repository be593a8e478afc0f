// Planted bugs that show only when what one move left under way meets a later one, or a runner that slept: storms bring that about.
// Must not contain a second version of the protocol.
import { stageOf } from "../../router/slot-stand.ts";
import { nameOf } from "../../shards/store/slot-row.ts";
import { type PlantedBug, withRule, withStep } from "./planted-bug.ts";

/** Each changes one decision. */
export const IN_STORMS: readonly PlantedBug[] = [
  {
    name: "take over without the old run",
    seeds: "storm",
    why: "a late take-over gives the slot back to a run that still has pages of the copy under way",
    plant: withRule((slot, event, real) =>
      event.kind === "take-over" && slot.run !== null && slot.run !== event.run
        ? real(slot, { ...event, previousRun: slot.run })
        : null,
    ),
  },
  {
    name: "un-fence without the move's id",
    seeds: "storm",
    why: "the abort of one move opens the source of another one that is about to be decided",
    plant: withRule((slot, event, real) =>
      event.kind === "restore" && slot.move !== null && slot.state !== "OWNER"
        ? real({ ...slot, move: event.move }, event)
        : null,
    ),
  },
  {
    name: "abort of a decided move",
    seeds: "storm",
    why: "the new owner gives up what it has acknowledged, and the source is opened again",
    plant: withRule((slot, event, real) =>
      event.kind === "abort" && slot.state === "OWNER" ? real({ ...slot, state: "RECEIVING" }, event) : null,
    ),
  },
  {
    name: "pages for an owner",
    seeds: "storm",
    why: "a late page overwrites what the new owner has acknowledged",
    plant: { mayCopy: () => (slot, run) => slot.run === run },
  },
  {
    name: "clean-up conditional on GONE alone",
    seeds: "storm",
    why: "a clean-up of an earlier move empties the source of a later one, which is then aborted",
    plant: { mayCleanUp: (real) => (slot, of) => slot.state === "GONE" || real(slot, of) },
  },
  {
    name: "a destination that is beyond is believed without a second look",
    seeds: "storm",
    why: "a runner that slept between its looks reports an aborted move as decided",
    plant: withStep(({ move, source, destination }) =>
      stageOf(move, source, destination) === "beyond" ? { kind: "end", outcome: "decided" } : null,
    ),
  },
  {
    name: "a shard believes a destination that is beyond without a second look",
    seeds: "storm",
    why: "it names an owner at an epoch that an aborted move would have had",
    plant: {
      decisionOf: (real) => (epoch, destination) => {
        const decision = real(epoch, destination);
        return decision === "beyond" ? "decided" : decision;
      },
    },
  },
  {
    name: "digest of names",
    seeds: "storm",
    why: "what was replaced late is what it was before at the new owner",
    plant: {
      textOfRow: () => (row) => JSON.stringify(nameOf(row)),
      // No bug: most of what is replaced late would come as rows otherwise, and be seen.
      recentMsOf: (real) => (knownAtMs, nowMs) => (real(knownAtMs, nowMs) === null ? null : 0),
    },
  },
];
