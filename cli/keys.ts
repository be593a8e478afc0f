/**
 * The local keys of one instance: made at its first start, private to the user, never leaving the data directory
 * but in the environment of the instance's own processes. It must not print or return a secret in an error.
 */
import { randomBytes } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import { SIGNING_KEYS_ENV } from "../config/signing-keys.ts";
import { type DataDirectory, displayPath, parseFields, readIfThere, writeWhole } from "./data-directory.ts";
import { CliFailure } from "./failure.ts";

/** Environment variable with the public half of the token key, for the edge. */
export const LOCAL_JWKS_ENV = "ZGATE_LOCAL_JWKS";

/** Who the local key speaks for, unless the configuration says otherwise. */
export const LOCAL_ISSUER = { issuer: "zgate-local", audience: "zgate" } as const;

const ALGORITHM = "EdDSA";
const SECRET_MODE = 0o600;
const SIGNING_KEY_BYTES = 32;

/** What a token says. `ttlMs` in milliseconds. */
export interface TokenClaims {
  readonly issuer: string;
  readonly audience: string;
  readonly subject: string;
  readonly permissions: readonly string[];
  readonly ttlMs: number;
}

/** Makes the keys that are missing. */
export async function ensureKeys(directory: DataDirectory): Promise<void> {
  if (readIfThere(directory.signingKeys) === null) {
    writeWhole(directory.signingKeys, `local:${randomBytes(SIGNING_KEY_BYTES).toString("base64url")}\n`, SECRET_MODE);
  }
  if (readIfThere(directory.tokenKey) !== null) return;
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  const key = { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: ALGORITHM, use: "sig" };
  writeWhole(directory.tokenKey, `${JSON.stringify(key)}\n`, SECRET_MODE);
}

/** The value of `ZGATE_SIGNING_KEYS` for the instance's processes. */
export function readSigningKeys(directory: DataDirectory): string {
  const text = readIfThere(directory.signingKeys);
  if (text === null) throw missing(directory.signingKeys, SIGNING_KEYS_ENV);
  return text.trim();
}

/** The value of `ZGATE_LOCAL_JWKS`: the public key only. */
export function readPublicJwks(directory: DataDirectory): string {
  const { kty, crv, x, kid, alg, use } = readTokenKey(directory);
  return JSON.stringify({ keys: [{ kty, crv, x, kid, alg, use }] });
}

/** Signs a token with the instance's own key. Throws `CliFailure` when the directory has none. */
export async function mintToken(directory: DataDirectory, claims: TokenClaims): Promise<string> {
  const jwk = readTokenKey(directory);
  const nowSeconds = Math.floor(Date.now() / 1000);
  return await new SignJWT({ permissions: claims.permissions })
    .setProtectedHeader({ alg: ALGORITHM, typ: "JWT", ...(jwk.kid === undefined ? {} : { kid: jwk.kid }) })
    .setIssuer(claims.issuer)
    .setAudience(claims.audience)
    .setSubject(claims.subject)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + Math.ceil(claims.ttlMs / 1000))
    .sign(await importJWK(jwk, ALGORITHM));
}

function readTokenKey(directory: DataDirectory): JWK {
  const text = readIfThere(directory.tokenKey);
  if (text === null) throw missing(directory.tokenKey, "token key");
  const jwk: JWK | null = parseFields(text);
  if (jwk?.kty !== "OKP" || typeof jwk.x !== "string" || typeof jwk.d !== "string") {
    throw new CliFailure(`${displayPath(directory.tokenKey)} is not an Ed25519 private key in JWK form`, {
      hint: "move it away: the next start makes a new one (tokens made with the old one are void then)",
    });
  }
  return jwk;
}

function missing(path: string, what: string): CliFailure {
  return new CliFailure(`there is no ${what} in ${displayPath(path)}`, {
    hint: "the first `npm start` makes it; or name the instance's directory with --data DIR",
  });
}
