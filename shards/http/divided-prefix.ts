/**
 * A list's page of one prefix whose stripes lie on several shards, as they do while a move takes one after the other. The shard that was
 * asked reads its own stripes, asks their owners for the rest, and merges them by key.
 * It must not look beyond that prefix, nor take rows of a slot that its shard may not show.
 */
import type { ShardId } from "../../router/ids.ts";
import { isReadable } from "../../router/ownership.ts";
import { type Placement, prefixesOf, type SortKey, slotsOfPrefix } from "../../router/slot.ts";
import { compareCodePoints } from "../../router/text.ts";
import { describeError, type Logger } from "../log.ts";
import { NO_COURTESY } from "../mover/courtesy.ts";
import { type SlotPart, streamSlot } from "../mover/slot-stream.ts";
import type { Peers } from "../peers/port.ts";
import { type FoundRow, PageDraft } from "../store/list-page.ts";
import { boundBelow, END_OF_KEYS, type ListWindow, windowOf } from "../store/list-window.ts";
import type { ListOutcome, ListRequest, SlotAddress, Store } from "../store/port.ts";
import type { SlotRow } from "../store/transfer.ts";

/** What it stands on. */
export interface DividedPrefixOptions {
  readonly store: Pick<Store, "list" | "ownerships" | "slotPage">;
  readonly peers: Pick<Peers, "rowsAfter">;
  readonly log: Logger;
}

/**
 * The page that `request` asks for, also where it begins in a divided prefix: then it ends with that prefix at the latest.
 * `not-owned` with a stripe that this shard may not show, nor anybody it knows: it is on its way, or all of the prefix is elsewhere.
 * Rejects with `StoreError`.
 */
export async function listStripes(
  options: DividedPrefixOptions,
  placement: Placement,
  request: ListRequest,
): Promise<ListOutcome> {
  const outcome = await options.store.list(request);
  const window = windowOf(placement, request);
  if (outcome.kind === "page" || placement.stripes === 1 || window === null) return outcome;
  const { collection } = request;
  const prefix = prefixesOf(placement)[window.firstPrefix] ?? "";
  const slots = slotsOfPrefix(placement, prefix);
  const own = await options.store.ownerships(collection, slots);
  if (!own.some(isReadable)) return outcome;
  // A stripe that was never here says nothing of the other side of the move; its neighbours do.
  const other = own.find(({ to }) => to !== null)?.to ?? null;
  const walk = new PrefixWalk(options, { placement, prefix, window, request });
  for (const [index, slot] of slots.entries()) {
    const ownership = own[index];
    if (ownership === undefined) throw new Error(`broken assumption: no columns for slot "${slot}"`);
    const isShown = await walk.take({ collection, slot }, isReadable(ownership) ? null : (ownership.to ?? other));
    if (!isShown) return { kind: "not-owned", slot, ownership };
  }
  return walk.finish();
}

interface WalkOptions {
  readonly placement: Placement;
  readonly prefix: string;
  readonly window: ListWindow;
  readonly request: ListRequest;
}

/** The stripes one after the other: no more than the page is held, and a full page bounds what is read of the next stripe. */
class PrefixWalk {
  readonly #options: DividedPrefixOptions;
  readonly #walk: WalkOptions;
  readonly #page: PageDraft;
  readonly #after: string | null;

  constructor(options: DividedPrefixOptions, walk: WalkOptions) {
    this.#options = options;
    this.#walk = walk;
    this.#page = new PageDraft(walk.request);
    this.#after = boundBelow(keyPart(walk));
  }

  /** Reads one stripe at `shard`, null for this one; false when it cannot be shown now. */
  async take(address: SlotAddress, shard: ShardId | null): Promise<boolean> {
    if (shard === null) return this.#read(this.#ownParts(address));
    const { peers, log } = this.#options;
    try {
      return await this.#read(peers.rowsAfter(shard, address, this.#after));
    } catch (error) {
      log("warn", "stripe-silent", { slot: address.slot, shard, ...describeError(error) });
      return false;
    }
  }

  finish(): ListOutcome {
    const { placement, window, request } = this.#walk;
    const end = prefixesOf(placement)[window.firstPrefix + 1];
    const isLast = end === undefined || (request.to !== null && compareCodePoints(request.to, end) <= 0);
    return this.#page.finish(isLast ? null : end);
  }

  #ownParts(address: SlotAddress): AsyncIterable<SlotPart> {
    const after = this.#after;
    const from = after === null ? null : ({ of: "key", name: after } as const);
    return streamSlot(this.#options.store, { address, from, seen: null, courtesy: NO_COURTESY });
  }

  async #read(parts: AsyncIterable<SlotPart>): Promise<boolean> {
    for await (const part of parts) {
      if (part.kind === "end") return true;
      if (part.kind === "changed" || (part.kind === "begin" && !isReadable(part.ownership))) return false;
      if (part.kind === "rows" && !this.#add(part.rows)) return true;
    }
    return false;
  }

  /** False when what follows in this stripe is not wanted. */
  #add(rows: readonly SlotRow[]): boolean {
    const found: FoundRow[] = [];
    let isWanted = true;
    for (const row of rows) {
      isWanted = row.kind !== "record" && this.#isWanted(this.#sortKeyOf(row.key));
      if (!isWanted) break;
      if (row.kind !== "document") continue;
      const { key, op, atMs, json } = row;
      found.push({
        sortKey: this.#sortKeyOf(key),
        prefix: this.#walk.window.firstPrefix,
        row: { key, op, modifiedAtMs: atMs, json },
      });
    }
    this.#page.add(found);
    return isWanted;
  }

  #isWanted(sortKey: SortKey): boolean {
    const { horizon } = this.#page;
    if (compareCodePoints(sortKey, this.#walk.window.end) >= 0) return false;
    return horizon === null || compareCodePoints(sortKey, horizon.sortKey) < 0;
  }

  #sortKeyOf(key: string): SortKey {
    const { placement, prefix } = this.#walk;
    return placement.kind === "range" ? key : prefix + key;
  }
}

/** Where the window begins, as a key of the prefix. Between two hash prefixes nothing of the lower one is left. */
function keyPart({ placement, prefix, window }: WalkOptions): string {
  if (placement.kind === "range") return window.start;
  if (window.start.startsWith(prefix)) return window.start.slice(prefix.length);
  return compareCodePoints(window.start, prefix) < 0 ? "" : END_OF_KEYS;
}
