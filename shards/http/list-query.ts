/**
 * The query of an internal list request: `from=|after=`, `to=`, `limit=`, sort keys percent-encoded.
 * It must not know how a list is read.
 */
import { LIST_LIMIT_MAX } from "../../router/contract.ts";
import { quote } from "../../router/ids.ts";
import { accepted, type Result, refused } from "../../router/result.ts";
import type { SortKey } from "../../router/slot.ts";

/** Exactly one of `from` (inclusive) and `after` (exclusive) is set; `to` is exclusive, null for the end. */
export interface ListQuery {
  readonly from: SortKey | null;
  readonly after: SortKey | null;
  readonly to: SortKey | null;
  readonly limit: number;
}

const PARAMETERS: ReadonlySet<string> = new Set(["from", "after", "to", "limit"]);
const LIMIT = /^[1-9]\d{0,3}$/;

/** A raw query string to its parameters, each known and there once, percent-decoded ("+" stays as it is). */
export function parseParameters(
  query: string,
  known: ReadonlySet<string>,
): Result<ReadonlyMap<string, string>, "INVALID_PARAMETER"> {
  const found = new Map<string, string>();
  for (const part of query === "" ? [] : query.split("&")) {
    const [name = "", value] = cutAt(part, "=");
    if (value === undefined || !known.has(name) || found.has(name)) {
      return refused("INVALID_PARAMETER", `expected each of ${[...known].join(", ")} at most once, got ${quote(part)}`);
    }
    const decoded = decode(value);
    if (decoded === null) return refused("INVALID_PARAMETER", `${name}: the percent-encoding is not valid UTF-8`);
    found.set(name, decoded);
  }
  return accepted(found);
}

/** A raw query string to what it asks for. */
export function parseListQuery(query: string): Result<ListQuery, "INVALID_PARAMETER"> {
  const parameters = parseParameters(query, PARAMETERS);
  if (!parameters.ok) return parameters;
  const from = parameters.value.get("from") ?? null;
  const after = parameters.value.get("after") ?? null;
  if ((from === null) === (after === null)) return refused("INVALID_PARAMETER", "expected either from or after");
  const limit = parameters.value.get("limit") ?? "";
  if (!LIMIT.test(limit) || Number(limit) > LIST_LIMIT_MAX) {
    return refused("INVALID_PARAMETER", `limit: expected 1 to ${LIST_LIMIT_MAX}, got ${quote(limit)}`);
  }
  return accepted({ from, after, to: parameters.value.get("to") ?? null, limit: Number(limit) });
}

function cutAt(text: string, separator: string): readonly [string, string?] {
  const index = text.indexOf(separator);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
