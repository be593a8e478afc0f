// Ownership changes: every state and event written down by hand, each part of every condition, and what must hold of all.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ShardId } from "../../../router/ids.ts";
import { FIRST_OWNER, NEVER_HELD, OWN_STATES, type Ownership, type OwnState } from "../../../router/ownership.ts";
import {
  EVENT_KINDS,
  type EventKind,
  mayCleanUp,
  mayCopy,
  mayWrite,
  type OwnershipEvent,
  type Transition,
  type TransitionRefusal,
  transition,
} from "../../../router/slot-transition.ts";
import { holds } from "../seed.ts";

const [ONE, TWO, THREE] = ["shard-1", "shard-2", "shard-3"] as unknown as readonly [ShardId, ShardId, ShardId];

/** Move m-1 takes the slot from shard 1, which owns epoch 4, to shard 2, which is to own epoch 5. */
const OF = { move: "m-1", epoch: 5 };
const EVENTS: { readonly [Kind in EventKind]: Extract<OwnershipEvent, { readonly kind: Kind }> } = {
  claim: { kind: "claim" },
  begin: { kind: "begin", ...OF, run: "r-1", seenEpoch: 2, source: ONE },
  "take-over": { kind: "take-over", ...OF, run: "r-2", previousRun: "r-1" },
  fence: { kind: "fence", ...OF, destination: TWO },
  seal: { kind: "seal", ...OF, run: "r-1", digest: "d-1" },
  go: { kind: "go", ...OF },
  decide: { kind: "decide", ...OF, run: "r-1", digest: "d-1" },
  abort: { kind: "abort", ...OF },
  restore: { kind: "restore", ...OF, destination: TWO },
};

const slot = (state: OwnState, epoch: number, rest: Partial<Ownership> = {}): Ownership => ({
  ...NEVER_HELD,
  state,
  epoch,
  ...rest,
});
const atSource = (state: OwnState): Ownership => slot(state, 5, { move: "m-1", to: TWO });
const atDestination = (state: OwnState, digest: string | null = null): Ownership =>
  slot(state, 5, { move: "m-1", run: "r-1", to: ONE, digest });
const FILLING = atDestination("RECEIVING");
const SEALED = atDestination("RECEIVING", "d-1");
const RESTORED = slot("OWNER", 6, { move: "m-1", to: TWO });

const becomes = (next: Ownership): Transition => ({ kind: "change", next });
const DONE: Transition = { kind: "done" };
const no = (reason: TransitionRefusal) => expect.objectContaining({ kind: "refused", reason }) as Transition;

type Row = readonly [name: string, before: Ownership, event: OwnershipEvent, after: Transition];

const CLAIMS: readonly Row[] = [
  ["claim: as created", NEVER_HELD, EVENTS.claim, becomes(FIRST_OWNER)],
  ["claim: not of a slot that was counted up", slot("NONE", 1), EVENTS.claim, no("other-epoch")],
  ["claim: again", FIRST_OWNER, EVENTS.claim, DONE],
  ["claim: after a move came back", slot("OWNER", 3), EVENTS.claim, no("other-epoch")],
];

const BEGINS: readonly Row[] = [
  ["begin: never held", NEVER_HELD, { ...EVENTS.begin, seenEpoch: 0 }, becomes(FILLING)],
  ["begin: held long ago", slot("GONE", 2, { move: "m-0", to: THREE }), EVENTS.begin, becomes(FILLING)],
  [
    "begin: after an abort",
    slot("ABORTED", 2, { move: "m-0", run: "r-0", digest: "d-0" }),
    EVENTS.begin,
    becomes(FILLING),
  ],
  [
    "begin: over a fill that nobody needs",
    slot("RECEIVING", 2, { move: "m-0", run: "r-0" }),
    EVENTS.begin,
    becomes(FILLING),
  ],
  ["begin: never held, other epoch than read", NEVER_HELD, EVENTS.begin, no("other-epoch")],
  ["begin: aborted since it was read", atDestination("ABORTED"), EVENTS.begin, no("other-epoch")],
  ["begin: the epoch would not rise", atDestination("ABORTED"), { ...EVENTS.begin, seenEpoch: 5 }, no("other-epoch")],
  ["begin: the epoch would go down", slot("GONE", 7), { ...EVENTS.begin, seenEpoch: 7 }, no("other-epoch")],
  ["begin: again", FILLING, EVENTS.begin, DONE],
  ["begin: again after another run took over", { ...FILLING, run: "r-9" }, EVENTS.begin, no("other-epoch")],
  ["begin: another move is as far", { ...FILLING, move: "m-9" }, EVENTS.begin, no("other-epoch")],
  ["begin: later than another move", { ...FILLING, epoch: 6 }, EVENTS.begin, no("other-epoch")],
];

