/**
 * Where a text stops being a JSON document (RFC 8259), and how deep it nests.
 * It must not build the value: documents are stored as they were sent.
 */

/** Deepest nesting of arrays and objects in a document. */
export const JSON_DEPTH_MAX = 128;

/** The first fault. `offset` counts UTF-16 units from the beginning. */
export interface JsonFault {
  readonly offset: number;
  readonly reason: string;
}

/** A place for people: both count from 1, columns in characters. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

interface Cursor {
  readonly text: string;
  at: number;
  depth: number;
  reason: string;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const WORDS: ReadonlyMap<number, string> = new Map([
  [0x74, "true"],
  [0x66, "false"],
  [0x6e, "null"],
]);

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const ARRAY_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const ARRAY_CLOSE = 0x5d;
const OBJECT_OPEN = 0x7b;
const OBJECT_CLOSE = 0x7d;

/** The first place where `text` is not one JSON value, or nests deeper than `JSON_DEPTH_MAX`; null when there is none. */
export function findJsonFault(text: string): JsonFault | null {
  const cursor: Cursor = { text, at: 0, depth: 0, reason: "" };
  skipSpace(cursor);
  if (scanValue(cursor)) {
    skipSpace(cursor);
    if (cursor.at === text.length) return null;
    fail(cursor, "expected nothing after the document");
  }
  return { offset: cursor.at, reason: cursor.reason };
}

/** Line and column of an offset. */
export function positionOf(text: string, offset: number): TextPosition {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: [...(lines.at(-1) ?? "")].length + 1 };
}

function fail(cursor: Cursor, reason: string): false {
  cursor.reason = cursor.at >= cursor.text.length ? "the document ends too early" : reason;
  return false;
}

function skipSpace(cursor: Cursor): void {
  for (;;) {
    const unit = cursor.text.charCodeAt(cursor.at);
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
    cursor.at += 1;
  }
}

function scanValue(cursor: Cursor): boolean {
  const unit = cursor.text.charCodeAt(cursor.at);
  if (unit === QUOTE) return scanString(cursor);
  if (unit === OBJECT_OPEN) return scanNested(cursor, OBJECT_CLOSE, scanMember);
  if (unit === ARRAY_OPEN) return scanNested(cursor, ARRAY_CLOSE, scanValue);
  const word = WORDS.get(unit);
  if (word !== undefined && cursor.text.startsWith(word, cursor.at)) {
    cursor.at += word.length;
    return true;
  }
  NUMBER.lastIndex = cursor.at;
  if (!NUMBER.test(cursor.text)) return fail(cursor, "expected a JSON value");
  cursor.at = NUMBER.lastIndex;
  return true;
}

function scanNested(cursor: Cursor, close: number, scanElement: (cursor: Cursor) => boolean): boolean {
  if (cursor.depth === JSON_DEPTH_MAX) return fail(cursor, `nested deeper than ${JSON_DEPTH_MAX}`);
  cursor.depth += 1;
  cursor.at += 1;
  skipSpace(cursor);
  if (cursor.text.charCodeAt(cursor.at) !== close && !scanElements(cursor, close, scanElement)) return false;
  cursor.at += 1;
  cursor.depth -= 1;
  return true;
}

function scanElements(cursor: Cursor, close: number, scanElement: (cursor: Cursor) => boolean): boolean {
  for (;;) {
    if (!scanElement(cursor)) return false;
    skipSpace(cursor);
    const unit = cursor.text.charCodeAt(cursor.at);
    if (unit === close) return true;
    if (unit !== COMMA) return fail(cursor, `expected "," or "${String.fromCharCode(close)}"`);
    cursor.at += 1;
    skipSpace(cursor);
  }
}

function scanMember(cursor: Cursor): boolean {
  if (cursor.text.charCodeAt(cursor.at) !== QUOTE) return fail(cursor, "expected a member name in double quotes");
  if (!scanString(cursor)) return false;
  skipSpace(cursor);
  if (cursor.text.charCodeAt(cursor.at) !== COLON) return fail(cursor, 'expected ":" after a member name');
  cursor.at += 1;
  skipSpace(cursor);
  return scanValue(cursor);
}

function scanString(cursor: Cursor): boolean {
  cursor.at += 1;
  for (;;) {
    const unit = cursor.text.charCodeAt(cursor.at);
    if (unit === QUOTE) {
      cursor.at += 1;
      return true;
    }
    if (unit === BACKSLASH) {
      ESCAPE.lastIndex = cursor.at;
      if (!ESCAPE.test(cursor.text)) return fail(cursor, "expected a JSON escape after the backslash");
      cursor.at = ESCAPE.lastIndex;
    } else if (unit >= 0x20) cursor.at += 1;
    else return fail(cursor, "a control character inside a string; write it as an escape");
  }
}
