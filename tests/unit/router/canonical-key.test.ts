// Canonical keys: one spelling for every key, one reason for every refusal, the same by every way in.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeKey,
  KEY_BYTES_MAX,
  type KeyRefusal,
  parseKey,
  parseKeyBound,
  parsePathSegment,
} from "../../../router/canonical-key.ts";
import { holds } from "../seed.ts";
import { anyText, canonicalKey, keyText, spellPercent } from "./arbitraries.ts";

interface Spelling {
  readonly name: string;
  readonly raw: string;
  readonly key: string;
}

interface Refusal {
  readonly name: string;
  readonly raw: string;
  readonly reason: KeyRefusal;
}

const SPELLINGS: readonly Spelling[] = [
  { name: "a plain key", raw: "left-pad", key: "left-pad" },
  { name: "upper case", raw: "Left-PAD", key: "left-pad" },
  { name: "percent-encoded letters in upper hex", raw: "%4CEFT", key: "left" },
  { name: "percent-encoded letters in lower hex", raw: "%4ceft", key: "left" },
  { name: "sub-delims as they are", raw: "a!$&'()*+,;=:@b", key: "a!$&'()*+,;=:@b" },
  { name: "a plus sign, which is no space", raw: "a+b", key: "a+b" },
  { name: "an encoded space", raw: "a%20b", key: "a b" },
  { name: "a dot in front", raw: ".npmrc", key: ".npmrc" },
  { name: "three dots", raw: "...", key: "..." },
  { name: "an encoded dot among others", raw: "a%2eb", key: "a.b" },
  { name: "a literal percent sign", raw: "100%25", key: "100%" },
  { name: "a percent sign before what is no escape", raw: "50%25zz", key: "50%zz" },
  { name: "NFC", raw: "caf%C3%A9", key: "café" },
  { name: "NFD", raw: "cafe%CC%81", key: "café" },
  { name: "NFD in upper case", raw: "CAFE%CC%81", key: "café" },
  { name: "a pair that composes only in lower case", raw: "J%CC%8C", key: "ǰ" },
  { name: "the Kelvin sign", raw: "%E2%84%AA", key: "k" },
  { name: "I with a dot, which is i and a dot", raw: "%C4%B0", key: "i\u0307" },
  { name: "a final sigma", raw: "%CE%BF%CF%82", key: "οσ" },
  { name: "a capital sigma at the end", raw: "%CE%9F%CE%A3", key: "οσ" },
  { name: "sharp s, which is not ss", raw: "%C3%9F", key: "ß" },
  { name: "capital sharp s", raw: "%E1%BA%9E", key: "ß" },
  { name: "Hangul from its parts", raw: "%E1%84%80%E1%85%A1", key: "가" },
  { name: "an astral capital", raw: "%F0%90%90%80", key: "\u{10428}" },
  { name: "an emoji as it is", raw: "😀", key: "😀" },
  { name: "a private-use symbol", raw: "%EE%80%80", key: "\ue000" },
  { name: "a byte order mark, which is a character", raw: "%EF%BB%BFa", key: "\ufeffa" },
  { name: "a word joiner, which is a character", raw: "a%E2%81%A0", key: "a\u2060" },
  { name: "256 bytes in ASCII", raw: "a".repeat(256), key: "a".repeat(256) },
  { name: "256 bytes in two-byte letters", raw: "%C3%A9".repeat(128), key: "é".repeat(128) },
  { name: "256 bytes in four-byte symbols", raw: "😀".repeat(64), key: "😀".repeat(64) },
  { name: "the longest spelling of 256 bytes", raw: "%E1%BE%BE%CC%88%CC%81".repeat(128), key: "\u0390".repeat(128) },
];

const REFUSALS: readonly Refusal[] = [
  { name: "nothing", raw: "", reason: "EMPTY" },
  { name: "257 bytes in ASCII", raw: "a".repeat(257), reason: "TOO_LONG" },
  { name: "258 bytes in two-byte letters", raw: "é".repeat(129), reason: "TOO_LONG" },
  { name: "a flood", raw: "%41".repeat(100_000), reason: "TOO_LONG" },
  { name: "a bare percent sign", raw: "100%", reason: "MALFORMED_ESCAPE" },
  { name: "an escape cut short", raw: "a%4", reason: "MALFORMED_ESCAPE" },
  { name: "an escape that is not hexadecimal", raw: "%zz", reason: "MALFORMED_ESCAPE" },
  { name: "an escape with a full-width digit", raw: "%4１", reason: "MALFORMED_ESCAPE" },
  { name: "a lone continuation byte", raw: "%80", reason: "INVALID_UTF8" },
  { name: "a sequence cut short", raw: "%C3", reason: "INVALID_UTF8" },
  { name: "an overlong slash", raw: "%C0%AF", reason: "INVALID_UTF8" },
  { name: "an overlong NUL", raw: "%C0%80", reason: "INVALID_UTF8" },
  { name: "an encoded surrogate", raw: "%ED%A0%80", reason: "INVALID_UTF8" },
  { name: "a code point above U+10FFFF", raw: "%F4%90%80%80", reason: "INVALID_UTF8" },
  { name: "a doubly encoded letter", raw: "%2541", reason: "DOUBLE_ENCODED" },
  { name: "a doubly encoded slash", raw: "a%252fb", reason: "DOUBLE_ENCODED" },
  { name: "a trebly encoded slash", raw: "a%25252fb", reason: "DOUBLE_ENCODED" },
  { name: "a slash", raw: "a/b", reason: "SLASH" },
  { name: "an encoded slash", raw: "a%2Fb", reason: "SLASH" },
  { name: "a backslash", raw: "a\\b", reason: "SLASH" },
  { name: "an encoded backslash", raw: "a%5cb", reason: "SLASH" },
  { name: "a dot", raw: ".", reason: "DOT_SEGMENT" },
  { name: "two dots", raw: "..", reason: "DOT_SEGMENT" },
  { name: "two encoded dots", raw: "%2e%2E", reason: "DOT_SEGMENT" },
  { name: "NUL", raw: "a%00", reason: "CONTROL_CHARACTER" },
  { name: "a line feed", raw: "a\nb", reason: "CONTROL_CHARACTER" },
  { name: "a line feed at the end of a plain key", raw: "a\n", reason: "CONTROL_CHARACTER" },
  { name: "DEL", raw: "%7F", reason: "CONTROL_CHARACTER" },
  { name: "a C1 control", raw: "%C2%85", reason: "CONTROL_CHARACTER" },
  { name: "a line separator", raw: "a%E2%80%A8", reason: "CONTROL_CHARACTER" },
  { name: "a paragraph separator", raw: "a%E2%80%A9", reason: "CONTROL_CHARACTER" },
  { name: "a lone high surrogate", raw: "a\ud800", reason: "UNASSIGNED_CHARACTER" },
  { name: "a lone low surrogate", raw: "\udc00a", reason: "UNASSIGNED_CHARACTER" },
  { name: "an unassigned code point", raw: "%CD%B8", reason: "UNASSIGNED_CHARACTER" },
  { name: "a noncharacter", raw: "%EF%BF%BE", reason: "UNASSIGNED_CHARACTER" },
];

