// What is said of a slot's move from its columns: for every step of a move that is left half-way, and of its abort.
// The columns come from the table of transitions itself.
import { describe, expect, it } from "vitest";
import type { ShardId, SlotId } from "../../../router/ids.ts";
import { NONE_MISPLACED } from "../../../router/misplaced-key.ts";
import { FIRST_OWNER, NEVER_HELD, type Ownership, type OwnState } from "../../../router/ownership.ts";
import type { SlotReport } from "../../../router/ownership-wire.ts";
import { type AuditedSlot, auditSlot } from "../../../router/slot-audit.ts";
import { diagnose, type MoveLife } from "../../../router/slot-diagnosis.ts";
import type { Side } from "../../../router/slot-stand.ts";
import { type OwnershipEvent, transition } from "../../../router/slot-transition.ts";

const [S, D] = ["shard-1", "shard-2"].map((id) => id as ShardId) as [ShardId, ShardId];
const SLOT = "ga" as SlotId;
const MOVE = { move: "m-1", epoch: 2 } as const;

type Step = readonly [Side, OwnershipEvent];

const BEGIN: Step = ["destination", { kind: "begin", ...MOVE, run: "r", seenEpoch: 0, source: S }];
const FENCE: Step = ["source", { kind: "fence", ...MOVE, destination: D }];
const SEAL: Step = ["destination", { kind: "seal", ...MOVE, run: "r", digest: "d" }];
const GO: Step = ["source", { kind: "go", ...MOVE }];
const DECIDE: Step = ["destination", { kind: "decide", ...MOVE, run: "r", digest: "d" }];
const ABORT: Step = ["destination", { kind: "abort", ...MOVE }];
const RESTORE: Step = ["source", { kind: "restore", ...MOVE, destination: D }];

function after(steps: readonly Step[]): Record<Side, Ownership> {
  const sides: Record<Side, Ownership> = { source: FIRST_OWNER, destination: NEVER_HELD };
  for (const [side, event] of steps) {
    const outcome = transition(sides[side], event);
    if (outcome.kind !== "change") throw new Error(`${event.kind} did nothing: ${JSON.stringify(outcome)}`);
    sides[side] = outcome.next;
  }
  return sides;
}

const columnsOf = ({ source, destination }: Record<Side, Ownership>) =>
  new Map([
    [S, source],
    [D, destination],
  ]);

const IDLE: MoveLife = { kind: "idle", isAborting: false };
const ABORTING: MoveLife = { kind: "idle", isAborting: true };
const ENDED: MoveLife = { kind: "ended" };
const DRIVEN: MoveLife = { kind: "driven", isAborting: false };

const UNENDED = [
  { name: "begun", steps: [BEGIN], serves: "everything", idle: "runner", aborting: "abort", ended: "abort" },
  { name: "fenced", steps: [BEGIN, FENCE], serves: "reads", idle: "runner", aborting: "abort", ended: "abort" },
  { name: "sealed", steps: [BEGIN, FENCE, SEAL], serves: "reads", idle: "help", aborting: "abort", ended: "help" },
  { name: "gone", steps: [BEGIN, FENCE, SEAL, GO], serves: "nothing", idle: "help", aborting: "abort", ended: "help" },
  {
    name: "aborted unfenced",
    steps: [BEGIN, ABORT],
    serves: "everything",
    idle: "help",
    aborting: "help",
    ended: "help",
  },
  {
    name: "aborted fenced",
    steps: [BEGIN, FENCE, ABORT],
    serves: "reads",
    idle: "help",
    aborting: "help",
    ended: "help",
  },
  {
    name: "aborted gone",
    steps: [BEGIN, FENCE, SEAL, GO, ABORT],
    ...{ serves: "nothing", idle: "help", aborting: "help", ended: "help" },
  },
] as const;

const ENDS = [
  { name: "never touched", steps: [], owner: S },
  { name: "decided", steps: [BEGIN, FENCE, SEAL, GO, DECIDE], owner: D },
  { name: "aborted and restored", steps: [BEGIN, ABORT, RESTORE], owner: S },
  { name: "aborted and restored after the fence", steps: [BEGIN, FENCE, ABORT, RESTORE], owner: S },
] as const;

