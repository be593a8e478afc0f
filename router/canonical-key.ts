/**
 * The one spelling of a key, shared by edge, shard and CLI: percent-decode once, NFC, lower case.
 * It must not accept anything that two parties could read in two ways.
 */
import type { CanonicalKey } from "./ids.ts";
import { accepted, type Result, refused } from "./result.ts";
import { utf8Length } from "./text.ts";

/** Longest canonical key, in UTF-8 bytes. */
export const KEY_BYTES_MAX = 256;

/**
 * Longest raw path segment that can still become a key of 256 bytes: NFC and lower case shrink UTF-8 at most
 * 3.5 times (U+1FBE U+0308 U+0301 to U+0390), and percent-encoding triples it.
 */
const RAW_LENGTH_MAX = KEY_BYTES_MAX * 11;

/** Why an input is not a key. */
export type KeyRefusal =
  | "EMPTY"
  | "TOO_LONG"
  | "MALFORMED_ESCAPE"
  | "INVALID_UTF8"
  | "DOUBLE_ENCODED"
  | "SLASH"
  | "DOT_SEGMENT"
  | "CONTROL_CHARACTER"
  | "UNASSIGNED_CHARACTER";

const REFUSALS: Readonly<Record<KeyRefusal, string>> = {
  EMPTY: "the key is empty; expected 1 to 256 bytes",
  TOO_LONG: `the key is longer than ${KEY_BYTES_MAX} bytes of UTF-8`,
  MALFORMED_ESCAPE: "a % is not followed by two hexadecimal digits; write a literal % as %25",
  INVALID_UTF8: "the percent-encoded bytes are not valid UTF-8",
  DOUBLE_ENCODED: "the key still holds percent-escapes after decoding once; encode it only once",
  SLASH: "the key holds a slash or a backslash, also when encoded; choose another separator",
  DOT_SEGMENT: "the key is . or .., which URL parsers remove",
  CONTROL_CHARACTER: "the key holds a control character, NUL, or a line or paragraph separator",
  UNASSIGNED_CHARACTER: "the key holds a lone surrogate or a code point that Unicode has not assigned",
};

/** Keys whose canonical form is their lower case: the common case, decided by one test. */
const PLAIN_KEY = /^[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]{0,255}$/;

/** The spellings that are the beginning of a key, or stand between keys, and yet are none. */
const DOT_SEGMENTS: ReadonlySet<string> = new Set([".", ".."]);

const MALFORMED_ESCAPE = /%(?![0-9a-fA-F]{2})/;
const REMAINING_ESCAPE = /%[0-9a-fA-F]{2}/;
const SLASHES = /[/\\]/;
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;
/** What holds none of the symbols that the three above look for need not be looked through three times. */
const SUSPECT = /[%/\\\p{Cc}\p{Zl}\p{Zp}]/u;
/** ASCII is looked past first, which more than halves the time this takes. */
const UNASSIGNED = /(?!\p{ASCII})[\p{Cn}\p{Cs}]/u;

const SIGMA = "\u03c3";
const FINAL_SIGMA = "\u03c2";

function refuse(reason: KeyRefusal): { readonly ok: false; readonly reason: KeyRefusal; readonly detail: string } {
  return refused(reason, REFUSALS[reason]);
}

/**
 * A raw URL path segment (percent-encoded, without slashes) to its canonical key.
 * Sources: RFC 3986 section 2.1, Unicode Standard Annex 15 (NFC).
 */
export function parsePathSegment(raw: string): Result<CanonicalKey, KeyRefusal> {
  if (PLAIN_KEY.test(raw)) return accepted(raw.toLowerCase() as CanonicalKey);
  if (raw.length > RAW_LENGTH_MAX) return refuse("TOO_LONG");
  if (MALFORMED_ESCAPE.test(raw)) return refuse("MALFORMED_ESCAPE");
  const decoded = percentDecode(raw);
  return decoded === null ? refuse("INVALID_UTF8") : parseKey(decoded);
}

/** Text as a person writes it (not percent-encoded) to its canonical key. */
export function parseKey(text: string): Result<CanonicalKey, KeyRefusal> {
  if (PLAIN_KEY.test(text)) return accepted(text.toLowerCase() as CanonicalKey);
  if (text.length > RAW_LENGTH_MAX) return refuse("TOO_LONG");
  // Unassigned code points first: engines of different Unicode versions may normalise them differently.
  if (UNASSIGNED.test(text)) return refuse("UNASSIGNED_CHARACTER");
  const key = normalise(text);
  const reason = refusalOf(key);
  return reason === null ? accepted(key as CanonicalKey) : refuse(reason);
}

/** Text as `parseKey` takes it to a bound of a list in the order of keys: `.` and `..` too, which are prefixes of keys. */
export function parseKeyBound(text: string): Result<string, KeyRefusal> {
  return DOT_SEGMENTS.has(text) ? accepted(text) : parseKey(text);
}

/** A canonical key as a URL path segment; `parsePathSegment` gives the key back. */
export function encodeKey(key: CanonicalKey): string {
  return encodeURIComponent(key);
}

function percentDecode(raw: string): string | null {
  try {
    return decodeURIComponent(raw);
  } catch {
    return null;
  }
}

/**
 * Lower case may not depend on a symbol's neighbours: a key would get two spellings, and a key's prefix another
 * form than the key. Only the Greek final sigma does (Unicode, SpecialCasing), so both sigmas become the ordinary one.
 */
function normalise(text: string): string {
  const lower = text.normalize("NFC").toLowerCase();
  const settled = lower.includes(FINAL_SIGMA) ? lower.replaceAll(FINAL_SIGMA, SIGMA) : lower;
  return settled.normalize("NFC");
}

function refusalOf(key: string): KeyRefusal | null {
  if (key === "") return "EMPTY";
  if (DOT_SEGMENTS.has(key)) return "DOT_SEGMENT";
  const reason = SUSPECT.test(key) ? refusalOfSymbols(key) : null;
  return reason ?? (utf8Length(key) > KEY_BYTES_MAX ? "TOO_LONG" : null);
}

function refusalOfSymbols(key: string): KeyRefusal | null {
  if (REMAINING_ESCAPE.test(key)) return "DOUBLE_ENCODED";
  if (SLASHES.test(key)) return "SLASH";
  return CONTROL.test(key) ? "CONTROL_CHARACTER" : null;
}
