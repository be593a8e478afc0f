// The invariants as predicates: for each a picture that keeps it and pictures that break it.
import { describe, expect, it } from "vitest";
import type { ShardId } from "../../../router/ids.ts";
import {
  changedByTransition,
  decidedAfterGone,
  epochsGrow,
  type Finding,
  fencedByLiveMove,
  INVARIANTS,
  inspect,
  type MoveHistory,
  mayAnswerRead,
  redirectIsTrue,
  reportIsTrue,
  type SlotCopy,
  type SlotPicture,
} from "../../../router/move-invariants.ts";
import { FIRST_OWNER, NEVER_HELD, type Ownership, type OwnState } from "../../../router/ownership.ts";

const [ONE, TWO, THREE] = ["shard-1", "shard-2", "shard-3"] as unknown as readonly [ShardId, ShardId, ShardId];
const OF_MOVE = { move: "m-1", run: null, digest: null };

const slot = (state: OwnState, epoch: number, rest: Partial<Ownership> = {}): Ownership => ({
  ...NEVER_HELD,
  state,
  epoch,
  ...rest,
});
const at = (shard: ShardId, ownership: Ownership, content = "a"): SlotCopy => ({ shard, ownership, content });
const history = (outcome: MoveHistory["outcome"], news: "secret" | "reported" = "secret"): MoveHistory => ({
  move: { move: "m-1", epoch: 2, source: ONE, destination: TWO },
  outcome,
  isReported: news === "reported",
});
const picture = (copies: readonly SlotCopy[], ...moves: readonly MoveHistory[]): SlotPicture => ({ copies, moves });
const broken = (findings: readonly Finding[]): readonly string[] => findings.map(({ invariant }) => invariant);

const gone = slot("GONE", 2, { ...OF_MOVE, to: TWO });
const fenced = slot("FENCED", 2, { ...OF_MOVE, to: TWO });
const filling = slot("RECEIVING", 2, { ...OF_MOVE, to: ONE });
const sealed = { ...filling, digest: "d-1" };
const decided = slot("OWNER", 2, { ...OF_MOVE, to: ONE, digest: "d-1" });
const aborted = slot("ABORTED", 2, { ...OF_MOVE, to: ONE });

describe("inspect", () => {
  it.each([
    ["one owner", picture([at(ONE, slot("OWNER", 1)), at(TWO, NEVER_HELD)]), []],
    ["two owners", picture([at(ONE, slot("OWNER", 1)), at(TWO, slot("OWNER", 2))]), ["I1"]],
    ["gone, sealed", picture([at(ONE, gone), at(TWO, sealed)], history("open")), []],
    ["gone, decided", picture([at(ONE, gone), at(TWO, decided)], history("decided")), []],
    ["gone, aborted", picture([at(ONE, gone), at(TWO, aborted)], history("aborted")), []],
    [
      "gone, the new owner gone too",
      picture(
        [at(ONE, gone), at(TWO, slot("GONE", 3, { to: THREE })), at(THREE, slot("OWNER", 3))],
        history("decided"),
      ),
      [],
    ],
    ["gone, not sealed", picture([at(ONE, gone), at(TWO, filling)], history("open")), ["I12"]],
    ["gone, nothing there", picture([at(ONE, gone), at(TWO, NEVER_HELD)], history("open")), ["I12", "I13"]],
    ["gone to a shard that there is not", picture([at(ONE, { ...gone, to: THREE })], history("open")), ["I12"]],
    ["fenced to a shard that there is not", picture([at(ONE, { ...fenced, to: null })], history("open")), []],
    ["fenced by a move that nobody knows", picture([at(ONE, fenced), at(TWO, filling)]), []],
    ["told decided, but open", picture([at(ONE, fenced), at(TWO, decided)], history("open")), ["I13"]],
    ["told undecided, but decided", picture([at(ONE, fenced), at(TWO, filling)], history("decided")), ["I13"]],
    ["can receive again", picture([at(ONE, slot("OWNER", 3)), at(TWO, aborted)], history("aborted", "reported")), []],
    [
      "cannot receive again",
      picture([at(ONE, slot("OWNER", 1)), at(TWO, aborted)], history("aborted", "reported")),
      ["I14"],
    ],
    ["not told yet that it is aborted", picture([at(ONE, slot("OWNER", 1)), at(TWO, aborted)], history("aborted")), []],
    [
      "in another move already",
      picture([at(ONE, slot("OWNER", 1)), at(TWO, { ...aborted, move: "m-2" })], history("aborted", "reported")),
      [],
    ],
    [
      "the move was decided",
      picture([at(ONE, slot("OWNER", 1)), at(TWO, aborted)], history("decided", "reported")),
      [],
    ],
    ["being filled again", picture([at(ONE, slot("OWNER", 1)), at(TWO, filling)], history("aborted", "reported")), []],
    ["no copy at the destination", picture([at(ONE, slot("OWNER", 1))], history("aborted", "reported")), []],
  ] as const)("%s", (_name, seen, expected) => {
    expect(broken(inspect(seen))).toEqual(expected);
  });
});

