/**
 * What this folder throws when an engine cannot be had: one message for people, and what to do next.
 * It must not carry stacks or whole logs.
 */

/** An engine cannot be started, stopped or found. `hint` says what to do; null when the message says it all. */
export class EnginesError extends Error {
  readonly hint: string | null;

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(options.hint === undefined ? message : `${message}\n  ${options.hint}`, { cause: options.cause });
    this.name = "EnginesError";
    this.hint = options.hint ?? null;
  }
}

/** The system's code of an error ("ENOENT", "EADDRINUSE"), or "" when it has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** An unknown thrown value as text. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message || errorCode(error) || error.name : String(error);
}
