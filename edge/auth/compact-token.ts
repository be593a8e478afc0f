/**
 * The outside of a JSON Web Token in compact form (RFC 7515 section 7.1), read strictly and before any cryptography.
 * It must not verify anything: what it returns is what the token claims, no more.
 */
import { accepted, type Result, refused } from "../../router/result.ts";

/** Longest token, in characters. */
const TOKEN_LENGTH_MAX = 8 * 1024;

/** What decides which key may verify a token. */
export interface TokenClaim {
  readonly algorithm: string;
  readonly keyId: string | null;
  readonly issuer: string;
}

/** Why a text is not even a token that could be verified. */
export type TokenRefusal = "TOO_LONG" | "NOT_COMPACT" | "NOT_JSON" | "HEADER_NOT_ALLOWED" | "ISSUER_MISSING";

type Members = Readonly<Record<string, unknown>>;

const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

/** Header parameters that bring their own key, or change what the signature covers. */
const FORBIDDEN_PARAMETERS = ["jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "zip", "enc", "cty"];

/** Media types of access tokens; other kinds of tokens of the same issuer are not credentials here (RFC 8725 §3.11). */
const TOKEN_TYPES: ReadonlySet<unknown> = new Set([undefined, "jwt", "at+jwt", "application/at+jwt"]);

/** Untrusted text to what it claims about itself. */
export function parseCompactToken(text: string): Result<TokenClaim, TokenRefusal> {
  if (text.length > TOKEN_LENGTH_MAX) {
    return refused("TOO_LONG", `the token is longer than ${TOKEN_LENGTH_MAX} characters`);
  }
  const [, header, payload, signature] = COMPACT.exec(text) ?? [];
  if (header === undefined || payload === undefined || signature === undefined) {
    return refused("NOT_COMPACT", "the token is not three base64url parts without padding");
  }
  if (![header, payload, signature].every(isCanonicalBase64Url)) {
    return refused("NOT_COMPACT", "the token's base64url encoding is not canonical");
  }
  const members = parseMembers(header);
  const claims = parseMembers(payload);
  if (members === null || claims === null)
    return refused("NOT_JSON", "the token's header or payload is not a JSON object");
  return parseClaim(members, claims);
}

function parseClaim(header: Members, payload: Members): Result<TokenClaim, TokenRefusal> {
  const forbidden = FORBIDDEN_PARAMETERS.find((name) => Object.hasOwn(header, name));
  if (forbidden !== undefined) {
    return refused("HEADER_NOT_ALLOWED", `the token's header may not hold "${forbidden}"`);
  }
  const { alg, kid, typ } = header as { readonly [name: string]: unknown };
  if (!TOKEN_TYPES.has(typeof typ === "string" ? typ.toLowerCase() : typ)) {
    return refused("HEADER_NOT_ALLOWED", "the token's typ is not that of an access token");
  }
  if (typeof alg !== "string" || !(kid === undefined || typeof kid === "string")) {
    return refused("HEADER_NOT_ALLOWED", "the token's alg and kid must be text");
  }
  const issuer = payload["iss"];
  if (typeof issuer !== "string") return refused("ISSUER_MISSING", "the token names no issuer");
  return accepted({ algorithm: alg, keyId: kid ?? null, issuer });
}

/** Whether the unused bits of the last character are zero: otherwise several texts would be the same token. */
function isCanonicalBase64Url(part: string): boolean {
  const rest = part.length % 4;
  if (rest === 0) return true;
  return rest === 2 ? /[AQgw]$/.test(part) : rest === 3 && /[AEIMQUYcgkosw048]$/.test(part);
}

function parseMembers(part: string): Members | null {
  try {
    const binary = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : null;
  } catch {
    return null;
  }
}
