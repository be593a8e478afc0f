/**
 * How a shard stands with the catalog: which collections it has lost, and which it cannot tell about while the catalog
 * is silent. A shard whose store holds its slots serves them without the catalog, because ownership lies with the data; a
 * shard that holds nothing must not start, because only the catalog tells a new store from a lost one.
 * It must not claim anything by itself; bootstrap.ts does.
 */
import type { CollectionConfig } from "../config/config.ts";
import { type ClaimContext, claimFirstSlots } from "./bootstrap.ts";
import { CatalogError } from "./catalog/port.ts";
import type { Clock } from "./clock.ts";
import { FatalError, toFatal } from "./fatal-error.ts";
import { describeError } from "./log.ts";
import { StoreError } from "./store/port.ts";

/** Collections by name. Both are empty for a shard that has all it should have. */
export interface Standing {
  /** Claimed once, and the store holds nothing of them any more: a person has to restore it. */
  readonly lost: readonly string[];
  /** Nothing is held of them, and the catalog does not say whether something should be. */
  readonly unsettled: readonly string[];
}

/** All is as it should be. */
export const GOOD_STANDING: Standing = { lost: [], unsettled: [] };

/** `isSettled` false: the catalog could not be asked, and should be later. */
export interface FirstStanding extends Standing {
  readonly isSettled: boolean;
}

/** First and longest pause between two tries to ask the catalog, in milliseconds. */
const PAUSE_MS_FIRST = 1000;
const PAUSE_MS_MAX = 30_000;

/** A database that has just been started is slow at first; what cannot be done for so long is given up, in milliseconds. */
const SLOW_STORE_MS_MAX = 60_000;

/** What standing needs: claiming, and time to wait. */
export interface StandingContext extends ClaimContext {
  readonly clock: Clock;
}

/**
 * Claims first slots and finds what is lost; without the catalog, finds what can be served all the same. Is patient with
 * a slow store, because all of it may be repeated. Throws `FatalError` CATALOG_LOST, CATALOG_UNUSABLE when the catalog
 * is silent and the store holds nothing, STORE_UNREACHABLE.
 */
export async function standAtStart(
  context: StandingContext,
  collections: readonly CollectionConfig[],
): Promise<FirstStanding> {
  const deadlineMs = context.clock.nowMs() + SLOW_STORE_MS_MAX;
  for (let pauseMs = PAUSE_MS_FIRST; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
    try {
      return await standOnce(context, collections);
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind === "full") throw error;
      if (context.clock.nowMs() + pauseMs > deadlineMs) throw toFatal(error);
      context.log("warn", "store-slow", describeError(error));
      await context.clock.sleep(pauseMs);
    }
  }
}

async function standOnce(context: ClaimContext, collections: readonly CollectionConfig[]): Promise<FirstStanding> {
  try {
    return { lost: await claimFirstSlots(context, collections), unsettled: [], isSettled: true };
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    return standAlone(context, collections, error);
  }
}

async function standAlone(
  { store, log }: ClaimContext,
  collections: readonly CollectionConfig[],
  cause: CatalogError,
): Promise<FirstStanding> {
  const held = await Promise.all(collections.map(({ name }) => store.hasHeld(name)));
  const unsettled = collections.filter((_, index) => held[index] !== true).map(({ name }) => name);
  if (unsettled.length === collections.length) {
    const reason = "and the store holds no slots yet: only the catalog says which ones it should";
    throw new FatalError("CATALOG_UNUSABLE", `the catalog does not answer, ${reason} (${cause.message})`, { cause });
  }
  log("warn", "catalog-silent", { unsettled: unsettled.join(" "), ...describeError(cause) });
  return { lost: [], unsettled, isSettled: false };
}

/**
 * Does in the background what the catalog's silence has put off. Resolves to the standing once the catalog has answered,
 * to null when `signal` aborts first. Throws `FatalError` CATALOG_LOST, or what is a fault of the program: then this shard
 * must not go on.
 */
export async function settleStanding(
  context: StandingContext,
  collections: readonly CollectionConfig[],
  signal: AbortSignal,
): Promise<Standing | null> {
  for (let pauseMs = PAUSE_MS_FIRST; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
    await context.clock.sleep(pauseMs);
    if (signal.aborted) return null;
    try {
      const lost = await claimFirstSlots(context, collections);
      context.log("info", "catalog-back", { lost: lost.join(" ") });
      return { lost, unsettled: [] };
    } catch (error) {
      // Only what the world did may pass by itself.
      if (!(error instanceof CatalogError || error instanceof StoreError)) throw error;
      context.log("warn", "catalog-silent", describeError(error));
    }
  }
}

/** What a primary has told its worker, by names that the configuration knows; good standing for anything else. */
export function parseStanding(input: unknown): Standing {
  const { lost, unsettled }: { readonly lost?: unknown; readonly unsettled?: unknown } =
    typeof input === "object" && input !== null ? input : {};
  return { lost: namesIn(lost), unsettled: namesIn(unsettled) };
}

function namesIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === "string") : [];
}
