/**
 * Who a request speaks for and what they may do, as the verified claims say.
 * It must not read unverified claims.
 */
import type { GatewayConfig } from "../../config/config.ts";
import { accessPermissions, OPERATE_PERMISSION } from "../../router/permissions.ts";
import { accepted, type Result, refused } from "../../router/result.ts";

/** `subject` "" is everybody (no token). `permissions` are sorted and only those that this gateway knows. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  /** Who it is among all issuers, as the internal hop carries it: issuer and subject, percent-encoded, a space between; "" for everybody. */
  readonly subjectText: string;
  readonly permissions: ReadonlySet<string>;
  /** The permissions as the internal hop carries them: sorted, separated by spaces. */
  readonly permissionText: string;
}

/** A request without a token. */
export const ANONYMOUS: Identity = {
  issuer: "",
  subject: "",
  subjectText: "",
  permissions: new Set(),
  permissionText: "",
};

/** Longest subject, in characters. */
const SUBJECT_LENGTH_MAX = 256;

type Members = Readonly<Record<string, unknown>>;

/** All permissions that mean something here. */
export function knownPermissions(config: GatewayConfig): ReadonlySet<string> {
  const names = [...config.collections.keys()].flatMap(accessPermissions);
  return new Set([...names, OPERATE_PERMISSION]);
}

/** Verified claims to an identity. Permissions that nothing here asks for are left out. */
export function parseIdentity(
  claims: Members,
  issuer: string,
  known: ReadonlySet<string>,
): Result<Identity, "INVALID_SUBJECT" | "INVALID_PERMISSIONS"> {
  const subject = claims["sub"] ?? "";
  if (typeof subject !== "string" || subject.length > SUBJECT_LENGTH_MAX || !subject.isWellFormed()) {
    return refused("INVALID_SUBJECT", `the token's sub is not text of at most ${SUBJECT_LENGTH_MAX} characters`);
  }
  const listed = parsePermissions(claims["permissions"]);
  if (listed === null) {
    return refused("INVALID_PERMISSIONS", "the token's permissions are neither a list of texts nor one text");
  }
  const permissions = [...new Set(listed)].filter((name) => known.has(name)).sort();
  return accepted({
    issuer,
    subject,
    subjectText: `${encodeURIComponent(issuer)} ${encodeURIComponent(subject)}`,
    permissions: new Set(permissions),
    permissionText: permissions.join(" "),
  });
}

function parsePermissions(claim: unknown): readonly string[] | null {
  if (claim === undefined) return [];
  if (typeof claim === "string") return claim.split(" ");
  return Array.isArray(claim) && claim.every((name) => typeof name === "string") ? claim : null;
}
