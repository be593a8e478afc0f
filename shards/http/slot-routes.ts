/**
 * What a move asks of a shard: which slots it has, a slot's rows, a change of a slot's columns.
 * It must not judge a change; the table of transitions does, in the store.
 */
import type { CollectionConfig } from "../../config/config.ts";
import { type CollectionName, quote, type SlotId } from "../../router/ids.ts";
import { slotsIn } from "../../router/move-plan.ts";
import { type EventReply, parseOwnershipEvent, type SlotReport } from "../../router/ownership-wire.ts";
import { parseRange } from "../../router/range.ts";
import { accepted, type Result, refused } from "../../router/result.ts";
import type { OwnershipEvent } from "../../router/slot-transition.ts";
import { applyEvent } from "../mover/slot-event.ts";
import { formatPart } from "../mover/slot-lines.ts";
import { type SlotPart, streamSlot } from "../mover/slot-stream.ts";
import type { SlotAddress } from "../store/port.ts";
import type { SlotRowName } from "../store/transfer.ts";
import { answerJson, answerProblem } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { parseJsonBody } from "./json-body.ts";
import { answerLines } from "./line-stream.ts";
import { parseParameters } from "./list-query.ts";
import { type BodyRefusal, readBody } from "./request-body.ts";
import type { ShardServices } from "./shard-services.ts";
import { parseCollection, parseSlotAddress } from "./slot-target.ts";

/** Largest statement, in bytes: the longest ids, each character escaped, fit in. */
const EVENT_BYTES_MAX = 8192;

/** Slots whose columns are read at once. */
const SLOTS_AT_ONCE = 64;

const ROWS_PARAMETERS: ReadonlySet<string> = new Set(["collection", "slot", "after"]);
const SLOTS_PARAMETERS: ReadonlySet<string> = new Set(["collection", "start", "end", "weigh"]);

/** Answers GET `/internal/slot-rows?collection=&slot=[&after=KEY]`: lines as in slot-lines.ts, of what lies behind that key. */
export function answerSlotRows(services: ShardServices, exchange: Exchange): Response {
  const parameters = parseParameters(exchange.query, ROWS_PARAMETERS);
  if (!parameters.ok) return answerProblem(exchange, parameters);
  const collection = parseCollection(services, parameters.value.get("collection") ?? "");
  if (!collection.ok) return answerProblem(exchange, collection);
  const address = parseSlotAddress(collection.value, parameters.value.get("slot") ?? "");
  if (!address.ok) return answerProblem(exchange, address);
  const after = parameters.value.get("after");
  const from: SlotRowName | null = after === undefined ? null : { of: "key", name: after };
  return answerLines({ exchange, log: services.log, texts: textsOf(streamSlot(services.store, address.value, from)) });
}

async function* textsOf(parts: AsyncIterable<SlotPart>): AsyncGenerator<string, void, undefined> {
  for await (const part of parts) yield formatPart(part);
}

/** Answers GET `/internal/slots?collection=&start=[&end=][&weigh=1]`: a line per slot, then `{end: true, slots}`. */
export function answerSlots(services: ShardServices, exchange: Exchange): Response {
  const question = parseSlotsQuestion(services, exchange.query);
  if (!question.ok) return answerProblem(exchange, question);
  return answerLines({ exchange, log: services.log, texts: slotTexts(services, question.value) });
}

interface SlotsAsked {
  readonly collection: CollectionName;
  readonly slots: readonly SlotId[];
  readonly isWeighed: boolean;
}

function parseSlotsQuestion(services: ShardServices, query: string): Result<SlotsAsked, "INVALID_PARAMETER"> {
  const parameters = parseParameters(query, SLOTS_PARAMETERS);
  if (!parameters.ok) return parameters;
  const of = parameters.value;
  const collection = parseCollection(services, of.get("collection") ?? "");
  if (!collection.ok) return collection;
  const weigh = of.get("weigh");
  if (weigh !== undefined && weigh !== "1") {
    return refused("INVALID_PARAMETER", `weigh: expected 1 or nothing, got ${quote(weigh)}`);
  }
  const { placement, name } = collection.value;
  const range = parseRange(placement, { start: of.get("start") ?? "", end: of.get("end") ?? null });
  if (!range.ok) return refused("INVALID_PARAMETER", `start, end: ${range.detail}`);
  const slots = slotsIn(placement, range.value);
  return accepted({ collection: name, slots, isWeighed: weigh === "1" });
}

async function* slotTexts(
  { store }: ShardServices,
  { collection, slots, isWeighed }: SlotsAsked,
): AsyncGenerator<string, void, undefined> {
  for (let first = 0; first < slots.length; first += SLOTS_AT_ONCE) {
    const asked = slots.slice(first, first + SLOTS_AT_ONCE);
    const found = await store.ownerships(collection, asked);
    let text = "";
    for (const [index, slot] of asked.entries()) {
      const ownership = found[index];
      if (ownership === undefined) throw new Error(`broken assumption: no columns for slot ${quote(slot)}`);
      const weight = isWeighed ? await store.weighSlot({ collection, slot }) : {};
      const report: SlotReport = { slot, ownership, ...weight };
      text += `${JSON.stringify(report)}\n`;
    }
    yield text;
  }
  yield `${JSON.stringify({ end: true, slots: slots.length })}\n`;
}

/** Answers GET `/internal/room`: `{freeBytes}`, null where the store cannot tell. */
export function answerRoom({ store }: ShardServices): Response {
  return answerJson({ freeBytes: store.freeBytes() });
}

/** Answers POST `/internal/ownership-events` with body `{collection, slot, event}`: what became of it. */
export async function answerOwnershipEvent(services: ShardServices, exchange: Exchange): Promise<Response> {
  const body = await readBody(exchange, EVENT_BYTES_MAX);
  if (!body.ok) return answerProblem(exchange, body);
  const asked = parseEventRequest(services.collections, body.value);
  if (!asked.ok) return answerProblem(exchange, asked);
  const reply: EventReply = await applyEvent(services.store, asked.value.address, asked.value.event);
  return answerJson(reply);
}

interface EventRequest {
  readonly address: SlotAddress;
  readonly event: OwnershipEvent;
}

function parseEventRequest(
  collections: ReadonlyMap<string, CollectionConfig>,
  body: Buffer,
): Result<EventRequest, BodyRefusal | "INVALID_JSON"> {
  const text = parseJsonBody(body);
  if (!text.ok) return text;
  const value: unknown = JSON.parse(text.value);
  const fields = (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  const collection = parseCollection({ collections }, fields["collection"]);
  if (!collection.ok) return collection;
  const address = parseSlotAddress(collection.value, fields["slot"]);
  if (!address.ok) return address;
  const event = parseOwnershipEvent(fields["event"]);
  if (!event.ok) return refused("INVALID_PARAMETER", `event: ${event.detail}`);
  return accepted({ address: address.value, event: event.value });
}
