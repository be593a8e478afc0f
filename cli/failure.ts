/**
 * What a command throws when it cannot do what was asked: one sentence, what to do next, and the exit code.
 * It must not hold stacks or secrets; people read it as it is.
 */

/** 1: the command failed. 2: it was called in a way that cannot work. 3: it found something that is to be done. */
export type FailureCode = 1 | 2 | 3;

/** A failure that is explained to the person at the terminal and needs no stack. */
export class CliFailure extends Error {
  /** What to do next, or null when the message says it all. */
  readonly hint: string | null;
  readonly exitCode: FailureCode;

  constructor(message: string, options: { hint?: string; exitCode?: FailureCode; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "CliFailure";
    this.hint = options.hint ?? null;
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The system's code of an error ("ENOENT", "EADDRINUSE"), or "" when it has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** An unknown thrown value as one line. */
export function errorLine(error: unknown): string {
  const text = error instanceof Error ? error.message || errorCode(error) || error.name : String(error);
  return text.split("\n")[0] ?? "";
}
