// Where a test may put something around a part of the world. Without a test each gives back what it is given.
// Must not contain a bug.
import type { LeftoversOptions } from "../../shards/mover/leftovers.ts";
import type { Store } from "../../shards/store/port.ts";

/** A worker's store. */
export function wrapStore(store: Store): Store {
  return store;
}

/** What clean-up stands on. */
export function wrapLeftovers(options: LeftoversOptions): LeftoversOptions {
  return options;
}
