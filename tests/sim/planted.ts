// Bugs planted around the product's own functions: each changes one decision, and the simulation has to find it.
// Must not contain a second version of the protocol.
import { noHints } from "../../router/route-hints.ts";
import type { RunnerStep, RunnerView } from "../../router/slot-move.ts";
import { destinationStand, sourceStand, stageOf } from "../../router/slot-stand.ts";
import { mayCleanUp } from "../../router/slot-transition.ts";
import type { Move } from "../../shards/catalog/port.ts";
import type { LeftoversOptions } from "../../shards/mover/leftovers.ts";
import { change, type PlantedBug, type SeenView, withRule, withStep } from "./planted-bug.ts";
import { IN_STORMS } from "./planted-in-storms.ts";

const isOver = ({ move, source, destination }: SeenView): boolean =>
  ["decided", "beyond"].includes(stageOf(move, source, destination));

const restoreOf = ({ move }: RunnerView): RunnerStep => {
  const { move: id, epoch, destination } = move;
  return { kind: "send", at: "source", event: { kind: "restore", move: id, epoch, destination } };
};

const RECEIVABLE: readonly string[] = ["NONE", "GONE", "ABORTED", "RECEIVING"];

const IN_COLUMNS: readonly PlantedBug[] = [
  {
    name: "begin without the epoch rule",
    why: "a late begin revives a move that was aborted",
    plant: withRule((slot, event) => {
      if (event.kind !== "begin" || !RECEIVABLE.includes(slot.state)) return null;
      const { move, epoch, run, source } = event;
      return change({ state: "RECEIVING", epoch, move, run, to: source, digest: null });
    }),
  },
  {
    name: "a take-over that opens a sealed slot",
    why: "the source may be gone already, and rows change after they were compared",
    plant: withRule((slot, event, real) =>
      event.kind === "take-over" ? real({ ...slot, digest: null }, event) : null,
    ),
  },
  {
    name: "copy without a run token",
    why: "a page that was read before the fence lands on what was put right after it",
    plant: { mayCopy: () => (slot) => slot.state === "RECEIVING" && slot.digest === null },
  },
  {
    name: "writes at a fenced source",
    why: "a write after the comparison stays behind",
    plant: { mayWrite: () => (slot) => slot.state === "OWNER" || slot.state === "FENCED" },
  },
  {
    name: "clean-up of the columns too",
    seeds: "all",
    why: "nobody can tell any more which move has left the slot, nor where it went",
    plant: {
      wrapStore: () => (store) => ({
        ...store,
        cleanSlot: async (address, left, rowsMax) => {
          const cleaning = await store.cleanSlot(address, left, rowsMax);
          const ownership = await store.ownership(address);
          const cleaned = { ...ownership, move: null, to: null };
          if (mayCleanUp(ownership, left)) await store.setOwnership(address, ownership, cleaned);
          return cleaning;
        },
      }),
    },
  },
];

const IN_RUNNERS: readonly PlantedBug[] = [
  {
    name: "one run for copy and difference",
    seeds: "storm",
    why: "a late page of the copy lands after the comparison and before the seal",
    plant: {
      nextStep: (real) => (view, freshRun) =>
        real(view.run?.use === "used" ? { ...view, run: { ...view.run, use: "clean" } } : view, freshRun),
    },
  },
  {
    name: "abort that does not ask the destination",
    why: "the source owns again what the destination owns already",
    plant: withStep((view) => (view.goal === "abort" && isOver(view) ? restoreOf(view) : null)),
  },
  {
    name: "abort at the source first",
    seeds: "storm",
    why: "the source owns again while a decision is still possible at the destination",
    plant: withStep((view) => {
      const { move, goal, source, destination } = view;
      if (goal !== "abort" || !["filling", "sealed"].includes(destinationStand(move, destination))) return null;
      if (["owner", "fenced", "gone"].includes(sourceStand(move, source))) return restoreOf(view);
      return { kind: "send", at: "destination", event: { kind: "abort", move: move.move, epoch: move.epoch } };
    }),
  },
  {
    name: "decide before the source is gone",
    why: "reads are still answered by the fenced source, and an abort may open it",
    plant: withStep(({ move, source, destination }) => {
      const { run, digest } = destination;
      if (stageOf(move, source, destination) !== "go" || run === null || digest === null) return null;
      const event = { kind: "decide", move: move.move, epoch: move.epoch, run, digest } as const;
      return { kind: "send", at: "destination", event };
    }),
  },
  {
    name: "gone before the digest",
    why: "nobody may serve, and nobody but the one runner can finish",
    plant: withStep(({ move, source, destination, agreedDigest }) =>
      stageOf(move, source, destination) === "seal" && agreedDigest !== null
        ? { kind: "send", at: "source", event: { kind: "go", move: move.move, epoch: move.epoch } }
        : null,
    ),
  },
  {
    name: "an abort that leaves an owner that was not fenced as it is",
    why: "a late fence finds the old epoch, and the destination is above the owner for good",
    plant: withStep(({ move, source, destination }) =>
      stageOf(move, source, destination) === "restore" && source.state === "OWNER"
        ? { kind: "end", outcome: "aborted" }
        : null,
    ),
  },
  {
    name: "difference without deletes",
    why: "what was deleted during the copy is back at the new owner",
    plant: {
      isSameRow: (real) => (left, right) =>
        (left.kind === "document" && right.kind === "tombstone") || real(left, right),
    },
  },
  {
    name: "leftovers of an aborted move are kept",
    why: "what the source has not is never removed, so that both sides are never found equal",
    plant: { wrapStore: () => (store) => ({ ...store, fillSlot: (fill) => store.fillSlot({ ...fill, remove: [] }) }) },
  },
  {
    name: "digest without comparing",
    why: "a write between copy and fence is missing at the new owner",
    plant: { reconcileSlot: () => () => Promise.resolve({ kind: "equal", digest: "0:planted" }) },
  },
  {
    name: "idempotency records stay behind",
    why: "a repetition at the new owner is applied again",
    plant: {
      wrapStore: () => (store) => ({
        ...store,
        slotPage: async (request) => {
          const page = await store.slotPage(request);
          return { ...page, rows: page.rows.filter(({ kind }) => kind !== "record") };
        },
      }),
    },
  },
  {
    name: "clean-up before the decision",
    seeds: "all",
    why: "the only rows are removed while the move can still be aborted",
    plant: { wrapLeftovers: () => cleaningTooEarly },
  },
];

