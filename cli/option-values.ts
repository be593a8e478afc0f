/**
 * Values of options as people type them, to values of the program. Anything else is a usage error that says what
 * was expected. It must not know which command asks.
 */
import { InvalidArgumentError } from "commander";
import { parseDurationMs, parseSizeBytes } from "../config/duration.ts";
import { parseKey, parsePathSegment } from "../router/canonical-key.ts";
import {
  type CanonicalKey,
  type CollectionName,
  parseCollectionName,
  parseShardId,
  type ShardId,
} from "../router/ids.ts";
import { type CliFailure, refusedBecause } from "./failure.ts";

/** A parser of whole numbers from `least` to `most`. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

/** A TCP port. */
export const portNumber = wholeNumber(1, 65_535);

/** A folder's path. An unset variable in a script must not mean the current folder. */
export function folderPath(text: string): string {
  if (text.trim() !== "") return text;
  throw new InvalidArgumentError('Expected the path of a folder; the current one is ".".');
}

/** "30s", "10m", "12h", "7d" to milliseconds. */
export function durationMs(text: string): number {
  const value = parseDurationMs(text);
  if (value !== null && value >= 1000) return value;
  throw new InvalidArgumentError('Expected a duration such as "30s", "10m", "12h" or "7d".');
}

/** "0s" too: for what may be nothing at all. */
export function durationOrNothingMs(text: string): number {
  return parseDurationMs(text) === 0 ? 0 : durationMs(text);
}

/** A limit as it is typed. Not null for none: an option that is parsed to null gets the empty text instead. */
export type TypedLimit = number | "none";

/** The limit, null for none. */
export function limitOf(typed: TypedLimit): number | null {
  return typed === "none" ? null : typed;
}

/** "5000", "5000/s", or "none" for no limit. */
export function rowRate(text: string): TypedLimit {
  if (text === "none") return text;
  const digits = text.replace(/\/s$/, "");
  if (/^[1-9]\d{0,8}$/.test(digits)) return Number(digits);
  throw new InvalidArgumentError('Expected rows a second such as "5000", or "none" for no limit.');
}

/** "4MiB", "4MiB/s", or "none" for no limit. */
export function byteRate(text: string): TypedLimit {
  if (text === "none") return text;
  const bytes = parseSizeBytes(text.replace(/\/s$/, ""));
  if (bytes !== null && bytes > 0) return bytes;
  throw new InvalidArgumentError('Expected bytes a second such as "512KiB" or "4MiB", or "none" for no limit.');
}

/** "products:read,products:write" or with spaces, to a list. */
export function permissionList(text: string): readonly string[] {
  const names = text.split(/[\s,]+/).filter((name) => name !== "");
  if (names.length > 0 && names.every((name) => /^[a-z][a-z0-9-]*:[a-z]+$/.test(name))) return names;
  throw new InvalidArgumentError('Expected permissions such as "products:read,products:write".');
}

/** The URL of a gateway, without a path. */
export function gatewayUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "") return url.origin;
  throw new InvalidArgumentError("Expected a URL such as http://127.0.0.1:8787, without a path.");
}

/** A collection's name. */
export function collectionName(text: string): CollectionName {
  const parsed = parseCollectionName(text);
  if (parsed.ok) return parsed.value;
  throw new InvalidArgumentError(`${parsed.detail}.`);
}

/** A shard's id. */
export function shardId(text: string): ShardId {
  const parsed = parseShardId(text);
  if (parsed.ok) return parsed.value;
  throw new InvalidArgumentError(`${parsed.detail}.`);
}

/** A key as a person writes it. Throws `CliFailure` with the reason when it has no canonical form. */
export function canonicalKey(text: string): CanonicalKey {
  const parsed = parseKey(text);
  if (parsed.ok) return parsed.value;
  throw noKey(text, parsed);
}

/** A key as it stands in a URL, percent-encoded. Throws `CliFailure` with the reason when it has no canonical form. */
export function canonicalSegment(text: string): CanonicalKey {
  const parsed = parsePathSegment(text);
  if (parsed.ok) return parsed.value;
  throw noKey(text, parsed);
}

function noKey(text: string, { reason, detail }: { readonly reason: string; readonly detail: string }): CliFailure {
  return refusedBecause({ reason, detail: `${JSON.stringify(text)} is not a key: ${detail}` });
}
