/**
 * Tokens that this isolate has verified, until they expire: a signature is checked once.
 * It must not remember a refusal, nor anything beyond a token's own expiry.
 */
import type { Identity } from "./identity.ts";

/** Most tokens remembered; the one verified first goes first. */
const TOKENS_MAX = 1000;

interface Remembered {
  readonly identity: Identity;
  readonly expiresAtMs: number;
  readonly epoch: number;
}

/** A token just verified. `epoch` is that of the key set that verified it. */
export interface VerifiedToken extends Remembered {
  readonly token: string;
}

/** Bounded memory of verified tokens. */
export interface TokenMemory {
  remember(verified: VerifiedToken): void;
  /** Who a token speaks for, if it is remembered and unexpired; `epochOf` gives the epoch of its issuer's keys now. */
  recall(token: string, nowMs: number, epochOf: (issuer: string) => number): Identity | null;
}

/** An empty memory. */
export function createTokenMemory(): TokenMemory {
  const tokens = new Map<string, Remembered>();
  return {
    remember({ token, identity, expiresAtMs, epoch }) {
      const oldest = tokens.keys().next();
      if (tokens.size >= TOKENS_MAX && oldest.done !== true) tokens.delete(oldest.value);
      tokens.set(token, { identity, expiresAtMs, epoch });
    },
    recall(token, nowMs, epochOf) {
      const known = tokens.get(token);
      if (known === undefined) return null;
      if (nowMs < known.expiresAtMs && known.epoch === epochOf(known.identity.issuer)) return known.identity;
      tokens.delete(token);
      return null;
    },
  };
}
