/**
 * Cutovers that clients of real edges have crossed. No client of the gateway is told of a cutover, so its answers are laid beside the
 * movers' log: one before the slot changed hands, so that an edge knew the old owner, and one of a request that was sent after it.
 * It must not count what was refused, or not answered.
 */
import { readHistory } from "../history/history-file.ts";
import type { Operation } from "../history/operation.ts";
import type { DecidedCutover } from "./trace-log.ts";

/** A cutover; the longest request that was under way at some moment between its fence and its decision, null when none was. */
export interface Crossing {
  readonly tookMs: number | null;
}

/** What is compared. `placeOf`: collection and slot of a key, as one name. */
export interface CrossingsOptions {
  /** Histories of clients of edges. */
  readonly histories: readonly string[];
  readonly cutovers: readonly DecidedCutover[];
  readonly placeOf: (key: string) => string | undefined;
}

/** Collection and slot as one name. */
export function placeName({ collection, slot }: { readonly collection: string; readonly slot: string }): string {
  return `${collection} ${slot}`;
}

interface Request {
  readonly startMs: number;
  readonly endMs: number;
}

/** All of them. Clocks of one machine are compared, to a few milliseconds. */
export function findCrossings({ histories, cutovers, placeOf }: CrossingsOptions): readonly Crossing[] {
  const originMs = Date.now() - Number(process.hrtime.bigint()) / 1e6;
  const answered = readHistory(histories).filter(isAnswered);
  const byPlace = Map.groupBy(answered, ({ key }) => placeOf(key));
  const toRequest = ({ startNs, endNs }: Operation): Request => ({
    startMs: originMs + startNs / 1e6,
    endMs: originMs + endNs / 1e6,
  });
  return [...Map.groupBy(cutovers, placeName)].flatMap(([place, changes]) => {
    const requests = (byPlace.get(place) ?? []).map(toRequest);
    const inOrder = changes.toSorted((a, b) => a.decidedAtMs - b.decidedAtMs);
    return inOrder.flatMap((change, index) => {
      const nextAtMs = inOrder[index + 1]?.decidedAtMs ?? Number.POSITIVE_INFINITY;
      return isCrossed(requests, change, nextAtMs) ? [{ tookMs: longestIn(requests, change) }] : [];
    });
  });
}

function isAnswered({ result }: Operation): boolean {
  return result.kind !== "refused" && result.kind !== "unknown";
}

function isCrossed(requests: readonly Request[], { decidedAtMs }: DecidedCutover, nextAtMs: number): boolean {
  const isBefore = requests.some(({ endMs }) => endMs < decidedAtMs);
  return isBefore && requests.some(({ startMs }) => startMs > decidedAtMs && startMs < nextAtMs);
}

function longestIn(requests: readonly Request[], { fencedAtMs, decidedAtMs }: DecidedCutover): number | null {
  const within = requests.filter(({ startMs, endMs }) => startMs < decidedAtMs && endMs > (fencedAtMs ?? decidedAtMs));
  return within.length === 0 ? null : Math.ceil(Math.max(...within.map(({ startMs, endMs }) => endMs - startMs)));
}
