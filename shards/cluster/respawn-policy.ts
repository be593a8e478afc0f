/**
 * When a dead worker is started again, and when it is given up: exponential backoff and a crash-loop limit.
 * It must not start or watch anything; time is passed in.
 */

/** Times in milliseconds. */
export interface RespawnLimits {
  readonly delayMsFirst: number;
  readonly delayMsMax: number;
  /** This many deaths within the window, with no worker getting healthy in between, are a crash loop. */
  readonly deathsMax: number;
  readonly windowMs: number;
  /** A worker is healthy when it has been ready for this long. */
  readonly healthyMs: number;
}

/** Restarts quickly after an accident, gives up on what cannot work. */
export const RESPAWN_LIMITS: RespawnLimits = {
  delayMsFirst: 100,
  delayMsMax: 5000,
  deathsMax: 5,
  windowMs: 30_000,
  healthyMs: 2000,
};

/** Times of the deaths since a worker last got healthy, oldest first. */
export interface RespawnHistory {
  readonly deathsAtMs: readonly number[];
}

/** Nothing has gone wrong. */
export const NO_DEATHS: RespawnHistory = { deathsAtMs: [] };

/** What to do about a death. */
export type RespawnStep =
  | { readonly kind: "respawn"; readonly history: RespawnHistory; readonly delayMs: number }
  | { readonly kind: "give-up"; readonly deaths: number };

/** A worker has died that was not healthy. */
export function afterDeath(history: RespawnHistory, nowMs: number, limits: RespawnLimits): RespawnStep {
  const deathsAtMs = [...history.deathsAtMs.filter((atMs) => nowMs - atMs < limits.windowMs), nowMs];
  const deaths = deathsAtMs.length;
  if (deaths >= limits.deathsMax) return { kind: "give-up", deaths };
  const delayMs = Math.min(limits.delayMsFirst * 2 ** (deaths - 1), limits.delayMsMax);
  return { kind: "respawn", history: { deathsAtMs }, delayMs };
}

/** A worker got healthy, or a healthy one died: what was before does not count any more. */
export function afterHealthy(): RespawnHistory {
  return NO_DEATHS;
}
