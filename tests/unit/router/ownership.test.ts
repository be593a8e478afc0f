// Access to a slot: the whole table of states, intents, epochs and decisions, written down by hand.
import { describe, expect, it } from "vitest";
import type { ShardId } from "../../../router/ids.ts";
import {
  type Access,
  confirmed,
  type Decision,
  decideAccess,
  decisionOf,
  FIRST_OWNER,
  hasTakenOver,
  isSameOwnership,
  NEVER_HELD,
  OWN_STATES,
  type Ownership,
  type OwnState,
} from "../../../router/ownership.ts";

const OTHER = "shard-2" as ShardId;
const DECISIONS: readonly Decision[] = ["decided", "beyond", "undecided", "aborted", "store-lost"];
const INTENTS = ["read", "write"] as const;
const EPOCH = 5;

function slotIn(state: OwnState): Ownership {
  return { state, epoch: EPOCH, move: "move-1", run: "run-1", to: OTHER, digest: null };
}

const SERVE: Access = { kind: "serve" };
const HOLD: Access = { kind: "hold" };
const unknown: Access = { kind: "redirect", epoch: 0, owner: null };
const toOther = (epoch: number): Access => ({ kind: "redirect", epoch, owner: OTHER });

/** What is expected for a request that knows less than, as much as, or more than the slot's own epoch. */
type ByKnowledge = readonly [older: Access, before: Access, same: Access, newer: Access];
const KNOWN_EPOCHS = [0, EPOCH - 1, EPOCH, EPOCH + 1] as const;

const always = (access: Access): ByKnowledge => [access, access, access, access];
const GONE_DECIDED: ByKnowledge = [toOther(EPOCH), toOther(EPOCH), HOLD, HOLD];
const NOT_YET_HERE: ByKnowledge = [toOther(EPOCH - 1), HOLD, HOLD, HOLD];

type Row = Readonly<Record<(typeof INTENTS)[number], ByKnowledge>>;
const both = (cells: ByKnowledge): Row => ({ read: cells, write: cells });

/** Every state; GONE alone asks for the decision. */
function rowOf(state: OwnState, decision: Decision): Row {
  const table: Readonly<Record<OwnState, Row>> = {
    NONE: both(always(unknown)),
    OWNER: both(always(SERVE)),
    FENCED: { read: always(SERVE), write: always(HOLD) },
    GONE: both(decision === "decided" ? GONE_DECIDED : always(HOLD)),
    RECEIVING: both(NOT_YET_HERE),
    ABORTED: both(NOT_YET_HERE),
  };
  return table[state];
}

const CASES = OWN_STATES.flatMap((state) =>
  INTENTS.flatMap((intent) =>
    DECISIONS.flatMap((decision) =>
      KNOWN_EPOCHS.map((knownEpoch, index) => ({
        state,
        intent,
        decision,
        knownEpoch,
        expected: rowOf(state, decision)[intent][index],
      })),
    ),
  ),
);

describe("decideAccess", () => {
  it("is tried on every combination", () => {
    expect(CASES).toHaveLength(6 * 2 * 5 * 4);
  });

  it.each(CASES)(
    "$state, $intent, $decision, knowing epoch $knownEpoch",
    ({ state, decision, expected, ...request }) => {
      expect(decideAccess(slotIn(state), request, decision)).toEqual(expected);
    },
  );

  it("claims the first owner's slot at epoch 1 and serves it", () => {
    expect(FIRST_OWNER).toEqual({ state: "OWNER", epoch: 1, move: null, run: null, to: null, digest: null });
    expect(decideAccess(FIRST_OWNER, { intent: "write", knownEpoch: 0 }, "undecided")).toEqual(SERVE);
  });

  it("sends nobody anywhere from a slot that was never held", () => {
    expect(decideAccess(NEVER_HELD, { intent: "read", knownEpoch: 9 }, "decided")).toEqual(unknown);
  });

  it("names no owner that it does not know", () => {
    const slot: Ownership = { ...slotIn("GONE"), to: null };
    expect(decideAccess(slot, { intent: "read", knownEpoch: 0 }, "decided")).toEqual({
      kind: "redirect",
      epoch: EPOCH,
      owner: null,
    });
  });

  it("stops at a state that there is not", () => {
    const slot = { ...slotIn("OWNER"), state: "LOST" as OwnState };
    expect(() => decideAccess(slot, { intent: "read", knownEpoch: 0 }, "decided")).toThrow("broken assumption");
  });
});

describe("isSameOwnership", () => {
  const columns: Ownership = { ...slotIn("RECEIVING"), digest: "digest-1" };
  it.each([
    ["every column", {}, true],
    ["all but the state", { state: "OWNER" }, false],
    ["all but the epoch", { epoch: EPOCH + 1 }, false],
    ["all but the move", { move: "move-2" }, false],
    ["all but the run", { run: "run-2" }, false],
    ["all but the other side", { to: "shard-3" as ShardId }, false],
    ["all but the digest", { digest: null }, false],
  ] as const)("two that agree in %s", (_name, other, expected) => {
    expect(isSameOwnership(columns, { ...columns, ...other })).toBe(expected);
  });
});

describe("decisionOf", () => {
  it.each([
    { name: "the destination moved on", epoch: EPOCH + 1, state: "GONE", decision: "beyond" },
    { name: "the destination has it again, to fill", epoch: EPOCH + 2, state: "RECEIVING", decision: "beyond" },
    { name: "a later move to the destination was aborted", epoch: EPOCH + 2, state: "ABORTED", decision: "beyond" },
    { name: "the destination owns it", epoch: EPOCH, state: "OWNER", decision: "decided" },
    { name: "the destination hands it on", epoch: EPOCH, state: "FENCED", decision: "decided" },
    { name: "the destination handed it on", epoch: EPOCH, state: "GONE", decision: "decided" },
    { name: "the destination is being filled", epoch: EPOCH, state: "RECEIVING", decision: "undecided" },
    { name: "the destination gave up", epoch: EPOCH, state: "ABORTED", decision: "aborted" },
    { name: "the destination was emptied", epoch: 0, state: "NONE", decision: "store-lost" },
    { name: "the destination is behind", epoch: EPOCH - 1, state: "OWNER", decision: "store-lost" },
  ] as const)("$name: $decision", ({ epoch, state, decision }) => {
    expect(decisionOf(EPOCH, { ...slotIn(state), epoch })).toBe(decision);
  });
});

describe("hasTakenOver", () => {
  it.each(OWN_STATES)("a slot that was met %s is taken over only by who owns it by the same move", (state) => {
    const owner = { ...slotIn("OWNER"), to: null };
    const isLeaving = state === "FENCED" || state === "GONE";
    expect(hasTakenOver(slotIn(state), owner)).toBe(isLeaving);
    const others = [
      { ...owner, epoch: EPOCH - 1 },
      { ...owner, epoch: EPOCH + 1 },
      { ...owner, move: "move-2" },
    ];
    for (const other of others) expect(hasTakenOver(slotIn(state), other)).toBe(false);
    for (const there of OWN_STATES.filter((one) => one !== "OWNER")) {
      expect(hasTakenOver(slotIn(state), slotIn(there))).toBe(false);
    }
  });
});

describe("confirmed", () => {
  it("takes a destination that is beyond for decided, and everything else as it is", () => {
    expect(DECISIONS.map(confirmed)).toEqual(["decided", "decided", "undecided", "aborted", "store-lost"]);
  });
});
