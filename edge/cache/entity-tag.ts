/**
 * If-None-Match against an ETag (RFC 9110 section 13.1.2): the weak comparison that reads use.
 * It must not judge writes; the shard does that inside its transaction.
 */
import { EdgeProblem } from "../edge-problem.ts";

const TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;
const OPAQUE_TAG = /"[^"]*"/g;

/** Stands for a tag; no header can hold it. */
const TAG_SIGN = "\n";

/** Throws a 400 unless `ifNoneMatch` (a header's value, null without one) is `*` or a list of entity tags. */
export function requireTagList(ifNoneMatch: string | null): void {
  if (ifNoneMatch === null || ifNoneMatch.trim() === "*") return;
  const elements = ifNoneMatch.replaceAll(TAG, TAG_SIGN).split(",");
  const tags = elements.map((element) => element.replaceAll(/[ \t]/g, "")).filter((element) => element !== "");
  if (tags.length > 0 && tags.every((tag) => tag === TAG_SIGN)) return;
  throw new EdgeProblem("INVALID_PARAMETER", 'If-None-Match: expected * or a list such as "a", W/"b"');
}

/** Whether a checked `ifNoneMatch` names `etag`. */
export function namesEntityTag(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch.trim() === "*") return true;
  const opaque = etag.replace(/^W\//, "");
  return [...ifNoneMatch.matchAll(OPAQUE_TAG)].some(([tag]) => tag === opaque);
}
