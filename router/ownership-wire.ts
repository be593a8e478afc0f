/**
 * Ownership columns, wanted changes of them and what became of those, as they travel between shards: untrusted data to typed.
 * It must not judge whether a change may happen; the table of transitions does.
 */
import { parseShardId, quote, type ShardId, type SlotId } from "./ids.ts";
import { MISPLACED_LENGTH_MAX, MISPLACED_NAMED_MAX, type MisplacedKey, type MisplacedKeys } from "./misplaced-key.ts";
import { OWN_STATES, type Ownership, type OwnState } from "./ownership.ts";
import { accepted, type Result, refused } from "./result.ts";
import { EVENT_KINDS, type EventKind, type OwnershipEvent, type TransitionRefusal } from "./slot-transition.ts";

/**
 * What became of a wanted change at a shard. `changed`: it was applied now. `done`: its effect was there. `ownership` is what the
 * columns say after it.
 */
export type EventReply =
  | { readonly kind: "changed" | "done"; readonly ownership: Ownership }
  | {
      readonly kind: "refused";
      readonly reason: TransitionRefusal;
      readonly detail: string;
      readonly ownership: Ownership;
    };

/** A slot as a shard tells of it. Rows with their bytes of text, or with the keys that are misplaced, are there when they were asked for. */
export interface SlotReport {
  readonly slot: SlotId;
  readonly ownership: Ownership;
  readonly rows?: number;
  readonly bytes?: number;
  readonly misplaced?: MisplacedKeys;
}

/** Longest move id, run token and digest, in characters. */
const TOKEN_LENGTH_MAX = 128;

type Fields = Readonly<Record<string, unknown>>;
type FieldCheck = (value: unknown) => boolean;

/** What every field has to be, by the fields' names: they mean the same in all events. */
const FIELD_CHECKS = {
  move: isToken,
  epoch: isEpoch,
  run: isToken,
  // May be empty: no run at all.
  previousRun: isRun,
  seenEpoch: isCounter,
  source: isShard,
  destination: isShard,
  digest: isToken,
} as const satisfies Readonly<Record<string, FieldCheck>>;

type EventField = keyof typeof FIELD_CHECKS;

const EVENT_FIELDS: Readonly<Record<EventKind, readonly EventField[]>> = {
  claim: [],
  begin: ["move", "epoch", "run", "seenEpoch", "source"],
  "take-over": ["move", "epoch", "run", "previousRun"],
  fence: ["move", "epoch", "destination"],
  seal: ["move", "epoch", "run", "digest"],
  go: ["move", "epoch"],
  decide: ["move", "epoch", "run", "digest"],
  abort: ["move", "epoch"],
  restore: ["move", "epoch", "destination"],
};

/** Untrusted data to an event with exactly its fields. */
export function parseOwnershipEvent(input: unknown): Result<OwnershipEvent, "NOT_AN_EVENT"> {
  const fields = fieldsOf(input);
  const kind = EVENT_KINDS.find((candidate) => candidate === fields["kind"]);
  if (kind === undefined) {
    return refused("NOT_AN_EVENT", `kind: expected one of ${EVENT_KINDS.join(", ")}, got ${quote(fields["kind"])}`);
  }
  const names = EVENT_FIELDS[kind];
  const wrong = names.find((name) => !FIELD_CHECKS[name](fields[name]));
  if (wrong !== undefined) {
    return refused("NOT_AN_EVENT", `${kind}: expected ${names.join(", ")}; ${wrong} is ${quote(fields[wrong])}`);
  }
  const surplus = Object.keys(fields).find((name) => name !== "kind" && !names.some((known) => known === name));
  if (surplus !== undefined) return refused("NOT_AN_EVENT", `${kind}: expected no field ${quote(surplus)}`);
  const taken = Object.fromEntries(names.map((name) => [name, fields[name]]));
  return accepted({ kind, ...taken } as OwnershipEvent);
}

/** Untrusted data to ownership columns. */
export function parseOwnership(input: unknown): Result<Ownership, "NOT_OWNERSHIP"> {
  const fields = fieldsOf(input);
  const { state, epoch, move, run, to, digest } = fields as Readonly<Record<keyof Ownership, unknown>>;
  const isState = OWN_STATES.includes(state as OwnState);
  const isSide = to === null || isShard(to);
  if (isState && isCounter(epoch) && isSide && [move, run, digest].every(isTextOrNull)) {
    return accepted({ state, epoch, move, run, to: to as ShardId | null, digest } as Ownership);
  }
  return refused("NOT_OWNERSHIP", `expected {state, epoch, move, run, to, digest}, got ${quote(input)}`);
}

