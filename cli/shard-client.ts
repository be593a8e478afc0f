/**
 * What an operator asks shards directly, by signed requests: slots, rows, and changes of ownership. It must not decide what to
 * change: the router does.
 */
import { createHash, createHmac } from "node:crypto";
import { Agent, type Dispatcher, request } from "undici";
import type { ShardConfig } from "../config/config.ts";
import type { SigningKeys } from "../config/signing-keys.ts";
import { HEADER, INTERNAL_PATH, signedText } from "../router/contract.ts";
import { type CollectionName, quote, type ShardId, type SlotId } from "../router/ids.ts";
import { type EventReply, parseEventReply, parseSlotReport, type SlotReport } from "../router/ownership-wire.ts";
import { describeRange, type KeyRange } from "../router/range.ts";
import type { OwnershipEvent } from "../router/slot-transition.ts";
import { parseFields } from "./data-directory.ts";
import { CliFailure, errorLine } from "./failure.ts";

/**
 * How much is to be told of slots: their ownership columns; also rows and bytes; or also rows, and which of their keys belong elsewhere.
 * All but the first take a read of the data.
 */
export type SlotDepth = "columns" | "weight" | "names";

/** Part of a collection at one shard. */
export interface SlotsQuestion {
  readonly collection: CollectionName;
  readonly range: KeyRange;
  readonly depth: SlotDepth;
}

/** One slot. */
export interface SlotPlace {
  readonly collection: CollectionName;
  readonly slot: SlotId;
}

/** Shards, by id. All methods reject with `CliFailure`. */
export interface ShardClient {
  /** The slots of a range, in order. */
  slots(shard: ShardId, question: SlotsQuestion): Promise<readonly SlotReport[]>;
  /** Bytes that the shard can still take; null when it cannot tell. */
  freeBytes(shard: ShardId): Promise<number | null>;
  /** The lines of one slot's rows, as `GET /internal/slot-rows` gives them. Breaks off where the answer does. */
  rows(shard: ShardId, place: SlotPlace): AsyncGenerator<Readonly<Record<string, unknown>>, void>;
  /** Wants a change of a slot's columns. */
  send(shard: ShardId, place: SlotPlace, event: OwnershipEvent): Promise<EventReply>;
  close(): Promise<void>;
}

/** A shard that is silent for so long counts as not reachable. */
const TIMEOUT_MS = 10_000;
/** Whatever takes long goes on sending lines. */
const LINE_TIMEOUT_MS = 60_000;

/** What the client stands on. */
export interface ShardClientOptions {
  readonly shards: ReadonlyMap<string, ShardConfig>;
  /** Found when the first request needs them: not every command does. */
  readonly keys: () => SigningKeys;
  readonly nowMs: () => number;
}

/** Opens a client. It holds connections: close it. */
export function createShardClient(options: ShardClientOptions): ShardClient {
  const dispatcher = new Agent({
    connections: 4,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: LINE_TIMEOUT_MS,
    connect: { timeout: TIMEOUT_MS },
  });
  const ask = (shard: ShardId, question: Question): Promise<Answer> =>
    askShard({ ...options, dispatcher }, shard, question);
  return {
    slots: async (shard, question) => readSlots(await ask(shard, slotsQuestion(question)), { shard, question }),
    async freeBytes(shard) {
      const answer = await ask(shard, { method: "GET", path: INTERNAL_PATH.room, query: "" });
      const { freeBytes }: { readonly [name: string]: unknown } = parseFields(await answer.body.text()) ?? {};
      if (freeBytes === null || typeof freeBytes === "number") return freeBytes;
      throw new CliFailure(`${shard} gave an answer that is none: expected freeBytes, got ${quote(freeBytes)}`);
    },
    async *rows(shard, { collection, slot }) {
      const query = queryOf({ collection, slot });
      yield* linesOf(await ask(shard, { method: "GET", path: INTERNAL_PATH.slotRows, query }), shard);
    },
    async send(shard, { collection, slot }, event) {
      const body = JSON.stringify({ collection, slot, event });
      const answer = await ask(shard, { method: "POST", path: INTERNAL_PATH.ownershipEvents, query: "", body });
      const reply = parseEventReply(await answer.body.json());
      if (reply.ok) return reply.value;
      throw new CliFailure(`${shard} gave an answer that is none: ${reply.detail}`);
    },
    close: () => dispatcher.destroy(),
  };
}

