/**
 * Names of permissions, as tokens carry them. It must not decide who has them.
 */

/** To look at the gateway's own workings. */
export const OPERATE_PERMISSION = "zgate:operate";

/** To read and to write one collection. */
export function accessPermissions(collection: string): readonly string[] {
  return [`${collection}:read`, `${collection}:write`];
}
