/**
 * Cursors: where the next page of one list begins, sealed so that a cursor of another list, or a changed one, is refused.
 * It must not be taken for a secret: the position in it can be read.
 */
import type { CollectionName } from "../../router/ids.ts";
import type { SortKey } from "../../router/slot.ts";
import { base64Url } from "../encoding.ts";
import type { RequestSigner } from "../shard/request-signer.ts";
import type { ListFilter } from "./list-query.ts";

/** The list a cursor belongs to. */
export interface ListIdentity {
  readonly collection: CollectionName;
  readonly filter: ListFilter;
}

const VERSION = "1";
const CURSOR = /^1\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]{43})$/;

/** A cursor for the page that begins at `position` (inclusive). */
export async function sealCursor(signer: RequestSigner, list: ListIdentity, position: SortKey): Promise<string> {
  const place = base64Url(new TextEncoder().encode(position));
  return `${VERSION}.${place}.${await signer.seal(sealedText(list, place))}`;
}

/** Untrusted text to its position; null when it was not made for `list`. */
export async function parseCursor(signer: RequestSigner, list: ListIdentity, cursor: string): Promise<SortKey | null> {
  const [, place, seal] = CURSOR.exec(cursor) ?? [];
  if (place === undefined || seal === undefined) return null;
  if (!(await signer.isSeal(sealedText(list, place), seal))) return null;
  const binary = atob(place.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
}

/** Begins unlike any text that is signed for a shard. */
function sealedText({ collection, filter }: ListIdentity, place: string): string {
  return ["zgate-cursor", VERSION, collection, JSON.stringify([filter.start, filter.end, filter.prefix]), place].join(
    "\n",
  );
}