describe.each(UNENDED)("a slot that is $name", ({ steps, serves, idle, aborting, ended }) => {
  const sides = { slot: SLOT, columns: columnsOf(after(steps)) };

  it("belongs to its source, and is served as far as the source may", () => {
    const [diagnosis, ...others] = diagnose(sides, () => IDLE);
    expect(others).toEqual([]);
    expect(diagnosis).toMatchObject({ owner: S, serves, move: { ...MOVE, source: S, destination: D } });
  });

  it.each([
    ["whose runner is lost", IDLE, idle],
    ["whose abort lost its runner", ABORTING, aborting],
    ["that the catalog believes ended", ENDED, ended],
    ["that the catalog does not know", { kind: "unknown" } as const, ended],
    ["that is driven", DRIVEN, "wait"],
  ] as const)("of a move %s has its remedy", (_name, life, remedy) => {
    expect(diagnose(sides, () => life)[0]?.remedy).toBe(remedy);
  });

  it("is undecided for an audit, unless a live move holds it", () => {
    const reports = reportsOf(steps);
    const audited = { slot: SLOT, reports, mapOwner: S };
    expect(auditSlot({ ...audited, isMoving: true })).toEqual([]);
    expect(auditSlot({ ...audited, isMoving: false }).map(({ kind }) => kind)).toEqual(["undecided"]);
  });
});

describe.each(ENDS)("a slot that is $name", ({ steps, owner }) => {
  it("has nothing to be said of", () => {
    expect(diagnose({ slot: SLOT, columns: columnsOf(after(steps)) }, () => IDLE)).toEqual([]);
    expect(auditSlot({ slot: SLOT, reports: reportsOf(steps), mapOwner: owner, isMoving: false })).toEqual([]);
  });
});

function reportsOf(steps: readonly Step[], rows: Partial<Record<Side, number>> = {}): Map<ShardId, SlotReport> {
  const { source, destination } = after(steps);
  return new Map([
    [S, { slot: SLOT, ownership: source, rows: rows.source ?? 0, bytes: 0 }],
    [D, { slot: SLOT, ownership: destination, rows: rows.destination ?? 0, bytes: 0 }],
  ]);
}

describe("a store that is older than what others have seen of it", () => {
  it.each([
    ["at the destination", { source: after([BEGIN, FENCE, SEAL, GO]).source, destination: NEVER_HELD }],
    ["at the source", { source: FIRST_OWNER, destination: after([BEGIN, FENCE, SEAL]).destination }],
  ])("%s is named, and no statement is advised", (_name, sides) => {
    const columns = columnsOf(sides);
    const [diagnosis] = diagnose({ slot: SLOT, columns }, () => IDLE);
    expect(diagnosis).toMatchObject({
      owner: null,
      remedy: "restore-store",
      waitsFor: expect.stringContaining("backup"),
    });
    const reports = new Map([...columns].map(([shard, ownership]) => [shard, { slot: SLOT, ownership }]));
    for (const isMoving of [true, false]) {
      const findings = auditSlot({ slot: SLOT, reports, mapOwner: S, isMoving });
      expect(findings.map(({ kind }) => kind)).toEqual(["store-lost"]);
    }
  });
});

