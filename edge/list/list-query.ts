/**
 * The query of a list request to what it asks for: every parameter known, given once, and in its one spelling.
 * It must not read cursors; list-cursor.ts does.
 */
import type { CollectionConfig } from "../../config/config.ts";
import { parseKeyBound } from "../../router/canonical-key.ts";
import { LIST_LIMIT_MAX } from "../../router/contract.ts";
import { quote } from "../../router/ids.ts";
import { endOfPrefix, type KeyRange, WHOLE_RANGE } from "../../router/range.ts";
import { accepted, type Result, refused } from "../../router/result.ts";
import { compareCodePoints } from "../../router/text.ts";

/** Documents in a page when the client does not say. */
const LIST_LIMIT_DEFAULT = 50;

const PARAMETERS = ["start", "end", "prefix", "limit", "cursor"] as const;
type Parameter = (typeof PARAMETERS)[number];
type Parameters = ReadonlyMap<Parameter, string>;

/** What a list covers, in the words of the client but in canonical keys. Cursors are bound to it. */
export interface ListFilter {
  readonly start: string | null;
  readonly end: string | null;
  readonly prefix: string | null;
}

/** One list request. `range` is of sort keys and may be empty. */
export interface ListQuery {
  readonly filter: ListFilter;
  readonly range: KeyRange;
  readonly limit: number;
  readonly cursor: string | null;
}

type Refusal = "INVALID_PARAMETER";

/** A raw query string to a list request for `collection`. */
export function parseListQuery(query: string, collection: CollectionConfig): Result<ListQuery, Refusal> {
  const parameters = parseParameters(query);
  if (!parameters.ok) return parameters;
  const filter = parseFilter(parameters.value, collection);
  if (!filter.ok) return filter;
  const limit = parseLimit(parameters.value.get("limit"));
  if (!limit.ok) return limit;
  const cursor = parameters.value.get("cursor") ?? null;
  return accepted({ filter: filter.value, range: rangeOfFilter(filter.value), limit: limit.value, cursor });
}

function parseParameters(query: string): Result<Parameters, Refusal> {
  const found = new Map<Parameter, string>();
  for (const part of query.split("&")) {
    if (part === "") continue;
    const cut = part.indexOf("=");
    const name = decodeForm(cut < 0 ? part : part.slice(0, cut));
    const known = PARAMETERS.find((parameter) => parameter === name);
    if (known === undefined) {
      return refused(
        "INVALID_PARAMETER",
        `expected the parameters ${PARAMETERS.join(", ")}, got ${quote(name ?? part)}`,
      );
    }
    if (found.has(known)) return refused("INVALID_PARAMETER", `expected ${known} once, got it twice`);
    const value = cut < 0 ? "" : decodeForm(part.slice(cut + 1));
    if (value === null) return refused("INVALID_PARAMETER", `${known}: expected percent-encoded UTF-8`);
    found.set(known, value);
  }
  return accepted(found);
}

/** As forms are written: a plus is a space. Null for what is not UTF-8, where URLSearchParams would guess. */
function decodeForm(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}

function parseFilter(parameters: Parameters, collection: CollectionConfig): Result<ListFilter, Refusal> {
  const filter: { -readonly [Name in keyof ListFilter]: string | null } = { start: null, end: null, prefix: null };
  for (const name of ["start", "end", "prefix"] as const) {
    const text = parameters.get(name);
    if (text === undefined) continue;
    if (collection.placement.kind === "hash") {
      return refused(
        "INVALID_PARAMETER",
        `${name}: ${collection.name} is spread by hash, its keys have no order to cut`,
      );
    }
    const key = parseKeyBound(text);
    if (!key.ok) return refused("INVALID_PARAMETER", `${name}: ${key.detail}; leave it out for no bound`);
    filter[name] = key.value;
  }
  return accepted(filter);
}

function parseLimit(text: string | undefined): Result<number, Refusal> {
  if (text === undefined) return accepted(LIST_LIMIT_DEFAULT);
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIST_LIMIT_MAX) return accepted(limit);
  return refused("INVALID_PARAMETER", `limit: expected a whole number from 1 to ${LIST_LIMIT_MAX}, got ${quote(text)}`);
}

/** The part of all sort keys that passes the filter; empty when its bounds exclude each other. */
function rangeOfFilter({ start, end, prefix }: ListFilter): KeyRange {
  const within = prefix === null ? WHOLE_RANGE : { start: prefix, end: endOfPrefix(prefix) };
  return {
    start: start !== null && compareCodePoints(start, within.start) > 0 ? start : within.start,
    end: lowerEnd(end, within.end),
  };
}

function lowerEnd(left: string | null, right: string | null): string | null {
  if (left === null || right === null) return left ?? right;
  return compareCodePoints(left, right) < 0 ? left : right;
}
