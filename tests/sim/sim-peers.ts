// The peers port over the simulated network: the same requests, limits and parsers as over HTTP, without sockets.
// Must not believe an answer before it is parsed.
import { INTERNAL_PATH } from "../../router/contract.ts";
import type { ShardId } from "../../router/ids.ts";
import { parseEventReply, parseOwnership, parseSlotReport, type SlotReport } from "../../router/ownership-wire.ts";
import type { Result } from "../../router/result.ts";
import { LINES_TYPE } from "../../shards/http/line-stream.ts";
import { parseReplyLines, type StatementAnswer } from "../../shards/mover/reply-lines.ts";
import { parseParts } from "../../shards/mover/slot-lines.ts";
import type { SlotPart } from "../../shards/mover/slot-stream.ts";
import type { Peers, SlotsQuestion } from "../../shards/peers/port.ts";
import type { Life } from "./life.ts";
import type { Network, WireAnswer, WireCall } from "./network.ts";
import { bodyHeaders, type SimRequest } from "./sim-exchange.ts";
import type { Stage } from "./stage.ts";

/** As in http-peers.ts, in milliseconds. */
const QUESTION_MS = 1000;
const STATEMENT_MS = 5000;
const LINES_MS = 15_000;

/** Who asks. */
export interface SimPeersOptions {
  readonly stage: Pick<Stage, "coverage">;
  readonly life: Life;
  readonly from: string;
  readonly network: Network;
}

/** Peers for a process. */
export function createSimPeers(options: SimPeersOptions): Peers {
  const ask = (shard: ShardId, request: SimRequest, limitMs: number): Promise<WireAnswer> =>
    inTime(options.life, limitMs, options.network.ask(callOf(options, shard, request)));
  return {
    async ownership(shard, { collection, slot }) {
      const request = question(INTERNAL_PATH.ownership, { collection, slot });
      return parse(await ask(shard, request, QUESTION_MS), parseOwnership);
    },
    async send(shard, { address: { collection, slot }, event, seen }) {
      const request = posted(INTERNAL_PATH.ownershipEvents, { collection, slot, event, seen });
      return parse(await ask(shard, request, STATEMENT_MS), parseEventReply);
    },
    async sendForRows(shard, { address: { collection, slot }, event, seen }, recentMs) {
      const rows = { recentMs: recentMs === null ? null : Math.ceil(recentMs) };
      const request = posted(INTERNAL_PATH.ownershipEvents, { collection, slot, event, seen, rows });
      const answer = await ask(shard, request, STATEMENT_MS);
      const isLines = answer.status === 200 && answer.headers["content-type"] === LINES_TYPE;
      if (!isLines) return { reply: parse(answer, parseEventReply), rows: null };
      return readAhead(options, textLines(options, callOf(options, shard, request), answer));
    },
    async announce(shard, { collection, slot }, destination) {
      const news = posted(INTERNAL_PATH.slotNews, { collection, slot, destination });
      await ask(shard, news, QUESTION_MS).catch(() => undefined);
    },
    slots: (shard, asked) => collectSlots(lines(options, shard, question(INTERNAL_PATH.slots, slotsQuery(asked)))),
    rows(shard, { collection, slot }, { seen, recentMs }) {
      const known = seen === null ? {} : { seen: JSON.stringify(seen) };
      const recent = recentMs === null ? {} : { recent: String(Math.ceil(recentMs)) };
      const asked = { collection, slot, courteous: "1", ...known, ...recent };
      const parts = parseParts(lines(options, shard, question(INTERNAL_PATH.slotRows, asked)));
      return counted(options, "part of a slot", parts);
    },
    rowsAfter: () => {
      throw new Error("broken assumption: nobody lists in a simulation");
    },
  };
}

async function* counted(
  { stage }: SimPeersOptions,
  what: string,
  parts: AsyncIterable<SlotPart>,
): AsyncGenerator<SlotPart, void> {
  for await (const part of parts) {
    stage.coverage.add(`${what}: ${part.kind}`);
    yield part;
  }
}

/** As in http-peers.ts. Rows that were dropped come to nobody. */
async function readAhead(
  options: SimPeersOptions,
  groups: AsyncGenerator<readonly string[], void, undefined>,
): Promise<StatementAnswer> {
  let isDropped = false;
  const { reply, parts } = await parseReplyLines(groups);
  const whole = async function* (): AsyncGenerator<SlotPart, void> {
    for await (const part of counted(options, "part behind a fence", parts)) {
      if (isDropped) throw new Error("the rows were dropped");
      yield part;
    }
  };
  return { reply, rows: { parts: whole(), drop: () => void (isDropped = true) } };
}

function callOf({ life, from }: SimPeersOptions, to: ShardId, request: SimRequest): WireCall {
  return { life, from, to, request, mayDouble: true };
}

function question(path: string, parameters: Readonly<Record<string, string>>): SimRequest {
  const query = Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
  return { method: "GET", path, query, headers: bodyHeaders(null), body: null };
}

function posted(path: string, content: object): SimRequest {
  const body = Buffer.from(JSON.stringify(content));
  return { ...question(path, {}), method: "POST", body, headers: bodyHeaders(body) };
}

function slotsQuery({ collection, start, end, weigh }: SlotsQuestion): Readonly<Record<string, string>> {
  return { collection, start, ...(end === null ? {} : { end }), ...(weigh ? { weigh: "1" } : {}) };
}

async function* lines(
  options: SimPeersOptions,
  shard: ShardId,
  request: SimRequest,
): AsyncGenerator<readonly string[], void, undefined> {
  const { life, network } = options;
  const call = callOf(options, shard, request);
  const answer = await inTime(life, LINES_MS, network.ask(call));
  if (answer.status !== 200) throw new Error(`status ${answer.status}, ${answer.text}`);
  yield* textLines(options, call, answer);
}

async function* textLines(
  { life, network }: SimPeersOptions,
  call: WireCall,
  answer: WireAnswer,
): AsyncGenerator<readonly string[], void, undefined> {
  for (;;) {
    const text = await inTime(life, LINES_MS, network.pull(call, answer));
    if (text === null) return;
    yield text.split("\n").slice(0, -1);
  }
}

async function collectSlots(groups: AsyncIterable<readonly string[]>): Promise<readonly SlotReport[]> {
  const values: unknown[] = [];
  for await (const group of groups) for (const line of group) values.push(JSON.parse(line));
  const last = values.pop() as { readonly end?: boolean; readonly slots?: number } | undefined;
  if (last?.end !== true || last.slots !== values.length) throw new Error("the list of slots is broken off");
  return values.map((value) => valueOf(parseSlotReport(value)));
}

function parse<Value>({ status, text }: WireAnswer, parser: (input: unknown) => Result<Value, string>): Value {
  if (status !== 200) throw new Error(`status ${status}, ${text}`);
  return valueOf(parser(JSON.parse(text)));
}

function valueOf<Value>(parsed: Result<Value, string>): Value {
  if (parsed.ok) return parsed.value;
  throw new Error(parsed.detail);
}

function inTime<Value>(life: Life, limitMs: number, work: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    life.after(limitMs, () => reject(new Error("simulated: no answer in time")));
    work.then(resolve, reject);
  });
}