const TAKE_OVERS: readonly Row[] = [
  ["take over: the run as read", FILLING, EVENTS["take-over"], becomes({ ...FILLING, run: "r-2" })],
  ["take over: again", { ...FILLING, run: "r-2" }, EVENTS["take-over"], DONE],
  ["take over: another run was quicker", { ...FILLING, run: "r-9" }, EVENTS["take-over"], no("other-run")],
  ["take over: another move", { ...FILLING, move: "m-9" }, EVENTS["take-over"], no("other-move")],
  ["take over: another epoch", { ...FILLING, epoch: 7 }, EVENTS["take-over"], no("other-epoch")],
  ["take over: sealed", SEALED, EVENTS["take-over"], no("sealed")],
  ["take over: sealed by this very run", { ...SEALED, run: "r-2" }, EVENTS["take-over"], no("sealed")],
];

const FENCES: readonly Row[] = [
  ["fence: the owner", slot("OWNER", 4), EVENTS.fence, becomes(atSource("FENCED"))],
  [
    "fence: an owner by an earlier move",
    slot("OWNER", 4, { move: "m-0", run: "r-0", to: THREE, digest: "d-0" }),
    EVENTS.fence,
    becomes(atSource("FENCED")),
  ],
  ["fence: after the abort", RESTORED, EVENTS.fence, no("other-epoch")],
  ["fence: too early", slot("OWNER", 3), EVENTS.fence, no("other-epoch")],
  ["fence: again", atSource("FENCED"), EVENTS.fence, DONE],
  ["fence: again with another destination", { ...atSource("FENCED"), to: THREE }, EVENTS.fence, no("other-side")],
  ["fence: for another move", { ...atSource("FENCED"), move: "m-9" }, EVENTS.fence, no("other-move")],
  ["fence: at another epoch", { ...atSource("FENCED"), epoch: 7 }, EVENTS.fence, no("other-epoch")],
  ["fence: again after it is gone", atSource("GONE"), EVENTS.fence, DONE],
  ["fence: gone for another move", { ...atSource("GONE"), move: "m-9" }, EVENTS.fence, no("other-move")],
  ["fence: gone at another epoch", { ...atSource("GONE"), epoch: 7 }, EVENTS.fence, no("other-epoch")],
];

const SEALS: readonly Row[] = [
  ["seal: equal to the source", FILLING, EVENTS.seal, becomes(SEALED)],
  ["seal: again", SEALED, EVENTS.seal, DONE],
  ["seal: again with another digest", SEALED, { ...EVENTS.seal, digest: "d-9" }, no("other-digest")],
  ["seal: by a run that was taken over", { ...FILLING, run: "r-2" }, EVENTS.seal, no("other-run")],
  ["seal: another move", { ...FILLING, move: "m-9" }, EVENTS.seal, no("other-move")],
  ["seal: another epoch", { ...FILLING, epoch: 7 }, EVENTS.seal, no("other-epoch")],
];

const GOES: readonly Row[] = [
  ["go: fenced", atSource("FENCED"), EVENTS.go, becomes(atSource("GONE"))],
  ["go: again", atSource("GONE"), EVENTS.go, DONE],
  ["go: fenced for another move", { ...atSource("FENCED"), move: "m-9" }, EVENTS.go, no("other-move")],
  ["go: fenced at another epoch", { ...atSource("FENCED"), epoch: 7 }, EVENTS.go, no("other-epoch")],
  ["go: gone for another move", { ...atSource("GONE"), move: "m-9" }, EVENTS.go, no("other-move")],
];