describe("a side that does not answer", () => {
  const THIRD = "shard-3" as ShardId;
  const UNKNOWN: MoveLife = { kind: "unknown" };
  const later: Ownership = { ...FIRST_OWNER, epoch: 5 };
  const half = (side: Side, steps: readonly Step[], others: readonly (readonly [ShardId, Ownership])[] = []) => ({
    slot: SLOT,
    columns: new Map([[side === "source" ? S : D, after(steps)[side]], ...others]),
  });

  it.each([
    ["whose source is still fenced", "source", [BEGIN, FENCE], [S, S, S], "reads"],
    [
      "whose source is gone, so that it may be decided",
      "source",
      [BEGIN, FENCE, SEAL, GO],
      [null, null, "-"],
      "unknown",
    ],
    ["whose destination is being filled", "destination", [BEGIN], [S, null, null], "unknown"],
    ["whose destination is sealed", "destination", [BEGIN, FENCE, SEAL], [S, S, S], "unknown"],
    ["whose destination gave it up", "destination", [BEGIN, ABORT], [S, null, "-"], "unknown"],
    ["whose destination gave it up sealed", "destination", [BEGIN, FENCE, SEAL, ABORT], [S, null, "-"], "unknown"],
  ] as const)("of a slot %s has to answer first", (_name, side, steps, owners, serves) => {
    const lives = [ABORTING, UNKNOWN, ENDED] as const;
    const found = lives.map((life) => diagnose(half(side, steps), () => life)[0]);
    expect(found.map((one) => (one === undefined ? "-" : one.owner))).toEqual(owners);
    const move = { ...MOVE, source: S, destination: D };
    expect(found[0]).toMatchObject({ stage: "half-seen", remedy: "answer", serves, move });
  });

  it("is named, with whether the move goes on by itself then", () => {
    const waits = (side: Side, life: MoveLife) => diagnose(half(side, [BEGIN, FENCE]), () => life)[0]?.waitsFor;
    expect(waits("source", DRIVEN)).toBe("shard-2 to answer, and goes on by itself then");
    expect(waits("destination", IDLE)).toBe("shard-1 to answer, and goes on by itself then");
    expect(waits("destination", UNKNOWN)).toBe("shard-1 to answer");
  });

  it("is not missed where the slot has gone on to a later owner", () => {
    for (const [side, steps] of [
      ["source", [BEGIN, FENCE, SEAL, GO]],
      ["destination", [BEGIN, ABORT]],
    ] as const) {
      expect(diagnose(half(side, steps, [[THIRD, later]]), () => UNKNOWN)).toEqual([]);
    }
  });

  it("leaves the truth with who says that it is owner, where its own move is none of the catalog's", () => {
    expect(diagnose(half("destination", [BEGIN], [[THIRD, later]]), () => ENDED)[0]?.owner).toBe(THIRD);
  });

  it("is not waited for by an owner, which has let nothing go", () => {
    for (const [side, steps] of [
      ["source", [BEGIN]],
      ["source", [BEGIN, ABORT, RESTORE]],
      ["destination", [BEGIN, FENCE, SEAL, GO, DECIDE]],
    ] as const) {
      expect(diagnose(half(side, steps), () => IDLE)).toEqual([]);
    }
  });
});

describe("a source that has gone on while its move was never ended at the destination", () => {
  it("leaves an end to be made there, and the owner is who says so", () => {
    const { destination } = after([BEGIN]);
    const source: Ownership = { ...FIRST_OWNER, epoch: 5, move: "m-2" };
    const [diagnosis] = diagnose({ slot: SLOT, columns: columnsOf({ source, destination }) }, () => ENDED);
    expect(diagnosis).toMatchObject({ stage: "end-filling", owner: S, serves: "everything", remedy: "abort" });
  });
});

describe("a move that has to be ended at its destination", () => {
  const { destination } = after([BEGIN]);
  const third = "shard-3" as ShardId;
  const ownerAmong = (others: readonly (readonly [ShardId, Ownership])[]) =>
    diagnose({ slot: SLOT, columns: new Map([[D, destination], ...others]) }, () => ENDED)[0]?.owner;
  const owner: Ownership = { ...FIRST_OWNER, epoch: 5 };

  it("has the owner that says so, and none where nobody or more than one does", () => {
    const gone: Ownership = { ...owner, state: "GONE", move: null, to: third };
    expect(ownerAmong([[S, owner]])).toBe(S);
    expect(ownerAmong([[S, gone]])).toBeNull();
    expect(
      ownerAmong([
        [S, owner],
        [third, owner],
      ]),
    ).toBeNull();
  });

  it("is no move where the columns name no other side, or were never held", () => {
    for (const alone of [
      { ...destination, to: null },
      { ...NEVER_HELD, move: "m-1", to: S },
    ]) {
      expect(diagnose({ slot: SLOT, columns: new Map([[D, alone]]) }, () => ENDED)).toEqual([]);
    }
  });
});

