/**
 * Entity tags of If-Match and If-None-Match (RFC 9110, sections 8.8.3 and 13.1).
 * It must not know what the tags are compared with.
 */
import { quote } from "../../router/ids.ts";
import { accepted, type Result, refused } from "../../router/result.ts";

/** "*", the tags without their quotes, or null when the header is absent. */
export type EntityTags = "*" | readonly string[] | null;

/** One list element: a tag or nothing, up to the next comma or the end. No two parts can take the same spaces: linear. */
const ELEMENT = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*)?(,|$)/y;

/**
 * If-Match: compared strongly, so a weak tag (`W/"a"`) matches nothing and is left out. The list may become
 * empty: then nothing matches.
 */
export function parseIfMatch(header: string | null): Result<EntityTags, "INVALID_PARAMETER"> {
  return parseTags("If-Match", header);
}

/** If-None-Match: compared weakly, so a weak tag counts as its strong one. */
export function parseIfNoneMatch(header: string | null): Result<EntityTags, "INVALID_PARAMETER"> {
  return parseTags("If-None-Match", header);
}

/** An op id as the client sees it. */
export function formatEntityTag(op: string): string {
  return `"${op}"`;
}

function parseTags(name: "If-Match" | "If-None-Match", header: string | null): Result<EntityTags, "INVALID_PARAMETER"> {
  if (header === null) return accepted(null);
  if (header.trim() === "*") return accepted("*");
  const tags: string[] = [];
  let count = 0;
  ELEMENT.lastIndex = 0;
  for (let more = true; more; ) {
    const element = ELEMENT.exec(header);
    if (element === null) return malformed(name, header);
    const [, weak, tag, comma] = element;
    if (tag !== undefined) count += 1;
    if (tag !== undefined && (weak === undefined || name === "If-None-Match")) tags.push(tag);
    more = comma === ",";
  }
  return count > 0 ? accepted(tags) : malformed(name, header);
}

function malformed(name: string, header: string): Result<EntityTags, "INVALID_PARAMETER"> {
  return refused("INVALID_PARAMETER", `${name}: expected * or a list such as "a", W/"b", got ${quote(header)}`);
}
