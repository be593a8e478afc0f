// How far a move has come: the whole table of both sides written down by hand, and what each side's columns mean.
import { describe, expect, it } from "vitest";
import type { ShardId } from "../../../router/ids.ts";
import { NEVER_HELD, type Ownership, type OwnState } from "../../../router/ownership.ts";
import {
  type DestinationStand,
  destinationStand,
  type SlotMove,
  type SourceStand,
  type Stage,
  sourceStand,
  stageOf,
} from "../../../router/slot-stand.ts";

const [ONE, TWO] = ["shard-1", "shard-2"] as unknown as readonly [ShardId, ShardId];
const MOVE: SlotMove = { move: "m-1", epoch: 5, source: ONE, destination: TWO };

const slot = (state: OwnState, epoch: number, rest: Partial<Ownership> = {}): Ownership => ({
  ...NEVER_HELD,
  state,
  epoch,
  ...rest,
});
const mine = (state: OwnState, epoch: number, digest: string | null = null): Ownership =>
  slot(state, epoch, { move: "m-1", run: "r-1", digest });

const SOURCES: Readonly<Record<SourceStand, Ownership>> = {
  behind: slot("OWNER", 3),
  owner: slot("OWNER", 4),
  fenced: mine("FENCED", 5),
  gone: mine("GONE", 5),
  restored: mine("OWNER", 6),
  passed: slot("GONE", 7, { move: "m-2" }),
};
const DESTINATIONS: Readonly<Record<DestinationStand, Ownership>> = {
  before: slot("GONE", 2),
  filling: mine("RECEIVING", 5),
  sealed: mine("RECEIVING", 5, "d-1"),
  owner: mine("OWNER", 5),
  aborted: mine("ABORTED", 5),
  passed: slot("RECEIVING", 8, { move: "m-2" }),
};

/** Columns: before, filling, sealed, owner, aborted, passed. S: the source must be read again, D: the destination. */
const [S, D] = ["source-behind", "destination-behind"] as const;
const STAGES: Readonly<Record<SourceStand, readonly Stage[]>> = {
  behind: [S, S, S, S, S, S],
  owner: ["begin", "fill", S, S, "restore", "crowded-out"],
  fenced: [D, "seal", "go", S, "restore", S],
  gone: [D, D, "decide", "decided", "restore", "beyond"],
  restored: [D, D, D, D, "aborted", "aborted"],
  passed: ["end-unbegun", "end-filling", D, "decided", "aborted", "over"],
};
const SOURCE_STANDS: readonly SourceStand[] = ["behind", "owner", "fenced", "gone", "restored", "passed"];
const DESTINATION_STANDS: readonly DestinationStand[] = ["before", "filling", "sealed", "owner", "aborted", "passed"];
const CASES = SOURCE_STANDS.flatMap((source) =>
  DESTINATION_STANDS.map((destination, index) => ({ source, destination, stage: STAGES[source][index] })),
);

describe("stageOf", () => {
  it.each(CASES)("source $source, destination $destination: $stage", ({ source, destination, stage }) => {
    expect(stageOf(MOVE, SOURCES[source], DESTINATIONS[destination])).toBe(stage);
  });
});

describe("sourceStand", () => {
  it.each([
    ["never held", NEVER_HELD, "behind"],
    ["gone at the epoch that was planned", slot("GONE", 4), "behind"],
    ["as planned", slot("OWNER", 4), "owner"],
    ["fenced for another move at the same epoch", slot("FENCED", 5, { move: "m-2" }), "passed"],
    ["filled for another move", slot("RECEIVING", 5, { move: "m-2" }), "passed"],
    ["owner by another abort", slot("OWNER", 6, { move: "m-2" }), "passed"],
    ["owner by this abort", mine("OWNER", 6), "restored"],
    ["this move's id in a state that it never gives", mine("ABORTED", 5), "passed"],
    ["this move's id at an epoch that it never gives", mine("OWNER", 7), "passed"],
    ["fenced at an epoch that this move never gives", mine("FENCED", 6), "passed"],
  ] as const)("%s: %s is %s", (_name, columns, expected) => {
    expect(sourceStand(MOVE, columns)).toBe(expected);
  });
});

describe("destinationStand", () => {
  it.each([
    ["never held", NEVER_HELD, "before"],
    ["filled at an epoch before", slot("RECEIVING", 4, { move: "m-2" }), "before"],
    ["filled for another move at the same epoch", slot("RECEIVING", 5, { move: "m-2" }), "passed"],
    ["fenced to go on", slot("FENCED", 6, { move: "m-2" }), "passed"],
    ["this move's id, yet none", mine("NONE", 5), "passed"],
    ["this move's id, yet fenced", mine("FENCED", 5), "passed"],
    ["this move's id, yet gone", mine("GONE", 5), "passed"],
  ] as const)("%s: %s is %s", (_name, columns, expected) => {
    expect(destinationStand(MOVE, columns)).toBe(expected);
  });

  it("stops at a state that there is not", () => {
    expect(() => destinationStand(MOVE, mine("LOST" as OwnState, 5))).toThrow("broken assumption");
  });
});