describe("parsePathSegment", () => {
  it.each(SPELLINGS)("reads $name", ({ raw, key }) => {
    expect(parsePathSegment(raw)).toEqual({ ok: true, value: key });
  });

  it.each(REFUSALS)("refuses $name as $reason", ({ raw, reason }) => {
    expect(parsePathSegment(raw)).toEqual({ ok: false, reason, detail: expect.stringMatching(/^\S.{10,}$/) });
  });

  it("refuses a flood of text without looking at it", () => {
    expect(parseKey("é".repeat(100_000))).toMatchObject({ ok: false, reason: "TOO_LONG" });
  });

  it("gives every spelling of a key the same canonical key", () => {
    const choices = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 8 });
    const forms = fc.constantFrom("NFC" as const, "NFD" as const);
    const cases = fc.constantFrom("as it is" as const, "lower" as const, "upper where it folds back" as const);
    holds(
      fc.property(keyText, choices, forms, cases, (text, how, form, letters) => {
        const expected = parseKey(text);
        const spelled = spellCase(text, letters).normalize(form);
        expect(parsePathSegment(spellPercent(spelled, how))).toEqual(expected);
        expect(parseKey(spelled)).toEqual(expected);
      }),
      { runs: 3000 },
    );
  });

  it("accepts any text or gives one of its reasons", () => {
    holds(
      fc.property(anyText, (raw) => {
        for (const parsed of [parsePathSegment(raw), parseKey(raw)]) {
          if (parsed.ok) expect(Buffer.byteLength(parsed.value)).toBeLessThanOrEqual(KEY_BYTES_MAX);
          else expect(parsed.detail).not.toBe("");
        }
      }),
      { runs: 3000 },
    );
  });
});

describe("canonical keys", () => {
  it("are their own canonical form", () => {
    holds(
      fc.property(canonicalKey, (key) => {
        expect(parseKey(key)).toEqual({ ok: true, value: key });
        expect(parsePathSegment(encodeKey(key))).toEqual({ ok: true, value: key });
      }),
      { runs: 3000 },
    );
  });

  it("come back unchanged through a URL", () => {
    holds(
      fc.property(canonicalKey, (key) => {
        const url = new URL(`http://gateway.example/products/${encodeKey(key)}?limit=1`);
        expect(parsePathSegment(url.pathname.slice("/products/".length))).toEqual({ ok: true, value: key });
      }),
      { runs: 1000 },
    );
  });

  it("are idempotent for every code point there is", () => {
    for (let point = 0; point <= 0x10ffff; point += 1) expectIdempotent(String.fromCodePoint(point));
  });

  it.each(["x", "J", "é", "Ω", "\u1100", "\u0301"])("are idempotent for %j with every mark there is", (base) => {
    for (let point = 0x300; point <= 0x1ffff; point += 1) {
      const symbol = String.fromCodePoint(point);
      if (/\p{M}/u.test(symbol)) expectIdempotent(base + symbol);
    }
  });
});

/** Only failures go through `expect`: a million passing ones would take a minute. */
function expectIdempotent(text: string): void {
  const once = parseKey(text);
  if (!once.ok) return;
  const again = parseKey(once.value);
  if (!again.ok || again.value !== once.value) expect({ text, once, again }).toBe("idempotent");
}

function spellCase(text: string, letters: "as it is" | "lower" | "upper where it folds back"): string {
  if (letters === "as it is") return text;
  if (letters === "lower") return text.toLowerCase();
  // Upper case is not the inverse of lower case for every letter (ß, ı, ſ): only those that come back are respelled.
  const raised = [...text].map((symbol) => {
    const upper = symbol.toUpperCase();
    return upper.toLowerCase() === symbol ? upper : symbol;
  });
  return raised.join("");
}

describe("parseKeyBound", () => {
  it.each([".", ".."])("takes %s, which keys may begin with", (text) => {
    expect(parseKeyBound(text)).toEqual({ ok: true, value: text });
  });

  it.each(["A", "...", "a/b", "", "e\u0301"])("reads %j as a key otherwise", (text) => {
    expect(parseKeyBound(text)).toEqual(parseKey(text));
  });
});
