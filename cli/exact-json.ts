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

/** What keeps a line from being JSON, and in which column; null when nothing does. */
export function describeJsonFault(line: string): string | null {
  if (canBegin(line) === "complete") return null;
  let [most, least] = [line.length, 0];
  while (least < most) {
    const middle = (least + most + 1) >>> 1;
    if (canBegin(line.slice(0, middle)) === "never") most = middle - 1;
    else least = middle;
  }
  const column = [...line.slice(0, least)].length + 1;
  const [symbol] = line.slice(least);
  if (symbol === undefined) return `column ${column}: the line ends too early`;
  return `column ${column}: ${JSON.stringify(symbol)} cannot stand here`;
}

/** Whether a text is JSON, may become JSON when more follows, or never. */
function canBegin(text: string): "complete" | "open" | "never" {
  try {
    JSON.parse(text);
    return "complete";
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    const [, position] = /at position (\d+)/.exec(message) ?? [];
    const isOpen = /^Unexpected end|^Unterminated string/.test(message) || Number(position) === text.length;
    return isOpen ? "open" : "never";
  }
}