type ReplyField = "kind" | "reason" | "detail" | "ownership";

const REFUSALS: ReadonlySet<unknown> = new Set<TransitionRefusal>([
  "wrong-state",
  "other-epoch",
  "other-move",
  "other-run",
  "other-digest",
  "other-side",
  "sealed",
  "not-sealed",
]);

/** Untrusted data to what became of an event. */
export function parseEventReply(input: unknown): Result<EventReply, "NOT_A_REPLY"> {
  const { kind, reason, detail, ownership: columns } = fieldsOf(input) as Readonly<Record<ReplyField, unknown>>;
  const ownership = parseOwnership(columns);
  if (ownership.ok && (kind === "changed" || kind === "done")) return accepted({ kind, ownership: ownership.value });
  if (ownership.ok && kind === "refused" && REFUSALS.has(reason) && typeof detail === "string") {
    return accepted({ kind, reason: reason as TransitionRefusal, detail, ownership: ownership.value });
  }
  return refused("NOT_A_REPLY", `expected {kind, ownership} and a refusal's reason and detail, got ${quote(input)}`);
}

/** Untrusted data to what a shard tells of a slot. */
export function parseSlotReport(input: unknown): Result<SlotReport, "NOT_A_SLOT_REPORT"> {
  const { slot, ownership: columns, ...content } = fieldsOf(input) as Readonly<Record<keyof SlotReport, unknown>>;
  const ownership = parseOwnership(columns);
  const lying = parseContent(content);
  if (typeof slot === "string" && ownership.ok && lying !== null) {
    return accepted({ slot: slot as SlotId, ownership: ownership.value, ...lying });
  }
  const expected = "expected {slot, ownership} or also {rows, bytes} or {rows, misplaced}";
  return refused("NOT_A_SLOT_REPORT", `${expected}, got ${quote(input)}`);
}

type SlotContent = Pick<SlotReport, "rows" | "bytes" | "misplaced">;

/** Null for what is none. */
function parseContent({ rows, bytes, misplaced }: Readonly<Record<keyof SlotContent, unknown>>): SlotContent | null {
  if (rows === undefined && bytes === undefined && misplaced === undefined) return {};
  if (!isCounter(rows)) return null;
  if (misplaced === undefined) return isCounter(bytes) ? { rows: Number(rows), bytes: Number(bytes) } : null;
  const found = bytes === undefined ? parseMisplaced(misplaced) : null;
  return found === null ? null : { rows: Number(rows), misplaced: found };
}

function parseMisplaced(input: unknown): MisplacedKeys | null {
  const { rows, named } = fieldsOf(input) as Readonly<Record<keyof MisplacedKeys, unknown>>;
  if (!isCounter(rows) || !Array.isArray(named) || named.length > MISPLACED_NAMED_MAX) return null;
  const keys = named.flatMap((each) => parseMisplacedKey(each) ?? []);
  return keys.length === named.length ? { rows: Number(rows), named: keys } : null;
}

function parseMisplacedKey(input: unknown): MisplacedKey | null {
  const { key, belongsTo } = fieldsOf(input) as Readonly<Record<keyof MisplacedKey, unknown>>;
  const isKey = typeof key === "string" && key.length <= MISPLACED_LENGTH_MAX;
  return isKey && isTextOrNull(belongsTo) ? { key, belongsTo: belongsTo as SlotId | null } : null;
}

function fieldsOf(input: unknown): Fields {
  return (typeof input === "object" && input !== null ? input : {}) as Fields;
}

function isToken(value: unknown): boolean {
  return isRun(value) && value !== "";
}

function isRun(value: unknown): boolean {
  return typeof value === "string" && value.length <= TOKEN_LENGTH_MAX;
}

function isCounter(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** A move's epoch is the source's and one more, and a source owns at 1 or above. */
function isEpoch(value: unknown): boolean {
  return isCounter(value) && Number(value) >= 2;
}

function isShard(value: unknown): boolean {
  return typeof value === "string" && parseShardId(value).ok;
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}
