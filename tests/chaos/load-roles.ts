// Which process of clients goes which way. Must not start any.
import type { EdgeAccess } from "../faults/load-message.ts";

/** `edges`: over real ones. `fresh`, `stale`: as an edge finds its shards, with a map that is loaded again, or with its first. */
export type LoadRole = "fresh" | "edges" | "stale";

const ROLES: readonly LoadRole[] = ["fresh", "edges", "stale"];

/** In turn, so that a process that replaces the oldest one plays its part. */
export function roleOf(number: number, edges: EdgeAccess | null): LoadRole {
  const role = ROLES[number % ROLES.length] ?? "fresh";
  return role === "edges" && edges === null ? "fresh" : role;
}
