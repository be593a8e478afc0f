// The invariants about writes, answers, edges, rows and the end: for each what keeps it and what breaks it.
import { describe, expect, it } from "vitest";
import {
  answerIsTrue,
  appliedOnce,
  endsWithOneOwner,
  everythingEnds,
  hintsGoForward,
  readIsTrue,
  refusalIsFinal,
  rowIsAsApplied,
  sentOnce,
  type WriteHistory,
} from "../../../router/history-invariants.ts";
import type { MapVersion, ShardId, SlotId } from "../../../router/ids.ts";
import type { Finding } from "../../../router/move-invariants.ts";
import { NEVER_HELD, type Ownership, type OwnState } from "../../../router/ownership.ts";
import { type LearnedOwner, noHints, type RouteHints } from "../../../router/route-hints.ts";
import { COLLECTION } from "./arbitraries.ts";

const [ONE, TWO] = ["shard-1", "shard-2"] as unknown as readonly [ShardId, ShardId];
const [RA, RE] = ["ra", "re"] as unknown as readonly [SlotId, SlotId];

const broken = (findings: readonly Finding[]): readonly string[] => findings.map(({ invariant }) => invariant);

const WRITE: WriteHistory = { name: "w1", isKeyed: false, isApplied: false, isRefused: false };

describe("writes", () => {
  it.each([
    ["applied, and it was", true, "applied", []],
    ["applied, and it was not", false, "applied", ["I4"]],
    ["refused, and it was", false, "refused", []],
    ["refused, and it was applied", true, "refused", ["I4"]],
  ] as const)("I4, told to be %s", (_name, isApplied, told, expected) => {
    expect(broken(answerIsTrue({ ...WRITE, isApplied }, told))).toEqual(expected);
  });

  it.each([
    ["that nobody was told of", WRITE, []],
    ["that was refused", { ...WRITE, isRefused: true }, ["I4"]],
  ] as const)("I4, applying a write %s", (_name, write, expected) => {
    expect(broken(refusalIsFinal(write))).toEqual(expected);
  });

  it.each([
    ["for the first time", WRITE, []],
    ["again", { ...WRITE, isApplied: true }, ["I5"]],
    ["again, with a record", { ...WRITE, isApplied: true, isKeyed: true }, ["I5"]],
  ] as const)("I5, applied %s", (_name, write, expected) => {
    expect(broken(appliedOnce(write))).toEqual(expected);
  });

  it.each([
    ["without a record, not applied", WRITE, []],
    ["without a record, applied", { ...WRITE, isApplied: true }, ["I8"]],
    ["with a record, not applied", { ...WRITE, isKeyed: true }, []],
    ["with a record, applied", { ...WRITE, isKeyed: true, isApplied: true }, []],
  ] as const)("I8, sent again %s", (_name, write, expected) => {
    expect(broken(sentOnce(write))).toEqual(expected);
  });
});

describe("rows", () => {
  it.each([
    ["the latest", 2, 2, []],
    ["an earlier one", 1, 2, ["I6"]],
    ["nothing of it", 0, 2, ["I6"]],
    ["what nobody wrote", "w2", undefined, ["I6"]],
  ] as const)("I6, a read shows %s", (_name, shown, applied, expected) => {
    expect(broken(readIsTrue(shown, applied))).toEqual(expected);
  });

  it.each([
    ["as applied", "a", "a", []],
    ["missing, as applied", null, null, []],
    ["of an earlier write", 1, 2, ["I16"]],
    ["missing", null, "a", ["I16"]],
    ["of no write", "a", null, ["I16"]],
  ] as const)("I16, an owner's row %s", (_name, there, applied, expected) => {
    expect(broken(rowIsAsApplied("k1", there, applied))).toEqual(expected);
  });
});

describe("edges", () => {
  const blank = noHints({ kind: "range", stripes: 1 });
  const withMap = (version: number, rest: Partial<RouteHints> = {}): RouteHints => ({
    ...blank,
    map: {
      collection: COLLECTION,
      version: version as MapVersion,
      parent: version - 1,
      ranges: [{ start: "", end: null, shard: ONE }],
    },
    ...rest,
  });
  const learned = (...slots: readonly (readonly [SlotId, number])[]): Partial<RouteHints> => ({
    learned: new Map(slots.map(([slot, epoch]): [SlotId, LearnedOwner] => [slot, { epoch, owner: TWO }])),
  });
  const settled = (slot: SlotId, epoch: number): Partial<RouteHints> => ({ settled: new Map([[slot, epoch]]) });

  it.each([
    ["stays as it is", withMap(2, learned([RE, 3])), withMap(2, learned([RE, 3])), []],
    ["loads its first map", blank, withMap(1), []],
    ["takes a newer map", withMap(1), withMap(2), []],
    ["takes an older map", withMap(2), withMap(1), ["I9"]],
    ["loses its map", withMap(1), blank, ["I9"]],
    ["learns of a slot", withMap(1), withMap(1, learned([RE, 2])), []],
    ["learns of a later owner", withMap(1, learned([RE, 2])), withMap(1, learned([RE, 3])), []],
    ["goes back to an earlier owner", withMap(1, learned([RE, 3])), withMap(1, learned([RE, 2])), ["I9"]],
    [
      "goes back to earlier owners of two slots",
      withMap(1, learned([RA, 3], [RE, 3])),
      withMap(1, learned([RA, 2], [RE, 2])),
      ["I9"],
    ],
    ["forgets what it has learned", withMap(1, learned([RE, 2])), withMap(1), ["I9"]],
    ["finds in a map what it has learned", withMap(1, learned([RE, 2])), withMap(2, settled(RE, 2)), []],
    ["learns what is in the map once more", withMap(1, settled(RE, 2)), withMap(1, learned([RE, 2])), []],
    ["learns of somebody before the map", withMap(1, settled(RE, 3)), withMap(1, learned([RE, 2])), ["I9"]],
    ["forgets what is in the map", withMap(1, settled(RE, 3)), withMap(1), ["I9"]],
  ] as const)("I9, an edge %s", (_name, before, after, expected) => {
    expect(broken(hintsGoForward(before, after))).toEqual(expected);
  });
});

describe("the end", () => {
  const slot = (state: OwnState): { shard: ShardId; ownership: Ownership } => ({
    shard: ONE,
    ownership: { ...NEVER_HELD, state, epoch: 2 },
  });

  it.each([
    ["an owner", ["OWNER", "NONE"], []],
    ["an owner and a source that is gone", ["GONE", "OWNER"], []],
    ["an owner and an aborted destination", ["OWNER", "ABORTED"], []],
    ["nobody", ["GONE", "ABORTED"], ["I10"]],
    ["two owners", ["OWNER", "OWNER"], ["I10"]],
    ["an owner and a fenced source", ["OWNER", "FENCED"], ["I10"]],
    ["an owner and a destination that is being filled", ["OWNER", "RECEIVING"], ["I10"]],
  ] as const)("I10, a slot ends with %s", (_name, states, expected) => {
    expect(broken(endsWithOneOwner(states.map(slot)))).toEqual(expected);
  });

  it.each([
    ["nothing", [], []],
    ["a move", ["m-1"], ["I10"]],
    ["two who wait", ["client-1", "client-2"], ["I10"]],
  ] as const)("I10, %s is left", (_name, open, expected) => {
    expect(broken(everythingEnds(open))).toEqual(expected);
  });
});
