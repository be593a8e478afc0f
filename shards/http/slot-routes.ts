/**
 * What a move asks of a shard: which slots it has, a slot's rows, a change of a slot's columns, with rows or without; and that it tells a
 * shard of its end.
 * It must not judge a change; the table of transitions does, in the store.
 */
import type { CollectionConfig } from "../../config/config.ts";
import { quote, type SlotId } from "../../router/ids.ts";
import { slotsIn } from "../../router/move-plan.ts";
import type { Ownership } from "../../router/ownership.ts";
import { type EventReply, parseOwnership, parseOwnershipEvent, type SlotReport } from "../../router/ownership-wire.ts";
import { parseRange } from "../../router/range.ts";
import { accepted, type Result, refused } from "../../router/result.ts";
import { NO_COURTESY } from "../mover/courtesy.ts";
import { formatReply } from "../mover/reply-lines.ts";
import { applyEvent, type WantedChange } from "../mover/slot-event.ts";
import { formatPart } from "../mover/slot-lines.ts";
import { abridge, type RowsQuestion, type SlotPart, type SlotStreamRequest, streamSlot } from "../mover/slot-stream.ts";
import type { SlotAddress } from "../store/port.ts";
import type { SlotRowName } from "../store/transfer.ts";
import { answerJson, answerProblem } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { parseJsonBody } from "./json-body.ts";
import { answerLines } from "./line-stream.ts";
import { parseParameters } from "./list-query.ts";
import { type BodyRefusal, readBody } from "./request-body.ts";
import type { ShardServices } from "./shard-services.ts";
import { checkSlot } from "./slot-check.ts";
import { parseCollection, parseSlotAddress } from "./slot-target.ts";

/** Largest statement, in bytes: the longest ids, each character escaped, fit in. */
const EVENT_BYTES_MAX = 8192;

/** Slots whose columns are read at once. */
const SLOTS_AT_ONCE = 64;

const ROWS_PARAMETERS: ReadonlySet<string> = new Set(["collection", "slot", "after", "seen", "courteous", "recent"]);
const SLOTS_PARAMETERS: ReadonlySet<string> = new Set(["collection", "start", "end", "weigh", "check"]);

/**
 * Answers GET `/internal/slot-rows?collection=&slot=[&after=KEY][&seen=COLUMNS][&courteous=1][&recent=MS]`: lines as in slot-lines.ts, of
 * what lies behind that key. `seen`: the slot's columns as JSON, as this shard has last told them. `courteous`: clients go first. `recent`:
 * what was not written in the last so many milliseconds may come as digests.
 */
export function answerSlotRows(services: ShardServices, exchange: Exchange): Response {
  const parameters = parseParameters(exchange.query, ROWS_PARAMETERS);
  if (!parameters.ok) return answerProblem(exchange, parameters);
  const collection = parseCollection(services, parameters.value.get("collection") ?? "");
  if (!collection.ok) return answerProblem(exchange, collection);
  const address = parseSlotAddress(collection.value, parameters.value.get("slot") ?? "");
  if (!address.ok) return answerProblem(exchange, address);
  const after = parameters.value.get("after");
  const from: SlotRowName | null = after === undefined ? null : { of: "key", name: after };
  const seen = parseSeenText(parameters.value.get("seen"));
  if (!seen.ok) return answerProblem(exchange, seen);
  const courteous = parameters.value.get("courteous");
  if (courteous !== undefined && courteous !== "1") return answerProblem(exchange, expectedOne("courteous", courteous));
  const courtesy = courteous === undefined ? NO_COURTESY : services.courtesy;
  const recent = parseRecent(parameters.value.get("recent"));
  if (!recent.ok) return answerProblem(exchange, recent);
  const sinceMs = sinceOf(services, recent.value);
  const parts = partsOf(services, { address: address.value, from, seen: seen.value, courtesy }, sinceMs);
  return answerLines({ exchange, log: services.log, texts: textsOf(parts) });
}

/** What is older than this is not recent; null where everything is. */
function sinceOf({ clock }: ShardServices, recentMs: number | null): number | null {
  return recentMs === null ? null : clock.nowMs() - recentMs;
}

/** What is not written since then in short; null for all as rows. */
function partsOf(
  { store }: ShardServices,
  request: SlotStreamRequest,
  sinceMs: number | null,
): AsyncIterable<SlotPart> {
  const parts = streamSlot(store, request);
  return sinceMs === null ? parts : abridge(parts, sinceMs);
}

function parseRecent(text: string | undefined): Result<number | null, "INVALID_PARAMETER"> {
  if (text === undefined) return accepted(null);
  if (/^\d{1,15}$/.test(text)) return accepted(Number(text));
  return refused("INVALID_PARAMETER", `recent: expected milliseconds, got ${quote(text)}`);
}

