/**
 * Names of permissions, as tokens carry them, edges pass them on and shards check them again.
 * It must not decide who has them.
 */

/** To look at the gateway's own workings. */
export const OPERATE_PERMISSION = "zgate:operate";

/** To read, or to write, one collection. */
export function accessPermission(collection: string, intent: "read" | "write"): string {
  return `${collection}:${intent}`;
}

/** Both permissions of one collection. */
export function accessPermissions(collection: string): readonly string[] {
  return [accessPermission(collection, "read"), accessPermission(collection, "write")];
}
