// Path segments that somebody might send to confuse a gateway: a table, and random ones from a seed.
// Must not send them.
import { SEED } from "../unit/seed.ts";

/** Segments by name, as they stand in a request line (each character one byte). */
export const HOSTILE_SEGMENTS: readonly (readonly [name: string, segment: string])[] = [
  ["an encoded slash", "a%2Fb"],
  ["an encoded slash, small", "a%2fb"],
  ["an encoded backslash", "a%5Cb"],
  ["a backslash", "a\\b"],
  ["a dot", "."],
  ["two dots", ".."],
  ["an encoded dot", "%2e"],
  ["two encoded dots", "%2e%2E"],
  ["a dot and an encoded dot", ".%2e"],
  ["three dots", "..."],
  ["dots within", "a..b"],
  ["a trailing dot", "a."],
  ["a dot segment by parameters", "..;"],
  ["dots and an encoded slash", "..%2f..%2fetc%2fpasswd"],
  ["an overlong slash of two bytes", "a%C0%AFb"],
  ["an overlong slash of three bytes", "a%E0%80%AFb"],
  ["an overlong dot", "%C0%AE%C0%AE"],
  ["an overlong NUL", "a%C0%80"],
  ["five bytes", "%F8%88%80%80%80"],
  ["beyond U+10FFFF", "%F4%90%80%80"],
  ["a lone continuation byte", "a%80"],
  ["a sequence that ends early", "a%E2%82"],
  ["a lone high surrogate", "%ED%A0%80"],
  ["a lone low surrogate", "%ED%B0%80"],
  ["a pair of surrogates", "%ED%A0%BD%ED%B8%80"],
  ["a double-encoded slash", "a%252Fb"],
  ["a double-encoded dot", "%252e"],
  ["a triple-encoded slash", "a%25252Fb"],
  ["an encoded percent sign", "100%25"],
  ["a percent sign before what is no escape", "100%25zz"],
  ["NUL", "a%00"],
  ["NUL and an extension", "a%00.json"],
  ["a tab", "a%09b"],
  ["a line feed", "a%0Ab"],
  ["CR LF and a header", "a%0d%0aX-Evil:%201"],
  ["delete", "a%7Fb"],
  ["a C1 control", "a%C2%85b"],
  ["a line separator", "a%E2%80%A8b"],
  ["half an escape", "a%"],
  ["half an escape of one digit", "a%2"],
  ["an escape of no digits", "a%zz"],
  ["a %u escape", "%u002e"],
  ["parameters", "a;v=1"],
  ["an encoded question mark", "a%3Fb=c"],
  ["an encoded number sign", "a%23b"],
  ["a space", "a%20b"],
  ["a plus", "a+b"],
  ["an at sign and a colon", "@scope:a"],
  ["capital letters", "REACT"],
  ["capital letters, encoded", "%52%45ACT"],
  ["a letter and a combining accent", "cafe%CC%81"],
  ["the same composed", "caf%C3%A9"],
  ["a capital sharp s", "%E1%BA%9E"],
  ["a Turkish capital dotted I", "%C4%B0"],
  ["a final sigma", "%CE%A3%CE%91%CE%A3"],
  ["a right-to-left override", "a%E2%80%AEb"],
  ["a byte-order mark", "%EF%BB%BFa"],
  ["a noncharacter", "%EF%BF%BF"],
  ["an unassigned code point", "%F3%A0%80%80"],
  ["private use", "%EE%80%80"],
  ["an emoji", "%F0%9F%98%80"],
  ["raw UTF-8", "caf\u00c3\u00a9"],
  ["a raw byte that is no UTF-8", "a\u00ff"],
  ["quotes and brackets", "\"<>[]{}|^`'"],
  ["__proto__", "__proto__"],
  ["constructor", "constructor"],
  ["256 bytes", "x".repeat(256)],
  ["257 bytes", "x".repeat(257)],
  ["256 bytes, encoded", "%78".repeat(256)],
  ["very long", "x".repeat(3000)],
  ["very long, encoded", "%C3%A9".repeat(800)],
];

const PIECES: readonly string[] = [
  ..."abcxyzABCXYZ0189-._~!$&'()*+,;=:@",
  ...HOSTILE_SEGMENTS.map(([, segment]) => segment).filter((segment) => segment.length < 20),
  ...["%2E", "%2F", "%5c", "%00", "%25", "%2525", "%C3", "%A9", "%E2%84%AA", "%C5%BF", "%EF%AC%80", "%CC%81", "%CD%85"],
  ...["\\", "%", "..", ";", "{", "}", "\u00e9", "\u00c3\u00a9", "^", "|", "`", '"'],
];

/** `count` random segments; the same for the same seed. None is empty. */
export function randomSegments(count: number): readonly string[] {
  const random = createRandom(SEED);
  return Array.from({ length: count }, () => {
    const length = 1 + Math.floor(random() * 6);
    return Array.from({ length }, () => randomPiece(random)).join("");
  });
}

/** Half of the pieces come from the list, the others are any escape or any code point, encoded. */
function randomPiece(random: () => number): string {
  const choice = random();
  if (choice < 0.6) return PIECES[Math.floor(random() * PIECES.length)] ?? "a";
  if (choice < 0.75) return String.fromCharCode(0x61 + Math.floor(random() * 26));
  if (choice < 0.8) return `%${hex(Math.floor(random() * 256))}`;
  const point = Math.floor(random() * (random() < 0.7 ? 0x800 : 0x110000));
  if (point >= 0xd800 && point < 0xe000) return "%ED%A0%80";
  return Buffer.from(String.fromCodePoint(point)).reduce((text, byte) => `${text}%${hex(byte)}`, "");
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

/** mulberry32 (Tommy Ettinger, public domain): small and repeatable. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