function parseSeenText(text: string | undefined): Result<Ownership | null, "INVALID_PARAMETER"> {
  if (text === undefined) return accepted(null);
  try {
    return parseColumns("seen", JSON.parse(text));
  } catch {
    return refused("INVALID_PARAMETER", `seen: expected a slot's columns as JSON, got ${quote(text)}`);
  }
}

function expectedOne(name: string, got: string): ReturnType<typeof refused<"INVALID_PARAMETER">> {
  return refused("INVALID_PARAMETER", `${name}: expected 1 or nothing, got ${quote(got)}`);
}

async function* textsOf(parts: AsyncIterable<SlotPart>): AsyncGenerator<string, void, undefined> {
  for await (const part of parts) yield formatPart(part);
}

/**
 * Answers GET `/internal/slots?collection=&start=[&end=][&weigh=1|&check=1]`: a line per slot, then `{end: true, slots}`. `weigh`: with rows
 * and bytes. `check`: with rows, and with the keys among them that belong elsewhere; before the line of a slot that takes long come
 * others, `{checking: slot, rows}`, so that nobody takes the answer for dead.
 */
export function answerSlots(services: ShardServices, exchange: Exchange): Response {
  const question = parseSlotsQuestion(services, exchange.query);
  if (!question.ok) return answerProblem(exchange, question);
  return answerLines({ exchange, log: services.log, texts: slotTexts(services, question.value) });
}

interface SlotsAsked {
  readonly collection: Pick<CollectionConfig, "name" | "placement">;
  readonly slots: readonly SlotId[];
  readonly depth: "columns" | "weight" | "names";
}

function parseSlotsQuestion(services: ShardServices, query: string): Result<SlotsAsked, "INVALID_PARAMETER"> {
  const parameters = parseParameters(query, SLOTS_PARAMETERS);
  if (!parameters.ok) return parameters;
  const of = parameters.value;
  const collection = parseCollection(services, of.get("collection") ?? "");
  if (!collection.ok) return collection;
  const [weigh, check] = [of.get("weigh"), of.get("check")];
  if (weigh !== undefined && weigh !== "1") return expectedOne("weigh", weigh);
  if (check !== undefined && check !== "1") return expectedOne("check", check);
  if (weigh !== undefined && check !== undefined)
    return refused("INVALID_PARAMETER", "expected weigh or check, got both");
  const { placement } = collection.value;
  const range = parseRange(placement, { start: of.get("start") ?? "", end: of.get("end") ?? null });
  if (!range.ok) return refused("INVALID_PARAMETER", `start, end: ${range.detail}`);
  const slots = slotsIn(placement, range.value);
  const depth = weigh !== undefined ? "weight" : check !== undefined ? "names" : "columns";
  return accepted({ collection: collection.value, slots, depth });
}

async function* slotTexts(services: ShardServices, asked: SlotsAsked): AsyncGenerator<string, void, undefined> {
  const { collection, slots } = asked;
  for (let first = 0; first < slots.length; first += SLOTS_AT_ONCE) {
    const some = slots.slice(first, first + SLOTS_AT_ONCE);
    const found = await services.store.ownerships(collection.name, some);
    let text = "";
    for (const [index, slot] of some.entries()) {
      const ownership = found[index];
      if (ownership === undefined) throw new Error(`broken assumption: no columns for slot ${quote(slot)}`);
      const looking = contentOf(services, asked, slot);
      let step = await looking.next();
      for (; step.done !== true; step = await looking.next()) {
        yield `${text}${JSON.stringify({ checking: slot, rows: step.value })}\n`;
        text = "";
      }
      const report: SlotReport = { slot, ownership, ...step.value };
      text += `${JSON.stringify(report)}\n`;
    }
    yield text;
  }
  yield `${JSON.stringify({ end: true, slots: slots.length })}\n`;
}

type SlotContent = Omit<SlotReport, "slot" | "ownership">;

/** What lies in the slot, as far as it was asked for. Yields the rows so far where that takes long. */
async function* contentOf(
  services: ShardServices,
  { collection, depth }: SlotsAsked,
  slot: SlotId,
): AsyncGenerator<number, SlotContent, undefined> {
  const address = { collection: collection.name, slot };
  switch (depth) {
    case "columns":
      return {};
    case "weight":
      return services.store.weighSlot(address);
    case "names":
      return yield* checkSlot(services, address, collection.placement);
    default:
      throw new Error(`broken assumption: depth ${quote(depth satisfies never)}`);
  }
}

/** Answers GET `/internal/room`: `{freeBytes}`, null where the store cannot tell. */
export function answerRoom({ store }: ShardServices): Response {
  return answerJson({ freeBytes: store.freeBytes() });
}

