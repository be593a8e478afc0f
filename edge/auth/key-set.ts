/**
 * A JSON Web Key Set (RFC 7517) to the public keys that may verify tokens, each fixed to the one algorithm of its type.
 * It must not fetch; and it never takes a symmetric or private key, whatever the set says.
 */
import { importJWK } from "jose";
import type { TokenAlgorithm } from "../../config/config.ts";

/** A public key that verifies by one algorithm only. */
export interface VerificationKey {
  readonly keyId: string | null;
  readonly algorithm: TokenAlgorithm;
  readonly key: CryptoKey;
}

/** Most keys taken from one set. */
const KEYS_MAX = 64;

/** Shortest RSA modulus, in bits (RFC 7518 section 3.3). */
const RSA_BITS_MIN = 2048;

type Members = Readonly<Record<string, unknown>>;

/** Untrusted data to its usable keys; the others are passed over. Throws when it is no key set, or holds none. */
export async function parseKeySet(input: unknown): Promise<readonly VerificationKey[]> {
  const list: unknown = typeof input === "object" && input !== null ? (input as Members)["keys"] : undefined;
  if (!Array.isArray(list)) throw new Error('expected a key set {"keys": [...]}');
  const keys = await Promise.all(list.slice(0, KEYS_MAX).map(parseVerificationKey));
  const usable = keys.filter((key) => key !== null);
  if (usable.length === 0)
    throw new Error(`expected at least one public Ed25519, P-256 or RSA key, got ${keys.length} others`);
  return usable;
}

async function parseVerificationKey(input: unknown): Promise<VerificationKey | null> {
  if (typeof input !== "object" || input === null) return null;
  const members = input as Members;
  const algorithm = parseAlgorithm(members);
  const { alg, use, kid } = members as { readonly [name: string]: unknown };
  if (algorithm === null || (alg !== undefined && alg !== algorithm) || (use !== undefined && use !== "sig"))
    return null;
  if (kid !== undefined && typeof kid !== "string") return null;
  try {
    const key = (await importJWK(publicPartOf(members), algorithm)) as CryptoKey;
    return isStrong(key) ? { keyId: kid ?? null, algorithm, key } : null;
  } catch {
    return null;
  }
}

function parseAlgorithm(members: Members): TokenAlgorithm | null {
  const { kty, crv } = members as { readonly [name: string]: unknown };
  if (kty === "OKP" && crv === "Ed25519") return "EdDSA";
  if (kty === "EC" && crv === "P-256") return "ES256";
  return kty === "RSA" ? "RS256" : null;
}

/** Only what a public key consists of. */
function publicPartOf(members: Members): Record<string, string> {
  const names = ["kty", "crv", "x", "y", "n", "e"];
  return Object.fromEntries(
    names.flatMap((name) => (typeof members[name] === "string" ? [[name, members[name]]] : [])),
  );
}

function isStrong(key: CryptoKey): boolean {
  const { algorithm } = key;
  return !("modulusLength" in algorithm) || Number(algorithm.modulusLength) >= RSA_BITS_MIN;
}
