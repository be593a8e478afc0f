/**
 * Why a shard process cannot start or go on; what its parent is told.
 * It must not carry anything secret: the message is shown to people.
 */

import { StoreError } from "./store/port.ts";

/** Stable words for the parent process. */
export const FATAL_CODES = [
  "OPTIONS_INVALID",
  "CONFIG_INVALID",
  "KEYS_INVALID",
  "STORE_UNREACHABLE",
  "SCHEMA_MISSING",
  "STORE_UNUSABLE",
  "CATALOG_UNUSABLE",
  "CATALOG_LOST",
  "PORT_IN_USE",
  "LISTEN_FAILED",
  "CRASH_LOOP",
  "INTERNAL",
] as const;
export type FatalCode = (typeof FATAL_CODES)[number];

/** Ends the process with exit code 1. */
export class FatalError extends Error {
  readonly code: FatalCode;

  constructor(code: FatalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "FatalError";
    this.code = code;
  }
}

/** Any exception as a fatal one. */
export function toFatal(error: unknown): FatalError {
  if (error instanceof FatalError) return error;
  if (error instanceof StoreError) {
    const code = error.kind === "full" ? "STORE_UNUSABLE" : "STORE_UNREACHABLE";
    return new FatalError(code, `the store does not do what it is asked (${error.kind}): ${error.message}`, {
      cause: error,
    });
  }
  return new FatalError("INTERNAL", error instanceof Error ? error.message : String(error), { cause: error });
}
