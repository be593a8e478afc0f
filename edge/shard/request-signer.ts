/**
 * The edge's signature on requests to shards: HMAC-SHA-256 over the text that router/contract.ts defines.
 * It must not send anything, and keeps the key imported, never its bytes in a log or error.
 */
import type { SigningKey, SigningKeys } from "../../config/signing-keys.ts";
import { HEADER, type SignedTarget, signedText } from "../../router/contract.ts";
import { base64Url } from "../encoding.ts";
import type { Clock } from "../ports.ts";

/** Digest of no body at all: SHA-256 of nothing, base64url. */
export const EMPTY_BODY_DIGEST = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

/** Signs requests, and texts that the edge wants to recognise as its own later. */
export interface RequestSigner {
  /** `headers` with time, key id and signature added. */
  sign(target: SignedTarget, headers: Readonly<Record<string, string>>): Promise<Record<string, string>>;
  /** A keyed digest of `text`. */
  seal(text: string): Promise<string>;
  /** Whether `seal` is that of `text` by any of the keys. */
  isSeal(text: string, seal: string): Promise<boolean>;
}

const encoder = new TextEncoder();

/** SHA-256 of a request body, base64url. */
export async function bodyDigest(body: Uint8Array<ArrayBuffer> | null): Promise<string> {
  if (body === null || body.length === 0) return EMPTY_BODY_DIGEST;
  return base64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", body)));
}

/** A signer with the first key; the second one, if there is one, is only recognised. */
export function createRequestSigner(keys: SigningKeys, clock: Clock): RequestSigner {
  const macs = keys.map(createMac);
  const [first] = keys;
  const mac = createMac(first);
  return {
    async sign(target, headers) {
      const signed: Record<string, string> = {
        ...headers,
        [HEADER.keyId]: first.id,
        [HEADER.time]: String(clock.nowMs()),
      };
      signed[HEADER.signature] = await mac(signedText(target, (name) => signed[name] ?? null));
      return signed;
    },
    seal: (text) => mac(text),
    async isSeal(text, seal) {
      const seals = await Promise.all(macs.map((candidate) => candidate(text)));
      return seals.includes(seal);
    },
  };
}

/** HMAC-SHA-256 by one key, which is imported once per isolate. */
function createMac(key: SigningKey): (text: string) => Promise<string> {
  let imported: CryptoKey | null = null;
  return async (text) => {
    imported ??= await crypto.subtle.importKey("raw", key.secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return base64Url(new Uint8Array(await crypto.subtle.sign("HMAC", imported, encoder.encode(text))));
  };
}
