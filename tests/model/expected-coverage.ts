// What must really happen in the searches together; a count of zero means that the model is blind to it.
// Must not contain what cannot happen: that is said where it is left out.
import { EVENT_KINDS } from "../../router/slot-transition.ts";
import { phrase } from "./coverage.ts";

const OF_MOVES = EVENT_KINDS.filter((kind) => kind !== "claim");

const STATEMENTS: readonly string[] = [
  ...EVENT_KINDS.flatMap((kind) => [phrase(kind, "takes effect"), phrase(kind, "comes too late")]),
  ...OF_MOVES.flatMap((kind) => [
    phrase(kind, "is sent"),
    phrase(kind, "takes effect with no runner alive"),
    phrase(kind, "takes effect when a later move is planned"),
  ]),
  // The one before may be lost, may be late, or may have taken effect with its reply lost. With a run it is never the same again.
  ...OF_MOVES.flatMap((kind) => (kind === "begin" || kind === "take-over" ? [] : [phrase(kind, "is sent again")])),
  "page is written",
  "page comes too late",
  "clean-up is sent",
  "clean-up removes rows",
  "clean-up comes too late",
  "tombstone is removed",
];

const RUNNERS: readonly string[] = [
  "runner starts: finish",
  "runner starts: abort",
  "runner starts: help",
  "runner starts after the report: finish",
  "runner starts after the report: abort",
  "runner looks at the source",
  "runner looks at the destination",
  "runner crashes",
  "copy begins",
  "copy reads and sends a row",
  "copy reads nothing",
  "copy has caught up",
  "copy finds the source closed",
  "reconciling begins",
  "reconciling reads the source",
  "reconciling finds the source changed",
  "reconciling finds the destination changed",
  "difference is sent",
  "difference is sent, with rows to remove",
  "both sides are found equal",
  "runner stops: taken-over",
  "runner stops: nothing-to-help",
  "runner reports: decided",
  "runner reports: aborted",
  "runner reports: over",
  "move is planned",
  "move is planned beside another",
];

const CLIENTS: readonly string[] = [
  "read is answered by an owner",
  "read is answered by a source that is being left",
  "read is held",
  "write is held",
  "write is sent",
  "write is sent again",
  "write is applied",
  "write is applied and nobody waits",
  "write is applied and the reply is lost",
  "write is refused",
  "write is refused and the reply is lost",
  "write is replayed as applied",
  "write is replayed as applied and nobody waits",
  "write is replayed as refused",
  "write is turned away",
  "write comes too late",
  "connection is cut, asked again",
  "connection is cut, outcome unknown",
  "forgotten request is judged",
  "forgotten request is not served",
  "outcome unknown, asked again",
  "unknown outcome is resolved: applied",
  "unknown outcome is resolved: unknown",
  "client leaves with 503, not applied",
  "client leaves without knowing",
  "shard asks the destination",
  "shard finds the destination beyond",
  "shard finds itself unchanged",
  "shard finds itself changed",
  "shard hears that nothing is decided",
  "edge follows a redirect",
  "redirect tells nothing new",
  "edge takes a map",
];

/** Every name that has to be counted at least once. */
export const EXPECTED: readonly string[] = [...STATEMENTS, ...RUNNERS, ...CLIENTS];