const DECISIONS: readonly Row[] = [
  ["decide: sealed", SEALED, EVENTS.decide, becomes(atDestination("OWNER", "d-1"))],
  ["decide: again", atDestination("OWNER", "d-1"), EVENTS.decide, DONE],
  ["decide: not sealed", FILLING, EVENTS.decide, no("not-sealed")],
  ["decide: another digest", SEALED, { ...EVENTS.decide, digest: "d-9" }, no("other-digest")],
  ["decide: another run", SEALED, { ...EVENTS.decide, run: "r-9" }, no("other-run")],
  ["decide: another move", { ...SEALED, move: "m-9" }, EVENTS.decide, no("other-move")],
  ["decide: another epoch", { ...SEALED, epoch: 7 }, EVENTS.decide, no("other-epoch")],
  ["decide: owner by another move", { ...atDestination("OWNER"), move: "m-9" }, EVENTS.decide, no("other-move")],
  ["decide: owner at another epoch", { ...atDestination("OWNER"), epoch: 7 }, EVENTS.decide, no("other-epoch")],
];

const ABORTS: readonly Row[] = [
  ["abort: being filled", FILLING, EVENTS.abort, becomes(atDestination("ABORTED"))],
  ["abort: sealed", SEALED, EVENTS.abort, becomes(atDestination("ABORTED", "d-1"))],
  ["abort: again", atDestination("ABORTED"), EVENTS.abort, DONE],
  ["abort: another move is being filled", { ...FILLING, move: "m-9" }, EVENTS.abort, no("other-move")],
  ["abort: filled at another epoch", { ...FILLING, epoch: 7 }, EVENTS.abort, no("other-epoch")],
  ["abort: another move was aborted", { ...atDestination("ABORTED"), move: "m-9" }, EVENTS.abort, no("other-move")],
];

const RESTORES: readonly Row[] = [
  ["restore: fenced", atSource("FENCED"), EVENTS.restore, becomes(RESTORED)],
  ["restore: gone", atSource("GONE"), EVENTS.restore, becomes(RESTORED)],
  ["restore: not fenced yet", slot("OWNER", 4, { move: "m-0" }), EVENTS.restore, becomes(RESTORED)],
  ["restore: again", RESTORED, EVENTS.restore, DONE],
  ["restore: fenced for another move", { ...atSource("FENCED"), move: "m-9" }, EVENTS.restore, no("other-move")],
  ["restore: fenced at another epoch", { ...atSource("FENCED"), epoch: 7 }, EVENTS.restore, no("other-epoch")],
  ["restore: gone for another move", { ...atSource("GONE"), move: "m-9" }, EVENTS.restore, no("other-move")],
  ["restore: owner by another abort", { ...RESTORED, move: "m-9" }, EVENTS.restore, no("other-move")],
  ["restore: owner at the move's own epoch", slot("OWNER", 5), EVENTS.restore, no("other-epoch")],
];

const ROWS = [CLAIMS, BEGINS, TAKE_OVERS, FENCES, SEALS, GOES, DECISIONS, ABORTS, RESTORES].flat();

/** Where an event can have or have had an effect; everywhere else it is in the wrong state. */
const MEANT_FOR: Readonly<Record<EventKind, readonly OwnState[]>> = {
  claim: ["NONE", "OWNER"],
  begin: ["NONE", "GONE", "RECEIVING", "ABORTED"],
  "take-over": ["RECEIVING"],
  fence: ["OWNER", "FENCED", "GONE"],
  seal: ["RECEIVING"],
  go: ["FENCED", "GONE"],
  decide: ["OWNER", "RECEIVING"],
  abort: ["RECEIVING", "ABORTED"],
  restore: ["OWNER", "FENCED", "GONE"],
};

describe("transition", () => {
  it.each(ROWS)("%s", (_name, before, event, after) => {
    expect(transition(before, event)).toEqual(after);
  });

  it("has rows for each event in each state that it is meant for", () => {
    const tried = new Set(ROWS.map(([, before, event]) => `${before.state} ${event.kind}`));
    const meant = EVENT_KINDS.flatMap((kind) => MEANT_FOR[kind].map((state) => `${state} ${kind}`));
    expect([...tried].toSorted()).toEqual(meant.toSorted());
  });

  const meaningless = EVENT_KINDS.flatMap((kind) =>
    OWN_STATES.filter((state) => !MEANT_FOR[kind].includes(state)).map((state) => ({ kind, state })),
  );
  it.each(meaningless)("$kind means nothing in $state", ({ kind, state }) => {
    for (const epoch of [0, 4, 5, 6]) {
      const before = slot(state, epoch, { move: "m-1", run: "r-1", to: ONE });
      expect(transition(before, EVENTS[kind])).toEqual(no("wrong-state"));
    }
  });
});

