/**
 * One page of a list over all shards: from run to run until the page is full. The lines of the shards become the page
 * as they are; no document is parsed, so no number changes.
 * It must not leave out what a shard that is down holds: then there is no page.
 */
import { HEADER } from "../../router/contract.ts";
import { isEmpty, type KeyRange } from "../../router/range.ts";
import type { SortKey } from "../../router/slot.ts";
import { compareCodePoints } from "../../router/text.ts";
import { EdgeProblem } from "../edge-problem.ts";
import { encodeQueryValue } from "../encoding.ts";
import type { Aim, Errand, Forwarder } from "../shard/forwarder.ts";
import type { ShardTarget } from "../shard/shard-client.ts";
import { shardProblem } from "../shard/shard-problem.ts";
import { isOutOfTime } from "../shard/timed-call.ts";
import { runAt } from "./list-runs.ts";

/** A page that has reached this many bytes ends, whatever its limit. A shard's own pages are bounded too. */
const PAGE_BYTES_MAX = 1024 * 1024;

/** A page that has taken this many answers of shards ends, however short it is: each is a subrequest of the Worker. */
const PARTS_MAX = 16;

/** Most bytes taken of one answer of a shard. */
const PART_BYTES_MAX = 16 * 1024 * 1024;

const LINE_FEED = 0x0a;
const COMMA = 0x2c;

/** What to list and how to get there. */
export interface PageRequest {
  readonly range: KeyRange;
  readonly limit: number;
  readonly path: string;
  /** Whether a further answer of a shard may still be asked for. The first one always is. */
  readonly hasTime: () => boolean;
  readonly errand: Omit<Errand, "aim">;
}

/** `items`: the finished items, each with a comma behind it but the last. `next` null: nothing comes after. */
export interface Page {
  readonly items: readonly Uint8Array[];
  readonly next: SortKey | null;
}

/** A shard's refusal, to be passed on as it is. */
export class PartRefused extends Error {
  readonly response: Response;

  constructor(response: Response) {
    super(`a shard answered a list with ${response.status}`);
    this.name = "PartRefused";
    this.response = response;
  }
}

/** Rejects with an `EdgeProblem`, or with `PartRefused`. */
export async function collectPage(forwarder: Forwarder, request: PageRequest): Promise<Page> {
  const items: Uint8Array[] = [];
  let position: SortKey | null = isEmpty(request.range) ? null : request.range.start;
  let left = request.limit;
  let bytes = 0;
  for (let parts = 0; position !== null && left > 0 && bytes < PAGE_BYTES_MAX && parts < PARTS_MAX; parts += 1) {
    if (parts > 0 && !request.hasTime()) break;
    const part: Part = await fetchPart(forwarder, request, { position, limit: left });
    if (part.lines.length > 0) items.push(part.lines);
    left -= part.count;
    bytes += part.lines.length;
    position = part.next;
  }
  const last = items.at(-1);
  if (last !== undefined) items[items.length - 1] = last.subarray(0, -1);
  return { items, next: position };
}

interface Part {
  readonly lines: Uint8Array;
  readonly count: number;
  readonly next: SortKey | null;
}

interface PartRequest {
  readonly position: SortKey;
  readonly limit: number;
}

async function fetchPart(forwarder: Forwarder, request: PageRequest, part: PartRequest): Promise<Part> {
  const aim = aimOf(request, part);
  const { response, target } = await forwarder.forward({ ...request.errand, aim });
  if (response.status !== 200) throw new PartRefused(response);
  const { lines, count } = await readLines(response);
  const next = nextPosition(response.headers.get(HEADER.listCovered), toOf(target), request.range);
  // A shard that covers nothing would keep this going for ever; one that gives more than asked has another contract.
  if ((next !== null && compareCodePoints(next, part.position) <= 0) || count > part.limit) {
    throw new EdgeProblem("SHARD_UNAVAILABLE", "a shard gave a list that makes no sense");
  }
  return { lines, count, next };
}

/** Asks for as much of the range as the shard has in one run. */
function aimOf({ range, path }: PageRequest, { position, limit }: PartRequest): Aim {
  return (hints) => {
    const run = runAt(hints, position);
    if (run === null || hints.map === null) return null;
    const end = lowerEnd(run.end, range.end);
    const to = end === null ? "" : `&to=${encodeQueryValue(end)}`;
    const route = { shard: run.shard, epoch: run.epoch, mapVersion: hints.map.version };
    return { route, path, query: `from=${encodeQueryValue(position)}${to}&limit=${limit}` };
  };
}

/** The end that was asked for, as the answering shard was asked. */
function toOf(target: ShardTarget): SortKey | null {
  const to = /&to=([^&]*)/.exec(target.query)?.[1];
  return to === undefined ? null : decodeURIComponent(to);
}

/** Where the page ended early, or where its run ended: the next begins there, unless that is the end of the list. */
function nextPosition(covered: string | null, to: SortKey | null, range: KeyRange): SortKey | null {
  const early = covered === null ? null : decodeURIComponent(covered);
  if (early !== null && (to === null || compareCodePoints(early, to) < 0)) return early;
  return to === range.end ? null : to;
}

function lowerEnd(left: string | null, right: string | null): string | null {
  if (left === null || right === null) return left ?? right;
  return compareCodePoints(left, right) < 0 ? left : right;
}

/** The lines with commas for their ends: a line holds no line feed of its own. */
async function readLines(response: Response): Promise<{ readonly lines: Uint8Array; readonly count: number }> {
  const body = new Uint8Array(await response.arrayBuffer().catch(refuseBroken));
  if (body.length > PART_BYTES_MAX) throw new EdgeProblem("SHARD_UNAVAILABLE", "a shard gave too long a list");
  const isEnded = body.length === 0 || body.at(-1) === LINE_FEED;
  const lines = isEnded ? body : new Uint8Array([...body, LINE_FEED]);
  let count = 0;
  for (let at = lines.indexOf(LINE_FEED); at >= 0; at = lines.indexOf(LINE_FEED, at + 1)) {
    lines[at] = COMMA;
    count += 1;
  }
  return { lines, count };
}

/** The head of the list came, and then not all of it. */
function refuseBroken(cause: unknown): never {
  throw shardProblem(isOutOfTime(cause) ? "DEADLINE_EXCEEDED" : "SHARD_UNAVAILABLE", cause);
}