interface Question {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly query: string;
  readonly body?: string;
}

type Answer = Dispatcher.ResponseData;

interface World extends ShardClientOptions {
  readonly dispatcher: Agent;
}

/** The origins of a shard share one store, so the first that can be reached will do. */
async function askShard(world: World, shard: ShardId, question: Question): Promise<Answer> {
  const origins = world.shards.get(shard)?.origins ?? [];
  if (origins.length === 0) throw new CliFailure(`the configuration has no origin for ${shard}`);
  const faults: string[] = [];
  for (const origin of origins) {
    const answer = await askOrigin(world, origin, question).catch((error: unknown) => {
      faults.push(`${origin}: ${errorLine(error)}`);
      return null;
    });
    if (answer?.statusCode === 200) return answer;
    if (answer !== null) faults.push(`${origin}: ${describeRefusal(answer.statusCode, await answer.body.text())}`);
  }
  throw new CliFailure(`${shard} cannot be asked: ${faults.join("; ")}`, {
    hint: "start it, or look at its log; nothing was changed",
  });
}

function askOrigin(world: World, origin: string, { method, path, query, body }: Question): Promise<Answer> {
  const url = `${origin}${path}${query === "" ? "" : `?${query}`}`;
  const headers = signed(world, { method, path, query, ...(body === undefined ? {} : { body }) });
  return request(url, { dispatcher: world.dispatcher, method, headers, ...(body === undefined ? {} : { body }) });
}

function signed({ keys, nowMs }: World, { method, path, query, body }: Question): Record<string, string> {
  const [key] = keys();
  const headers: Record<string, string> = {
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    [HEADER.keyId]: key.id,
    [HEADER.time]: String(nowMs()),
    [HEADER.bodyDigest]: createHash("sha256")
      .update(body ?? "")
      .digest("base64url"),
  };
  const text = signedText({ method, path, query }, (name) => headers[name] ?? null);
  return { ...headers, [HEADER.signature]: createHmac("sha256", key.secret).update(text).digest("base64url") };
}

function describeRefusal(status: number, body: string): string {
  const { code, detail }: { readonly [name: string]: unknown } = parseFields(body) ?? {};
  return typeof detail === "string" ? `${detail} (${status} ${String(code)})` : `status ${status}`;
}

const DEPTHS: Readonly<Record<SlotDepth, Readonly<Record<string, string>>>> = {
  columns: {},
  weight: { weigh: "1" },
  names: { check: "1" },
};

function slotsQuestion({ collection, range, depth }: SlotsQuestion): Question {
  const { start, end } = range;
  const query = queryOf({ collection, start, ...(end === null ? {} : { end }), ...DEPTHS[depth] });
  return { method: "GET", path: INTERNAL_PATH.slots, query };
}

function queryOf(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
}

interface SlotsPlace {
  readonly shard: ShardId;
  readonly question: SlotsQuestion;
}

async function readSlots(answer: Answer, { shard, question }: SlotsPlace): Promise<readonly SlotReport[]> {
  const reports: SlotReport[] = [];
  for await (const line of linesOf(answer, shard)) {
    if (line["end"] === true && line["slots"] === reports.length) return reports;
    // A sign of life.
    if ("checking" in line) continue;
    const report = parseSlotReport(line);
    if (!report.ok) throw new CliFailure(`${shard} gave an answer that is none: ${report.detail}`);
    reports.push(report.value);
  }
  throw new CliFailure(`the answer of ${shard} about ${describeRange(question.range)} broke off; try again`);
}

/** A line each, parsed. Rejects where the connection does; a body that ends early lacks its last line. */
async function* linesOf({ body }: Answer, shard: ShardId): AsyncGenerator<Readonly<Record<string, unknown>>, void> {
  let rest = "";
  try {
    for await (const chunk of body.setEncoding("utf8")) {
      const lines = `${rest}${String(chunk)}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) yield parseLine(line, shard);
    }
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    throw new CliFailure(`the answer of ${shard} broke off: ${errorLine(error)}`, { cause: error });
  }
}

function parseLine(text: string, shard: ShardId): Readonly<Record<string, unknown>> {
  const line = parseFields(text);
  if (line !== null) return line;
  throw new CliFailure(`${shard} gave a line that is no JSON object: ${quote(text)}`);
}
