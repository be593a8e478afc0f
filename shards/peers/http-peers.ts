/**
 * Peers over signed HTTP. Uses undici's `request`: Node's `fetch` repeats a request by itself on 421.
 * It must not believe an answer before it is parsed.
 */
import { Agent, type Dispatcher, request } from "undici";
import type { ShardConfig } from "../../config/config.ts";
import { INTERNAL_PATH } from "../../router/contract.ts";
import { quote, type ShardId } from "../../router/ids.ts";
import { parseEventReply, parseOwnership, parseSlotReport, type SlotReport } from "../../router/ownership-wire.ts";
import type { Result } from "../../router/result.ts";
import { LINES_TYPE } from "../http/line-stream.ts";
import type { Signer } from "../http/signature.ts";
import { parseReplyLines, type StatementAnswer } from "../mover/reply-lines.ts";
import { parseParts } from "../mover/slot-lines.ts";
import type { SlotPart } from "../mover/slot-stream.ts";
import { readLines } from "./line-reader.ts";
import type { Peers, SlotsQuestion } from "./port.ts";

/** A peer that does not answer a question in this time counts as silent, in milliseconds. A quorum may need some of it. */
const TIMEOUT_MS = 1000;

/** The same for a connection. */
const CONNECT_MS = 500;

/** The same for a statement, which waits for a disk or a quorum, and for what comes with its reply. */
const STATEMENT_MS = 5000;

/** The same for the beginning of an answer of many lines, and for each pause in it. */
const LINES_MS = 15_000;

/** The same where a client waits for the answer. */
const LISTED_MS = 1000;

/** Largest answer to a question or statement, in bytes. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Connections to one origin: several slots are read and told at once. */
const CONNECTIONS = 32;

/** What the peers stand on. */
export interface HttpPeersOptions {
  readonly shards: ReadonlyMap<string, ShardConfig>;
  readonly sign: Signer;
}

/** A request on its way to any origin of a shard. */
interface Hop {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly query: string;
  readonly body?: Buffer;
  readonly timeoutMs: number;
}

/**
 * Asks all origins of a shard at once about a slot; they share one store, so the first to answer will do. Everything else goes to one
 * origin after the other until one answers. Each worker has its own connections.
 */
export function createHttpPeers(options: HttpPeersOptions): Peers {
  const dispatcher = new Agent({ connections: CONNECTIONS, connect: { timeout: CONNECT_MS } });
  const wire = new Wire(options, dispatcher);
  return {
    async ownership(shard, { collection, slot }) {
      const query = queryOf({ collection, slot });
      const hop: Hop = { method: "GET", path: INTERNAL_PATH.ownership, query, timeoutMs: TIMEOUT_MS };
      const questions = wire.originsOf(shard).map(async (origin) => {
        return parseAnswer(await wire.ask(origin, hop), parseOwnership);
      });
      return Promise.any(questions).catch((error: unknown) => {
        throw new Error(`${shard} did not answer: ${reasonsOf(error).join("; ")}`, { cause: error });
      });
    },
    async send(shard, { address: { collection, slot }, event, seen }) {
      const hop = postOf(INTERNAL_PATH.ownershipEvents, { collection, slot, event, seen }, STATEMENT_MS);
      return parseAnswer(await wire.askInTurn(shard, hop), parseEventReply);
    },
    async sendForRows(shard, { address: { collection, slot }, event, seen }, recentMs) {
      const rows = { recentMs: recentMs === null ? null : Math.ceil(recentMs) };
      const hop = postOf(INTERNAL_PATH.ownershipEvents, { collection, slot, event, seen, rows }, STATEMENT_MS);
      const response = await wire.askInTurn(shard, hop);
      if (response.headers["content-type"] === LINES_TYPE) return readAhead(response);
      return { reply: await parseAnswer(response, parseEventReply), rows: null };
    },
    async announce(shard, { collection, slot }, destination) {
      const hop = postOf(INTERNAL_PATH.slotNews, { collection, slot, destination }, TIMEOUT_MS);
      const tell = async (origin: string): Promise<void> => (await wire.ask(origin, hop)).body.dump();
      await Promise.allSettled((options.shards.get(shard)?.origins ?? []).map(tell));
    },
    slots: (shard, question) =>
      collectSlots(wire.lines(shard, INTERNAL_PATH.slots, { query: slotsQuery(question), timeoutMs: LINES_MS })),
    rows(shard, { collection, slot }, { seen, recentMs }): AsyncIterable<SlotPart> {
      const known = seen === null ? {} : { seen: JSON.stringify(seen) };
      const recent = recentMs === null ? {} : { recent: String(Math.ceil(recentMs)) };
      const query = queryOf({ collection, slot, courteous: "1", ...known, ...recent });
      return parseParts(wire.lines(shard, INTERNAL_PATH.slotRows, { query, timeoutMs: LINES_MS }));
    },
    rowsAfter(shard, { collection, slot }, after): AsyncIterable<SlotPart> {
      const query = queryOf({ collection, slot, ...(after === null ? {} : { after }) });
      return parseParts(wire.lines(shard, INTERNAL_PATH.slotRows, { query, timeoutMs: LISTED_MS }));
    },
  };
}

