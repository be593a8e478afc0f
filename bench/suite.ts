/**
 * The groups of benches that run and are kept together. It must not hold the benches.
 */

/**
 * `embedded` needs nothing but Node; `cassandra` has real databases, which need Java and Maven; `moves` has ranges that go from shard to
 * shard, on either kind of store.
 */
export type SuiteName = "embedded" | "cassandra" | "moves";

/** All of them; without a name, a run takes the first. */
export const SUITE_NAMES: readonly SuiteName[] = ["embedded", "cassandra", "moves"];

/** The suite of this name. */
export function parseSuiteName(text: string): SuiteName | null {
  return SUITE_NAMES.find((name) => name === text) ?? null;
}