const maybe = (values: readonly string[]) => fc.constantFrom(null, ...values);
const anySlot: fc.Arbitrary<Ownership> = fc.record({
  state: fc.constantFrom(...OWN_STATES),
  epoch: fc.integer({ min: 0, max: 4 }),
  move: maybe(["m-1", "m-2"]),
  run: maybe(["r-1", "r-2"]),
  to: fc.constantFrom(null, ONE, TWO),
  digest: maybe(["d-1", "d-2"]),
});
const anyEvent: fc.Arbitrary<OwnershipEvent> = fc.record({
  kind: fc.constantFrom(...EVENT_KINDS),
  move: fc.constantFrom("m-1", "m-2"),
  epoch: fc.integer({ min: 1, max: 4 }),
  seenEpoch: fc.integer({ min: 0, max: 4 }),
  run: fc.constantFrom("r-1", "r-2"),
  previousRun: fc.constantFrom("r-1", "r-2"),
  source: fc.constantFrom(ONE, TWO),
  destination: fc.constantFrom(ONE, TWO),
  digest: fc.constantFrom("d-1", "d-2"),
});

describe("every transition", () => {
  it("never lowers the epoch, and raises it for a new owner unless the epoch was reserved by begin", () => {
    holds(
      fc.property(anySlot, anyEvent, (before, event) => {
        const after = transition(before, event);
        if (after.kind !== "change") return;
        expect(after.next.epoch).toBeGreaterThanOrEqual(before.epoch);
        if (after.next.state === "OWNER" && before.state !== "RECEIVING") {
          expect(after.next.epoch).toBeGreaterThan(before.epoch);
        }
      }),
    );
  });

  it("is harmless when it is repeated", () => {
    holds(
      fc.property(anySlot, anyEvent, (before, event) => {
        const after = transition(before, event);
        if (after.kind === "change") expect(transition(after.next, event).kind).toBe("done");
      }),
    );
  });

  it("happens only at the move's own epoch, at the one before, or at the one that begin has read", () => {
    holds(
      fc.property(anySlot, anyEvent, (before, event) => {
        const after = transition(before, event);
        if (after.kind === "refused") expect(after.detail).not.toBe("");
        if (after.kind !== "change") return;
        const expected = epochsFor(event);
        expect(expected).toContain(before.epoch);
      }),
    );
  });
});

function epochsFor(event: OwnershipEvent): readonly number[] {
  if (event.kind === "claim") return [0];
  return event.kind === "begin" ? [event.seenEpoch] : [event.epoch - 1, event.epoch];
}

describe("guards", () => {
  it.each([
    ["the run that fills", FILLING, "r-1", true],
    ["a run that was taken over", FILLING, "r-0", false],
    ["sealed", SEALED, "r-1", false],
    ["aborted", atDestination("ABORTED"), "r-1", false],
    ["decided", atDestination("OWNER"), "r-1", false],
  ] as const)("copy: %s", (_name, before, run, expected) => {
    expect(mayCopy(before, run)).toBe(expected);
  });

  it.each([
    ["gone with this move", atSource("GONE"), true],
    ["given up by this move", atDestination("ABORTED"), true],
    ["fenced", atSource("FENCED"), false],
    ["an owner again", RESTORED, false],
    ["gone with another move", { ...atSource("GONE"), move: "m-9" }, false],
    ["gone at another epoch", { ...atSource("GONE"), epoch: 7 }, false],
  ] as const)("clean up: %s", (_name, before, expected) => {
    expect(mayCleanUp(before, OF)).toBe(expected);
  });

  it.each([
    ["the owner that judged it", slot("OWNER", 4), true],
    ["the same owner in a later term", slot("OWNER", 6), false],
    ["fenced", slot("FENCED", 4), false],
  ] as const)("write: %s", (_name, before, expected) => {
    expect(mayWrite(before, 4)).toBe(expected);
  });
});
