/**
 * Stands in for router/slot-transition.ts where a bug of the table is planted. It must not change anything else.
 */

import type { Ownership } from "../../router/ownership.ts";
import { mayCopy as mayReallyCopy } from "../../router/slot-transition.ts";
import { isPlanted } from "./planted-bugs.ts";

export { EVENT_KINDS, mayCleanUp, mayWrite, transition } from "../../router/slot-transition.ts";

/** Whether a page may be written; with the bug, at any time. */
export function mayCopy(slot: Ownership, run: string): boolean {
  return isPlanted("fill-without-run") || mayReallyCopy(slot, run);
}
