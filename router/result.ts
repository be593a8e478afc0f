/**
 * The outcome of pure code that may refuse its input: a value or one declared reason.
 * It must not carry failures of the outside world; those are errors.
 */

/** `reason` is a stable word for programs, `detail` a sentence for people (what was expected, what came). */
export type Result<Value, Reason extends string> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: Reason; readonly detail: string };

/** Wraps an accepted value. */
export function accepted<Value>(value: Value): { readonly ok: true; readonly value: Value } {
  return { ok: true, value };
}

/** Wraps a refusal. */
export function refused<Reason extends string>(
  reason: Reason,
  detail: string,
): { readonly ok: false; readonly reason: Reason; readonly detail: string } {
  return { ok: false, reason, detail };
}
