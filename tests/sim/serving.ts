// Which slots a store reads from, as the store port says it. A function of its own, so that a bug can be planted in it.
// Must not judge writes.
import type { Ownership } from "../../router/ownership.ts";

/** Reads serve OWNER and FENCED slots. */
export function mayRead({ state }: Ownership): boolean {
  return state === "OWNER" || state === "FENCED";
}
