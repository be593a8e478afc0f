/**
 * JSON merge patch on JSON texts (RFC 7396). Numbers keep their literals: 1.10 and 12345678901234567890 stay as they were written.
 * It must not be given text that is not JSON or nests deeper than the limit for documents: the HTTP side has checked both.
 */

declare global {
  // ECMAScript's "JSON.parse source text access", which the compiler's libraries do not declare yet.
  interface JSON {
    parse(text: string, reviver: Reviver): unknown;
    rawJSON(text: string): object;
    isRawJSON(value: unknown): boolean;
  }
}

type Reviver = (name: string, value: unknown, context: { readonly source?: string }) => unknown;
type JsonObject = Readonly<Record<string, unknown>>;

/** The document that `patchJson` makes of `targetJson`. */
export function mergePatch(targetJson: string, patchJson: string): string {
  return JSON.stringify(merge(parseExactly(targetJson), parseExactly(patchJson)));
}

function parseExactly(json: string): unknown {
  return JSON.parse(json, (_name, value, { source }) =>
    typeof value === "number" && source !== undefined ? JSON.rawJSON(source) : value,
  );
}

/** Members pass through a Map, so that one named `__proto__` is a member like any other. */
function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const members = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name);
    else members.set(name, merge(members.get(name), value));
  }
  return Object.fromEntries(members);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);
}