describe("changes", () => {
  it.each([
    ["up", slot("OWNER", 1), slot("FENCED", 2), [1], []],
    ["down", slot("OWNER", 3), slot("FENCED", 2), [1, 3], ["I2"]],
    ["a new owner", slot("RECEIVING", 2), slot("OWNER", 2), [1], []],
    ["the same owner in a new term", slot("OWNER", 1), slot("OWNER", 3), [1], []],
    ["the same owner in an old term", slot("OWNER", 1), slot("OWNER", 2), [1, 2], ["I2"]],
    ["an owner that stays", slot("OWNER", 1), slot("OWNER", 1), [1], []],
    ["an owner at an epoch that had one", slot("RECEIVING", 2), slot("OWNER", 2), [1, 2], ["I2"]],
  ] as const)("I2, epochs: %s", (_name, before, after, owners, expected) => {
    expect(broken(epochsGrow(before, after, owners))).toEqual(expected);
  });

  const owner = slot("OWNER", 1);
  const running = { ...filling, run: "r-1" };
  it.each([
    ["nothing", owner, owner, []],
    ["claim", NEVER_HELD, FIRST_OWNER, []],
    ["begin", NEVER_HELD, running, []],
    ["begin of a later move", aborted, { ...running, move: "m-2", epoch: 4 }, []],
    ["take-over", running, { ...running, run: "r-2" }, []],
    ["fence", owner, fenced, []],
    ["seal", running, { ...running, digest: "d-1" }, []],
    ["go", fenced, gone, []],
    ["decide", { ...running, digest: "d-1" }, { ...decided, run: "r-1" }, []],
    ["abort", running, { ...running, state: "ABORTED" }, []],
    ["restore of a fenced source", fenced, { ...fenced, state: "OWNER", epoch: 3 }, []],
    ["restore of an owner", owner, { ...fenced, state: "OWNER", epoch: 3 }, []],
    ["clean-up that gives the slot up", gone, NEVER_HELD, ["I7"]],
    ["clean-up that forgets the move", gone, { ...gone, move: null }, ["I7"]],
    ["clean-up that forgets the other side", gone, { ...gone, to: null }, ["I7"]],
    ["copy that takes the run along", running, { ...running, run: null }, ["I7"]],
    ["copy that breaks the seal", { ...running, digest: "d-1" }, running, ["I7"]],
    ["expiry that opens the slot", fenced, { ...fenced, state: "OWNER" }, ["I7"]],
    ["decision before the seal", running, { ...running, state: "OWNER" }, ["I7"]],
  ] as const)("I7, change by %s", (_name, before, after, expected) => {
    expect(broken(changedByTransition(before, after))).toEqual(expected);
  });

  it("I7, change by the table that is in force", () => {
    const dead = () => ({ kind: "done" }) as const;
    expect(broken(changedByTransition(owner, fenced, dead))).toEqual(["I7"]);
  });

  it.each([
    ["source gone, same rows", at(ONE, gone), at(TWO, decided), []],
    ["other rows", at(ONE, gone), at(TWO, decided, "b"), ["I3"]],
    ["source only fenced", at(ONE, fenced), at(TWO, decided), ["I3"]],
    ["source gone at another epoch", at(ONE, { ...gone, epoch: 1 }), at(TWO, decided), ["I3"]],
    ["source gone for another move", at(ONE, { ...gone, move: "m-2" }), at(TWO, decided), ["I3"]],
  ] as const)("I3, decision: %s", (_name, source, destination, expected) => {
    expect(broken(decidedAfterGone(source, destination))).toEqual(expected);
  });

  it.each([
    ["a move that is open", fenced, [history("open")], []],
    ["a move that is being aborted", fenced, [history("aborted")], []],
    ["a move that was reported as aborted", fenced, [history("aborted", "reported")], ["I11"]],
    ["a move that was reported as decided", fenced, [history("decided", "reported")], []],
    ["a move that nobody knows", fenced, [], []],
    ["no fence at all", gone, [history("aborted", "reported")], []],
  ] as const)("I11, fence by %s", (_name, after, moves, expected) => {
    expect(broken(fencedByLiveMove(after, moves))).toEqual(expected);
  });
});

describe("answers", () => {
  it.each([
    ["decided", "decided", []],
    ["decided", "open", ["I13"]],
    ["decided", "aborted", ["I13"]],
    ["aborted", "aborted", []],
    ["aborted", "open", []],
    ["aborted", "decided", ["I13"]],
    ["over", "open", []],
    ["over", "decided", []],
  ] as const)("I13, a move is reported as %s and is %s", (said, happened, expected) => {
    expect(broken(reportIsTrue("m-1", said, happened))).toEqual(expected);
  });

  it.each([
    ["an owner", slot("OWNER", 1), NEVER_HELD, []],
    ["a fenced source", fenced, sealed, []],
    ["a fenced source beside an owner", fenced, decided, ["I6"]],
    ["a source that is gone", gone, sealed, ["I6"]],
    ["a destination that is filled", filling, gone, ["I6"]],
  ] as const)("I6, read answered by %s", (_name, answering, other, expected) => {
    const copies = [at(ONE, answering), at(TWO, other)];
    expect(broken(mayAnswerRead(picture(copies), at(ONE, answering)))).toEqual(expected);
  });

  const owners = new Map([
    [1, ONE],
    [2, TWO],
  ]);
  it.each([
    ["to an owner", { epoch: 2, owner: TWO }, []],
    ["to nobody", { epoch: 0, owner: null }, []],
    ["to another than the owner", { epoch: 2, owner: ONE }, ["I15"]],
    ["to an epoch without an owner", { epoch: 3, owner: ONE }, ["I15"]],
  ] as const)("I15, redirect %s", (_name, redirect, expected) => {
    expect(broken(redirectIsTrue(redirect, owners))).toEqual(expected);
  });
});

describe("the list", () => {
  it("has no gaps and says something of each", () => {
    expect(Object.keys(INVARIANTS)).toEqual(Array.from({ length: 16 }, (_, index) => `I${index + 1}`));
    expect(Object.values(INVARIANTS).every((sentence) => sentence.length > 20)).toBe(true);
  });
});
