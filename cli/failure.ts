/**
 * What a command throws when it cannot do what was asked: one sentence, what to do next, and the exit code; the same as a document
 * for programs. It must not hold stacks or secrets; people read it as it is.
 */

/** 1: the command failed. 2: it was called in a way that cannot work. 3: it found something that is to be done. */
export type FailureCode = 1 | 2 | 3;

/** What a failure says beside its sentence. */
export interface FailureOptions {
  readonly hint?: string;
  readonly exitCode?: FailureCode;
  /** The word for it that programs go by. */
  readonly reason?: string;
  /** With `--json` the command has printed documents that say so: stdout needs no other. */
  readonly isTold?: true;
  readonly cause?: unknown;
}

/** A failure that is explained to the person at the terminal and needs no stack. */
export class CliFailure extends Error {
  /** What to do next, or null when the message says it all. */
  readonly hint: string | null;
  readonly exitCode: FailureCode;
  readonly reason: string | null;
  readonly isTold: boolean;

  constructor(message: string, options: FailureOptions = {}) {
    super(message, { cause: options.cause });
    this.name = "CliFailure";
    this.hint = options.hint ?? null;
    this.exitCode = options.exitCode ?? 1;
    this.reason = options.reason ?? null;
    this.isTold = options.isTold ?? false;
  }
}

/** A refusal of the router, or of a gateway, with its reason behind the sentence. */
export function refusedBecause(
  { reason, detail }: { readonly reason: string; readonly detail: string },
  options: Pick<FailureOptions, "hint"> = {},
): CliFailure {
  return new CliFailure(`${detail} (${reason})`, { ...options, reason });
}

/** What programs get on stdout of a command that has failed: `{error: {message, hint, reason}}`, one line. */
export function failureDocument(error: unknown): string {
  const { message, hint, reason } = error instanceof CliFailure ? error : new CliFailure(errorLine(error));
  return JSON.stringify({ error: { message, hint, reason } });
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
