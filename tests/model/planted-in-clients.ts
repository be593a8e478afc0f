// Bugs planted in how requests are answered, redirected and recorded.
// Must not change the product's code.
import {
  type Access,
  confirmed,
  type Decision,
  decideAccess,
  decisionOf,
  type Ownership,
} from "../../router/ownership.ts";
import { mayWrite } from "../../router/slot-transition.ts";
import { RECORD } from "./content.ts";
import { forgetsAllBut, type PlantedBug, small } from "./planted-bug.ts";
import { keyed, plain } from "./scope.ts";

function serveGone(slot: Ownership, request: Parameters<typeof decideAccess>[1], decision: Decision): Access | null {
  const isDecided = slot.state === "GONE" && decision === "decided";
  return isDecided && request.intent === "read" ? { kind: "serve" } : null;
}

/** Each changes one answer. */
export const IN_CLIENTS: readonly PlantedBug[] = [
  {
    name: "fence per key",
    why: "a key without a row is written after the comparison",
    change: {
      mayWrite: ({ ownership, judgedEpoch, row }) =>
        mayWrite(ownership, judgedEpoch) ||
        (row === 0 && ownership.state === "FENCED" && ownership.epoch - 1 === judgedEpoch),
      ...forgetsAllBut("write"),
    },
    scope: small({ clients: [[plain("put")]] }),
    breaks: "I3",
    steps: 29,
  },
  {
    name: "writes at a fenced source",
    why: "a write after the comparison stays behind",
    change: {
      mayWrite: ({ ownership }) => ownership.state === "OWNER" || ownership.state === "FENCED",
      ...forgetsAllBut("write"),
    },
    scope: small({ clients: [[plain("put")]] }),
    breaks: "I3",
    steps: 29,
  },
  {
    name: "no idempotency record",
    why: "a repetition is applied again",
    change: { recordFor: () => RECORD.none },
    scope: small({ clients: [[keyed("put")]], moves: [] }),
    breaks: "I5",
    steps: 3,
  },
  {
    name: "refusals are not recorded",
    why: "a late first attempt is applied after its repetition was refused",
    change: { recordFor: (verdict) => (verdict === "applied" ? RECORD.applied : RECORD.none) },
    scope: small({ clients: [[keyed("create")], [plain("delete")]], preloaded: true, moves: [] }),
    breaks: "I4",
    steps: 5,
  },
  {
    name: "a write without a record is sent twice",
    why: "both are applied",
    change: { plainIsSentOnce: false },
    scope: small({ clients: [[plain("put")]], moves: [] }),
    breaks: "I8",
    steps: 3,
  },
  {
    name: "421 after an applied write",
    why: "the edge sends to the new owner what the old one has applied",
    change: {
      afterUnknown: ({ isSeen, ownership }) => {
        if (isSeen) return "applied";
        return ownership.state === "OWNER" ? "unknown" : "elsewhere";
      },
    },
    scope: small({ clients: [[plain("put")]] }),
    breaks: "I8",
    steps: 34,
  },
  {
    name: "421 naming an undecided owner",
    why: "if the move is aborted, the edge knows an epoch that there never was and is held for good",
    change: { decideAccess: (slot, request) => decideAccess(slot, request, "decided") },
    scope: small({ clients: [[plain("read")]] }),
    breaks: "I15",
    steps: 25,
  },
  {
    name: "an aborted destination counts as decided",
    why: "the edge is sent to a shard that gave up",
    change: { decisionOf: () => "decided" },
    scope: small({ clients: [[plain("read")]] }, "aborts"),
    breaks: "I15",
    steps: 25,
  },
  {
    name: "a shard believes a destination that is beyond without a second look",
    why: "it names an owner at an epoch that an aborted move would have had",
    change: { decisionOf: (epoch, destination) => confirmed(decisionOf(epoch, destination)) },
    scope: small({ clients: [[plain("read")]], moves: [[1], [1]] }, "looks", "aborts", "crashes"),
    breaks: "I15",
    steps: 43,
  },
  {
    name: "reads from the source after the decision",
    why: "they do not show what the new owner has acknowledged",
    change: {
      decideAccess: (slot, request, decision) =>
        serveGone(slot, request, decision) ?? decideAccess(slot, request, decision),
    },
    scope: small({ clients: [[plain("read")]] }),
    breaks: "I6",
    steps: 28,
  },
  {
    name: "an edge that takes an older map",
    why: "it goes back to owners of long ago",
    change: { adoptMap: (hints, map) => (hints.map?.version === map.version ? hints : { ...hints, map }) },
    scope: small({ clients: [[plain("read")]] }, "maps"),
    breaks: "I9",
    steps: 31,
  },
];
