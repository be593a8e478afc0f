// The configurations that are searched: each is small, and each asks something else.
// Must not contain a world that is never searched.
import { type Feature, keyed, plain, type Scope } from "./scope.ts";

const features = (...names: readonly Feature[]): ReadonlySet<Feature> => new Set(names);

/** Searched to the end by the tests, each on its own. */
export const SCOPES = [
  {
    name: "one move under writes, with crashes and cut connections",
    shards: 2,
    keys: 1,
    preloaded: true,
    clients: [[plain("put")], [keyed("create")]],
    moves: [[1]],
    runsPerMove: 2,
    runners: 1,
    features: features("crashes", "aborts", "cuts", "impatience"),
  },
  {
    name: "two runners at once and three runs",
    shards: 2,
    keys: 1,
    preloaded: false,
    clients: [[plain("put")]],
    moves: [[1]],
    runsPerMove: 3,
    runners: 2,
    features: features("aborts"),
  },
  {
    name: "a second move, to the same or another shard, with clean-up",
    shards: 3,
    keys: 1,
    preloaded: false,
    clients: [[keyed("put")]],
    moves: [[1], [0, 1, 2]],
    runsPerMove: 2,
    runners: 1,
    features: features("crashes", "aborts", "clean-up"),
  },
  {
    name: "two moves at once",
    shards: 3,
    keys: 1,
    preloaded: true,
    clients: [],
    moves: [[1], [1, 2]],
    runsPerMove: 2,
    runners: 1,
    features: features("crashes", "aborts", "overlaps", "late-starts"),
  },
  {
    name: "two moves at once under writes",
    shards: 3,
    keys: 1,
    preloaded: true,
    clients: [[plain("put")]],
    moves: [[1], [1, 2]],
    runsPerMove: 2,
    runners: 1,
    features: features("crashes", "aborts", "overlaps", "late-starts"),
  },
  {
    name: "deletes and swept tombstones, there and back",
    shards: 2,
    keys: 2,
    preloaded: false,
    clients: [[plain("put", 0), keyed("delete", 0)], [plain("create", 1)]],
    moves: [[1], [0]],
    runsPerMove: 2,
    runners: 1,
    features: features("sweeps", "aborts", "helpers"),
  },
  {
    name: "stale maps and late claims, away and further or back",
    shards: 3,
    keys: 1,
    preloaded: false,
    clients: [
      [plain("read"), keyed("put")],
      [plain("read"), plain("read")],
    ],
    moves: [[1], [0, 2]],
    runsPerMove: 2,
    runners: 1,
    features: features("maps", "claim", "aborts", "helpers"),
  },
  {
    name: "three moves with late runners and clean-up",
    shards: 2,
    keys: 1,
    preloaded: true,
    clients: [],
    moves: [[1], [0, 1], [0, 1]],
    runsPerMove: 2,
    runners: 1,
    features: features("crashes", "aborts", "late-starts", "clean-up", "helpers"),
  },
] as const satisfies readonly Scope[];

/** Small enough to be searched with every message remembered for ever. */
export const UNFORGOTTEN: Scope = {
  name: "two moves with everything remembered",
  shards: 2,
  keys: 1,
  preloaded: true,
  clients: [[plain("put")]],
  moves: [[1], [0, 1]],
  runsPerMove: 2,
  runners: 1,
  features: features("aborts", "clean-up"),
};
