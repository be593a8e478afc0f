/**
 * The shared keys of the edge-to-shard signature, as they stand in the environment.
 * It must not log or return key material in errors.
 */

/** Name of the environment variable (a secret of the Worker, an environment variable of the shards). */
export const SIGNING_KEYS_ENV = "ZGATE_SIGNING_KEYS";

const KEY_BYTES_MIN = 32;
const KEYS_MAX = 2;
const ENTRY = /^([a-z0-9-]{1,16}):([A-Za-z0-9_-]+)$/;

/** One HMAC-SHA-256 key. */
export interface SigningKey {
  readonly id: string;
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** The first key signs; all of them verify, so that no request is refused while keys change. */
export type SigningKeys = readonly [SigningKey, ...SigningKey[]];

/** `id:base64url` or `id:base64url,id:base64url`. Throws an `Error` that says what is wrong, never the key. */
export function parseSigningKeys(text: string | undefined): SigningKeys {
  const [first, ...others] = (text ?? "").split(",").map(parseSigningKey);
  if (first === undefined || others.length >= KEYS_MAX) {
    throw new Error(`${SIGNING_KEYS_ENV}: expected one or two keys, got ${others.length + 1}`);
  }
  if (others.some((other) => other.id === first.id)) {
    throw new Error(`${SIGNING_KEYS_ENV}: expected two different key ids, got "${first.id}" twice`);
  }
  return [first, ...others];
}

function parseSigningKey(entry: string): SigningKey {
  const [, id, encoded] = ENTRY.exec(entry.trim()) ?? [];
  if (id === undefined || encoded === undefined) {
    throw new Error(`${SIGNING_KEYS_ENV}: expected "id:base64url[,id:base64url]", got ${entry.length} characters`);
  }
  if (encoded.length % 4 === 1) {
    throw new Error(`${SIGNING_KEYS_ENV}: key "${id}" is not base64url: ${encoded.length} characters encode no bytes`);
  }
  const secret = decodeBase64Url(encoded);
  if (secret.length < KEY_BYTES_MIN) {
    throw new Error(`${SIGNING_KEYS_ENV}: key "${id}" has ${secret.length} bytes, expected at least ${KEY_BYTES_MIN}`);
  }
  return { id, secret };
}

function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
