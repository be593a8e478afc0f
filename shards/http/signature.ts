/**
 * The signature of the internal hop: HMAC-SHA-256 over the signed text (router/contract.ts).
 * It must not decide what a caller may do; a valid signature only says that an edge or a shard sent this.
 */
import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from "node:crypto";
import type { SigningKeys } from "../../config/signing-keys.ts";
import {
  HEADER,
  type HeaderReader,
  SIGNATURE_WINDOW_MS,
  type SignedTarget,
  signedText,
} from "../../router/contract.ts";
import type { Clock } from "../clock.ts";

/** Why a signature is not accepted; a sentence for the caller. Null: it is valid. */
export type Verifier = (target: SignedTarget, header: HeaderReader) => string | null;

/** Headers to send: `headers` with key id, time, body digest and signature added. Names in lower case. */
export type Signer = (
  target: SignedTarget,
  headers: Readonly<Record<string, string>>,
  body?: Uint8Array,
) => Record<string, string>;

/** base64url SHA-256 of a body. */
export function digestBody(body: Uint8Array): string {
  return hash("sha256", body, "base64url");
}

/** Digest of no body at all. */
export const EMPTY_BODY_DIGEST = digestBody(new Uint8Array());

const TIME = /^\d{1,15}$/;

/** Checks key id, time window and HMAC. The body's digest is compared when the body has been read. */
export function createVerifier(keys: SigningKeys, clock: Pick<Clock, "nowMs">): Verifier {
  const secrets = new Map<string, KeyObject>(keys.map((key) => [key.id, createSecretKey(key.secret)]));
  return (target, header) => {
    const signature = header(HEADER.signature);
    const time = header(HEADER.time);
    if (signature === null || time === null || header(HEADER.bodyDigest) === null) return "the request is not signed";
    const secret = secrets.get(header(HEADER.keyId) ?? "");
    if (secret === undefined) return "the signing key is not known";
    if (!TIME.test(time) || Math.abs(clock.nowMs() - Number(time)) > SIGNATURE_WINDOW_MS) {
      return "the signature is too old, or the clocks differ";
    }
    return isEqual(signature, hmac(secret, target, header)) ? null : "the signature does not match the request";
  };
}

/** Signs with the first key. */
export function createSigner(keys: SigningKeys, clock: Pick<Clock, "nowMs">): Signer {
  const secret = createSecretKey(keys[0].secret);
  return (target, headers, body) => {
    const signed: Record<string, string> = {
      ...headers,
      [HEADER.keyId]: keys[0].id,
      [HEADER.time]: String(clock.nowMs()),
      [HEADER.bodyDigest]: body === undefined ? EMPTY_BODY_DIGEST : digestBody(body),
    };
    signed[HEADER.signature] = hmac(secret, target, (name) => signed[name] ?? null);
    return signed;
  };
}

function hmac(secret: KeyObject, target: SignedTarget, header: HeaderReader): string {
  return createHmac("sha256", secret).update(signedText(target, header)).digest("base64url");
}

/** Compares the encoded forms, so that no second spelling of the same bits is accepted. */
function isEqual(given: string, expected: string): boolean {
  const left = Buffer.from(given);
  const right = Buffer.from(expected);
  return left.length === right.length && timingSafeEqual(left, right);
}
