/**
 * A page of a list as the gateway answers it, with each document's numbers spelled as they are stored. It must not
 * be used for a page that this program could not hold in memory.
 */
import { parseExactJson } from "./exact-json.ts";

/** One document of a page: its key, its text, and the whole item's text. */
export interface ListItem {
  readonly key: string;
  readonly valueJson: string;
  readonly json: string;
}

/** A page. `next` null: there is no further one. */
export interface ListPage {
  readonly items: readonly ListItem[];
  readonly next: string | null;
}

/** Untrusted text to a page; null when it is none. */
export function parseListPage(text: string): ListPage | null {
  const page = parseExactJson(text);
  const items = page?.["items"];
  const next = page?.["next"] ?? null;
  if (!Array.isArray(items) || (next !== null && typeof next !== "string")) return null;
  const parsed = items.map(parseItem);
  return parsed.includes(null) ? null : { items: parsed.filter((item) => item !== null), next };
}

function parseItem(item: unknown): ListItem | null {
  if (typeof item !== "object" || item === null || !("key" in item) || typeof item.key !== "string") return null;
  const value = "value" in item ? item.value : null;
  return { key: item.key, valueJson: JSON.stringify(value), json: JSON.stringify(item) };
}
