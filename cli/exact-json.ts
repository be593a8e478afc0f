/**
 * JSON objects whose numbers keep their spelling: 1.10 and 12345678901234567890 come out as they went in. It must
 * not be used where numbers are calculated with.
 */

declare global {
  // ECMAScript's "JSON.parse source text access", which the compiler's libraries do not declare yet.
  interface JSON {
    rawJSON(text: string): object;
  }
}

/** Untrusted text to the members of a JSON object, to be written again with `JSON.stringify`; null when it is none. */
export function parseExactJson(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text, keepNumber);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
}

function keepNumber(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" && context?.source !== undefined ? JSON.rawJSON(context.source) : value;
}
