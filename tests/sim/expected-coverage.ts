// What must really happen in the simulated runs together; a count of zero means that the simulation is blind to it.
// Must not contain what cannot happen.

const CHANGES: readonly string[] = [
  ...["NONE to OWNER", "NONE to RECEIVING", "GONE to RECEIVING", "ABORTED to RECEIVING", "take-over", "seal"],
  ...["OWNER to FENCED", "FENCED to GONE", "RECEIVING to OWNER", "RECEIVING to ABORTED"],
  ...["OWNER to OWNER", "FENCED to OWNER", "GONE to OWNER"],
].map((change) => `change: ${change}`);

const STATEMENTS = ["begin", "take-over", "fence", "seal", "go", "decide", "abort", "restore"] as const;

const CRASHES: readonly string[] = [
  ...STATEMENTS.flatMap((kind) => [`crash before ${kind} takes effect`, `crash after ${kind} takes effect`]),
  ...["crash in a copy", "crash in a reconcile", "crash between steps"],
];

const FAULTS: readonly string[] = [
  ...[
    "slow",
    "requestLoss",
    "replyLoss",
    "doubling",
    "breakOff",
    "storeFailure",
    "fillFailure",
    "catalogFailure",
    "leaseTheft",
    "overlap",
    "held",
    "very late",
  ],
  ...["crash", "stop", "edge-crash", "end", "partition", "worker is killed", "worker is stopped"],
  ...["stop-at-moment", "crash-at-moment"],
].map((fault) => `fault: ${fault}`);

const RUNNERS: readonly string[] = [
  ...STATEMENTS.map((kind) => `reply lost: ${kind}`),
  ...["finish", "abort", "help"].map((goal) => `runner starts: ${goal}`),
  ...["decided", "aborted", "over"].map((outcome) => `runner ends: ${outcome}`),
  ...["taken-over", "nothing-to-help", "interrupted"].map((reason) => `runner stops: ${reason}`),
  ...["look-failed", "lost-sight", "work-failed", "copied", "equal"].map((step) => `step: ${step}`),
  ...["begin", "rows", "digests", "changed", "end"].map((kind) => `part of a slot: ${kind}`),
  ...["begin", "rows", "digests", "changed", "end"].map((kind) => `part behind a fence: ${kind}`),
];

const OPERATORS: readonly string[] = [
  ...["move", "abort", "reverse", "throttle"].map((kind) => `operator: ${kind} done`),
  ...["running", "aborting", "done", "aborted"].map((state) => `move is ${state}`),
];

const CLIENTS: readonly string[] = [
  ...["found", "missing", "refused"].map((result) => `operation: read ${result}`),
  ...["created", "replaced", "conflict", "refused", "unknown"].map((result) => `operation: put ${result}`),
  ...["deleted", "missing", "conflict", "refused", "unknown"].map((result) => `operation: delete ${result}`),
  ...["SLOT_MOVING", "OUTCOME_UNKNOWN", "SHARD_UNAVAILABLE", "STORAGE_UNAVAILABLE", "NO_MAP"].map(
    (code) => `answer: 503 ${code}`,
  ),
  ...["redirect", "read at a fenced source", "write is replayed", "write is repeated by its client"],
  ...["decided", "restored"].map((news) => `news: ${news}`),
  "news is heard by a held request",
  ...["edge takes a newer map", "tombstone is swept", "leftovers are removed"],
];

/** Every name that has to be counted at least once. */
export const EXPECTED: readonly string[] = [...CHANGES, ...CRASHES, ...FAULTS, ...RUNNERS, ...OPERATORS, ...CLIENTS];
