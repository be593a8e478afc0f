/**
 * The Idempotency-Key header: an RFC 8941 string or the bare characters.
 * It must not know what the key is remembered under.
 */
import { quote } from "../../router/ids.ts";
import { accepted, type Result, refused } from "../../router/result.ts";

/** Longest key, in characters. */
const IDEMPOTENCY_KEY_LENGTH_MAX = 255;

const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/;
const VISIBLE = /^[\x21-\x7e]{1,255}$/;

/** The key itself, so that `"a"` and `a` are the same; null when the header is absent. */
export function parseIdempotencyKey(header: string | null): Result<string | null, "INVALID_PARAMETER"> {
  if (header === null) return accepted(null);
  const key = header.startsWith('"') ? QUOTED.exec(header)?.[1]?.replace(/\\(["\\])/g, "$1") : header;
  if (key !== undefined && VISIBLE.test(key)) return accepted(key);
  return refused(
    "INVALID_PARAMETER",
    `Idempotency-Key: expected 1 to ${IDEMPOTENCY_KEY_LENGTH_MAX} visible ASCII characters, quoted or not, got ${quote(header)}`,
  );
}
