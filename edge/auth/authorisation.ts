/**
 * Whether an identity may do what the resolved route does. Asked before the cache is.
 * It must not look at paths: only at the collection and the kind of access that they resolved to.
 */
import type { CollectionConfig } from "../../config/config.ts";
import { accessPermission } from "../../router/permissions.ts";
import { EdgeProblem } from "../edge-problem.ts";
import type { Identity } from "./identity.ts";

/** Throws an `EdgeProblem` unless `identity` may read or write `collection`. The shard decides again by itself. */
export function authorise(identity: Identity, collection: CollectionConfig, access: "read" | "write"): void {
  if (access === "read" && collection.isPublic) return;
  requirePermission(identity, accessPermission(collection.name, access));
}

/** Throws 401 for everybody without a token and 403 for a token without `permission`. */
export function requirePermission(identity: Identity, permission: string): void {
  if (identity.permissions.has(permission)) return;
  if (identity.issuer === "") {
    const headers = { "www-authenticate": 'Bearer realm="zgate"' };
    throw new EdgeProblem("UNAUTHENTICATED", `this needs a token with the permission ${permission}`, { headers });
  }
  const challenge = `Bearer realm="zgate", error="insufficient_scope", scope="${permission}"`;
  const options = { headers: { "www-authenticate": challenge }, extra: { permission } };
  throw new EdgeProblem("FORBIDDEN", `the token lacks the permission ${permission}`, options);
}
