/**
 * What the edge needs of the world, as interfaces. worker.ts chooses the real ones, tests bring their own.
 * It must not hold an implementation.
 */
import type { GatewayConfig } from "../config/config.ts";
import type { SigningKeys } from "../config/signing-keys.ts";

/** One request to one origin. `signal` ends it; a rejection means that nothing is known of its outcome. */
export interface ShardCall {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | null;
  readonly signal: AbortSignal;
}

/** The network towards the shards. Resolves with any status; rejects when there is no answer. */
export interface ShardTransport {
  send(call: ShardCall): Promise<Response>;
}

/** Answers kept by URL, shared by the isolates of one place. May forget at any time. */
export interface ResponseCache {
  match(url: string): Promise<Response | undefined>;
  put(url: string, response: Response): Promise<void>;
  delete(url: string): Promise<void>;
}

/** Time, in milliseconds since 1970, and one-shot timers. */
export interface Clock {
  nowMs(): number;
  /** Calls `action` after `delayMs`; the returned function prevents it. */
  startTimer(delayMs: number, action: () => void): () => void;
}

/** Randomness. `fraction` is in `[0, 1)`. */
export interface RandomSource {
  uuid(): string;
  fraction(): number;
}

/** One line per event. Never a token, a body or a secret. */
export interface Logger {
  write(level: "info" | "warn" | "error", event: string, fields: Readonly<Record<string, unknown>>): void;
}

/** Fetches an issuer's key set (the parsed JSON). Rejects when it cannot be had. */
export interface KeySource {
  fetchKeySet(url: string, timeoutMs: number): Promise<unknown>;
}

/** Cloudflare's rate limiting binding, or something like it. */
export interface RateLimiter {
  limit(options: { readonly key: string }): Promise<{ readonly success: boolean }>;
}

/** Everything from outside. */
export interface EdgePorts {
  readonly config: GatewayConfig;
  readonly signingKeys: SigningKeys;
  /** Text of an issuer's key set by the name of its environment variable; undefined when it is not set. */
  readonly keySetText: (name: string) => string | undefined;
  readonly keySource: KeySource;
  readonly transport: ShardTransport;
  readonly cache: ResponseCache;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Logger;
  readonly rateLimiter: RateLimiter | null;
}

/** What lets work go on after the answer; a Worker's execution context. */
export interface RequestLifetime {
  waitUntil(work: Promise<unknown>): void;
}