/** Takes every move for ended long ago, and every destination's word for yes. */
function cleaningTooEarly(options: LeftoversOptions): LeftoversOptions {
  const ended = (move: Move): Move => ({ ...move, state: "done", changedAtMs: 0 });
  return {
    ...options,
    catalog: { moves: async (collection, page) => (await options.catalog.moves(collection, page)).map(ended) },
    peers: {
      ownership: async (shard, address) => ({ ...(await options.peers.ownership(shard, address)), state: "OWNER" }),
    },
  };
}

const IN_REQUESTS: readonly PlantedBug[] = [
  {
    name: "no idempotency record",
    why: "a repetition is applied again",
    plant: {
      decideWrite: (real) => (write, stored) => ({ ...real(write, { ...stored, record: null }), record: null }),
    },
  },
  {
    name: "refusals are not recorded",
    why: "a late first attempt is applied after its repetition was refused",
    plant: {
      decideWrite: (real) => (write, stored) => {
        const decision = real(write, stored);
        const isApplied = ["created", "replaced", "deleted"].includes(decision.verdict.kind);
        return isApplied ? decision : { ...decision, record: null };
      },
    },
  },
  {
    name: "a write without a record is sent twice",
    why: "both are applied",
    plant: { decideAfterLoss: (real) => (lost) => real(lost.replay === "once" ? { ...lost, replay: "keyed" } : lost) },
  },
  {
    name: "421 after an applied write",
    seeds: "all",
    why: "the edge sends to the new owner what the old one has applied",
    plant: {
      commitOnce: (real) => async (services, write) => {
        try {
          return await real(services, write);
        } catch (error) {
          const found = await services.store.latestOp(write.address);
          if (found.kind === "not-owned") return found;
          throw error;
        }
      },
    },
  },
  {
    name: "421 naming an undecided owner",
    why: "if the move is aborted, the edge knows an epoch that there never was",
    plant: { decideAccess: (real) => (slot, request) => real(slot, request, "decided") },
  },
  {
    name: "news that is believed before the decision",
    seeds: "storm",
    why: "whoever was held is sent to a shard that does not own the slot yet, and may never",
    plant: { hasTakenOver: () => (met) => met.state === "FENCED" || met.state === "GONE" },
  },
  {
    name: "an aborted destination counts as decided",
    why: "the edge is sent to a shard that gave up",
    plant: {
      decideAccess: (real) => (slot, request, decision) =>
        real(slot, request, decision === "aborted" ? "decided" : decision),
    },
  },
  {
    name: "reads from the source after the decision",
    why: "they do not show what the new owner has acknowledged",
    plant: { mayRead: (real) => (slot) => slot.state === "GONE" || real(slot) },
  },
  {
    name: "an edge that takes an older map",
    why: "it goes back to owners of long ago",
    plant: { adoptMap: (real) => (hints, map) => real(noHints(hints.placement), map) },
  },
];

/** All of them. */
export const PLANTED_BUGS: readonly PlantedBug[] = [...IN_COLUMNS, ...IN_RUNNERS, ...IN_REQUESTS, ...IN_STORMS];