describe("an audit", () => {
  const kindsOf = (audited: Pick<AuditedSlot, "reports"> & Partial<AuditedSlot>) =>
    auditSlot({ slot: SLOT, mapOwner: S, isMoving: false, ...audited }).map(({ kind }) => kind);
  const owner = { slot: SLOT, ownership: FIRST_OWNER };

  it("finds two owners", () => {
    expect(
      kindsOf({
        reports: new Map([
          [S, owner],
          [D, owner],
        ]),
      }),
    ).toEqual(["two-owners"]);
  });

  it("finds columns that break an invariant", () => {
    // Without a move's id, so that nothing else has a word for it.
    const source: Ownership = { ...NEVER_HELD, state: "GONE", epoch: 2, to: D };
    const destination: Ownership = { ...NEVER_HELD, state: "RECEIVING", epoch: 2, to: S };
    const reports = new Map([
      [S, { slot: SLOT, ownership: source }],
      [D, { slot: SLOT, ownership: destination }],
    ]);
    expect(auditSlot({ slot: SLOT, mapOwner: S, isMoving: false, reports })).toContainEqual({
      ...{ slot: SLOT, kind: "invariant" },
      detail: expect.stringMatching(/^I12: /),
    });
  });

  it("finds a slot that nobody has", () => {
    const none = { slot: SLOT, ownership: NEVER_HELD };
    expect(
      kindsOf({
        reports: new Map([
          [S, none],
          [D, none],
        ]),
      }),
    ).toEqual(["no-owner"]);
  });

  it("finds rows where the slot has never been", () => {
    expect(kindsOf({ reports: reportsOf([], { source: 5, destination: 1 }) })).toEqual(["stray-rows"]);
  });

  it.each([
    [
      "one, of a slot that is moving too",
      1,
      [{ key: "zoo", belongsTo: "zo" as SlotId }],
      '1 row at shard-1: "zoo" belongs to the slot "zo"',
    ],
    [
      "more than are named",
      3,
      [
        { key: "Ga", belongsTo: null },
        { key: "zoo", belongsTo: "zo" as SlotId },
      ],
      '3 rows at shard-1: "Ga" is not canonical, "zoo" belongs to the slot "zo", and 1 more',
    ],
  ])("finds rows whose keys belong elsewhere: %s", (_name, rows, named, detail) => {
    const misplaced = { rows, named };
    const reports = new Map([
      [S, { ...owner, rows: 9, misplaced }],
      [D, { slot: SLOT, ownership: NEVER_HELD, rows: 0, misplaced: NONE_MISPLACED }],
    ]);
    expect(auditSlot({ slot: SLOT, reports, mapOwner: S, isMoving: true })).toEqual([
      { slot: SLOT, kind: "misplaced-rows", detail },
    ]);
  });

  it.each([
    ["what a decided move left at its source", [BEGIN, FENCE, SEAL, GO, DECIDE], D],
    ["what is being copied", [BEGIN], S],
    ["what an aborted move left at its destination", [BEGIN, ABORT, RESTORE], S],
  ] as const)("lets %s lie", (_name, steps, mapOwner) => {
    expect(kindsOf({ reports: reportsOf(steps, { source: 9, destination: 9 }), mapOwner, isMoving: true })).toEqual([]);
  });

  it("finds a map that names another shard than the owner, unless a live move is about to put it right", () => {
    const reports = reportsOf([BEGIN, FENCE, SEAL, GO, DECIDE]);
    expect(kindsOf({ reports })).toEqual(["map-differs"]);
    expect(kindsOf({ reports, isMoving: true })).toEqual([]);
  });
});

it("stops at a state that there is not", () => {
  const { destination } = after([BEGIN]);
  const columns = new Map([[D, { ...destination, state: "LOST" as OwnState }]]);
  expect(() => diagnose({ slot: SLOT, columns }, () => IDLE)).toThrow("broken assumption");
});
