/**
 * If-None-Match against an ETag (RFC 9110 section 13.1.2): the weak comparison that reads use.
 * It must not judge writes; the shard does that inside its transaction.
 */
import { EdgeProblem } from "../edge-problem.ts";

const TAG = String.raw`(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"`;
const TAG_LIST = new RegExp(String.raw`^[ \t,]*${TAG}(?:[ \t]*,[ \t]*(?:${TAG})?)*[ \t]*$`);
const OPAQUE_TAG = /"[^"]*"/g;

/** Throws a 400 unless `ifNoneMatch` (a header's value, null without one) is `*` or a list of entity tags. */
export function requireTagList(ifNoneMatch: string | null): void {
  if (ifNoneMatch === null || ifNoneMatch.trim() === "*" || TAG_LIST.test(ifNoneMatch)) return;
  throw new EdgeProblem("INVALID_PARAMETER", 'If-None-Match: expected * or a list such as "a", W/"b"');
}

/** Whether a checked `ifNoneMatch` names `etag`. */
export function namesEntityTag(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch.trim() === "*") return true;
  const opaque = etag.replace(/^W\//, "");
  return [...ifNoneMatch.matchAll(OPAQUE_TAG)].some(([tag]) => tag === opaque);
}