/**
 * Answers POST `/internal/ownership-events` with body `{collection, slot, event, seen?, rows?: {recentMs}}`: what became of it. With `rows`,
 * and unless it is refused: the line `{reply}`, then those of `/internal/slot-rows` as they are behind it, with courtesy; `recentMs` as
 * `recent` there, null for all as rows.
 */
export async function answerOwnershipEvent(services: ShardServices, exchange: Exchange): Promise<Response> {
  const body = await readBody(exchange, EVENT_BYTES_MAX);
  if (!body.ok) return answerProblem(exchange, body);
  const asked = parseEventRequest(services.collections, body.value);
  if (!asked.ok) return answerProblem(exchange, asked);
  const { rows, ...change } = asked.value;
  // What is recent is so as of the question, however long the statement takes.
  const sinceMs = sinceOf(services, rows?.recentMs ?? null);
  const reply: EventReply = await applyEvent(services.store, change);
  if (rows === null || reply.kind === "refused") return answerJson(reply);
  const request = { address: change.address, from: null, seen: reply.ownership, courtesy: services.courtesy };
  const texts = textsBehind(reply, partsOf(services, request, sinceMs));
  return answerLines({ exchange, log: services.log, texts });
}

async function* textsBehind(
  reply: EventReply,
  parts: AsyncIterable<SlotPart>,
): AsyncGenerator<string, void, undefined> {
  yield formatReply(reply);
  yield* textsOf(parts);
}

/**
 * Answers POST `/internal/slot-news` with body `{collection, slot, destination?}`: 204, and whoever waits for the slot hears it.
 * `destination`: the columns of the one who has taken the slot over.
 */
export async function answerSlotNews(services: ShardServices, exchange: Exchange): Promise<Response> {
  const body = await readBody(exchange, EVENT_BYTES_MAX);
  if (!body.ok) return answerProblem(exchange, body);
  const told = parseFields(body.value);
  if (!told.ok) return answerProblem(exchange, told);
  const address = parseAddress(services.collections, told.value);
  if (!address.ok) return answerProblem(exchange, address);
  const destination = parseColumns("destination", told.value["destination"] ?? null);
  if (!destination.ok) return answerProblem(exchange, destination);
  services.spreadNews({ ...address.value, destination: destination.value });
  return new Response(null, { status: 204 });
}

type Fields = Readonly<Record<string, unknown>>;

function parseFields(body: Buffer): Result<Fields, BodyRefusal | "INVALID_JSON"> {
  const text = parseJsonBody(body);
  if (!text.ok) return text;
  const value: unknown = JSON.parse(text.value);
  return accepted((typeof value === "object" && value !== null ? value : {}) as Fields);
}

function parseAddress(
  collections: ReadonlyMap<string, CollectionConfig>,
  fields: Fields,
): Result<SlotAddress, "INVALID_PARAMETER"> {
  const collection = parseCollection({ collections }, fields["collection"]);
  return collection.ok ? parseSlotAddress(collection.value, fields["slot"]) : collection;
}

/** A change; `rows`: whether and how rows are to come with the reply. */
interface EventAsked extends WantedChange {
  readonly rows: Pick<RowsQuestion, "recentMs"> | null;
}

function parseEventRequest(
  collections: ReadonlyMap<string, CollectionConfig>,
  body: Buffer,
): Result<EventAsked, BodyRefusal | "INVALID_JSON"> {
  const asked = parseFields(body);
  if (!asked.ok) return asked;
  const fields = asked.value;
  const address = parseAddress(collections, fields);
  if (!address.ok) return address;
  const event = parseOwnershipEvent(fields["event"]);
  if (!event.ok) return refused("INVALID_PARAMETER", `event: ${event.detail}`);
  const seen = parseColumns("seen", fields["seen"] ?? null);
  if (!seen.ok) return seen;
  const rows = parseRowsAsked(fields["rows"] ?? null);
  if (!rows.ok) return rows;
  return accepted({ address: address.value, event: event.value, seen: seen.value, rows: rows.value });
}

/** Untrusted data to how rows are asked for, or null. */
function parseRowsAsked(input: unknown): Result<EventAsked["rows"], "INVALID_PARAMETER"> {
  if (input === null) return accepted(null);
  const { recentMs } = (typeof input === "object" ? input : {}) as Fields;
  const isTime = typeof recentMs === "number" && Number.isSafeInteger(recentMs) && recentMs >= 0;
  if (recentMs === null || isTime) return accepted({ recentMs });
  return refused("INVALID_PARAMETER", `rows: expected {recentMs}, milliseconds or null, got ${quote(input)}`);
}

/** Untrusted data to columns, or null. */
function parseColumns(name: string, input: unknown): Result<Ownership | null, "INVALID_PARAMETER"> {
  if (input === null) return accepted(null);
  const columns = parseOwnership(input);
  return columns.ok ? accepted(columns.value) : refused("INVALID_PARAMETER", `${name}: ${columns.detail}`);
}