class Wire {
  readonly #options: HttpPeersOptions;
  readonly #dispatcher: Agent;

  constructor(options: HttpPeersOptions, dispatcher: Agent) {
    this.#options = options;
    this.#dispatcher = dispatcher;
  }

  originsOf(shard: ShardId): readonly string[] {
    const origins = this.#options.shards.get(shard)?.origins;
    if (origins === undefined) throw new Error(`the configuration has no origin for ${shard}`);
    return origins;
  }

  ask(origin: string, { method, path, query, body, timeoutMs }: Hop): Promise<Dispatcher.ResponseData> {
    const headers = this.#options.sign({ method, path, query }, {}, body);
    const timeouts = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
    const url = query === "" ? `${origin}${path}` : `${origin}${path}?${query}`;
    return request(url, {
      dispatcher: this.#dispatcher,
      method,
      headers,
      ...timeouts,
      ...(body === undefined ? {} : { body }),
    });
  }

  /** The first answer with status 200. */
  async askInTurn(shard: ShardId, hop: Hop): Promise<Dispatcher.ResponseData> {
    const reasons: string[] = [];
    for (const origin of this.originsOf(shard)) {
      try {
        const response = await this.ask(origin, hop);
        if (response.statusCode === 200) return response;
        reasons.push(`status ${response.statusCode}, ${quote(await textOf(response))}`);
      } catch (error) {
        reasons.push(...reasonsOf(error));
      }
    }
    throw new Error(`${shard} did not answer: ${reasons.join("; ")}`);
  }

  async *lines(
    shard: ShardId,
    path: string,
    asked: Pick<Hop, "query" | "timeoutMs">,
  ): AsyncGenerator<readonly string[], void, undefined> {
    const response = await this.askInTurn(shard, { method: "GET", path, ...asked });
    const chunks: AsyncIterable<Uint8Array> = response.body;
    yield* readLines(chunks);
  }
}

/** The reply now, the rows behind it when they are wanted. */
async function readAhead({ body }: Dispatcher.ResponseData): Promise<StatementAnswer> {
  const drop = (): void => void body.destroy();
  // One that is dropped unread fails, and nobody is there to hear of it.
  body.on("error", () => undefined);
  try {
    const { reply, parts } = await parseReplyLines(readLines(body));
    return { reply, rows: { parts, drop } };
  } catch (error) {
    drop();
    throw error;
  }
}

async function collectSlots(groups: AsyncIterable<readonly string[]>): Promise<readonly SlotReport[]> {
  const reports: SlotReport[] = [];
  let isComplete = false;
  for await (const lines of groups) {
    for (const line of lines) {
      const value: unknown = JSON.parse(line);
      isComplete = parseEnd(value, reports.length);
      if (isComplete) continue;
      const report = parseSlotReport(value);
      if (!report.ok) throw new Error(report.detail);
      reports.push(report.value);
    }
  }
  if (isComplete) return reports;
  throw new Error("the list of slots is broken off");
}

/** Whether it is the last line; throws when it is one that comes too early or too late. */
function parseEnd(value: unknown, slots: number): boolean {
  const fields = (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  if (fields["end"] !== true) return false;
  if (fields["slots"] === slots) return true;
  throw new Error(`expected the end after ${slots} slots, got ${quote(value)}`);
}

function slotsQuery({ collection, start, end, weigh }: SlotsQuestion): string {
  return queryOf({ collection, start, ...(end === null ? {} : { end }), ...(weigh ? { weigh: "1" } : {}) });
}

function postOf(path: string, content: object, timeoutMs: number): Hop {
  return { method: "POST", path, query: "", body: Buffer.from(JSON.stringify(content)), timeoutMs };
}

function queryOf(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
}

async function parseAnswer<Value>(
  response: Dispatcher.ResponseData,
  parse: (input: unknown) => Result<Value, string>,
): Promise<Value> {
  const text = await textOf(response);
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}, ${quote(text)}`);
  const value = parse(JSON.parse(text));
  if (value.ok) return value.value;
  throw new Error(value.detail);
}

async function textOf({ body }: Dispatcher.ResponseData): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const incoming: AsyncIterable<Uint8Array> = body;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`expected an answer of at most ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function reasonsOf(error: unknown): readonly string[] {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.map((reason) => (reason instanceof Error ? reason.message : String(reason)));
}
