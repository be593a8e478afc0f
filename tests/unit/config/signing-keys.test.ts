// The keys of the edge-to-shard signature: what is taken, and that an error never shows one.
import { describe, expect, it } from "vitest";
import { parseSigningKeys } from "../../../config/signing-keys.ts";

const SECRET = Buffer.alloc(32, 0xfb);
const ENCODED = SECRET.toString("base64url");
const OTHER = Buffer.alloc(48, 7).toString("base64url");

describe("parseSigningKeys", () => {
  it("reads one key", () => {
    expect(parseSigningKeys(`k1:${ENCODED}`)).toEqual([{ id: "k1", secret: new Uint8Array(SECRET) }]);
  });

  it("reads two keys, the first of which signs", () => {
    const keys = parseSigningKeys(` k2:${OTHER} , k1:${ENCODED} `);
    expect(keys.map(({ id, secret }) => [id, secret.length])).toEqual([
      ["k2", 48],
      ["k1", 32],
    ]);
  });

  it.each([
    { name: "no variable", text: undefined, says: 'expected "id:base64url[,id:base64url]", got 0 characters' },
    { name: "an empty variable", text: "", says: "got 0 characters" },
    { name: "no id", text: ENCODED, says: "got 43 characters" },
    { name: "an id in upper case", text: `K1:${ENCODED}`, says: "got 46 characters" },
    { name: "padding", text: `k1:${ENCODED}=`, says: "got 47 characters" },
    { name: "ordinary base64", text: `k1:${SECRET.toString("base64")}`, says: "got 47 characters" },
    { name: "a comma too many", text: `k1:${ENCODED},`, says: "got 0 characters" },
    {
      name: "a length that no bytes encode to",
      text: `k1:${"A".repeat(45)}`,
      says: 'key "k1" is not base64url: 45 characters',
    },
    { name: "a short key", text: "k1:AAAA", says: 'key "k1" has 3 bytes, expected at least 32' },
    { name: "three keys", text: `a:${ENCODED},b:${ENCODED},c:${ENCODED}`, says: "expected one or two keys, got 3" },
    { name: "one id twice", text: `k1:${ENCODED},k1:${OTHER}`, says: 'expected two different key ids, got "k1" twice' },
  ])("refuses $name without showing it", ({ text, says }) => {
    const attempt = (): unknown => parseSigningKeys(text);
    expect(attempt).toThrow(`ZGATE_SIGNING_KEYS: `);
    expect(attempt).toThrow(says);
    expect(attempt).not.toThrow(ENCODED);
    expect(attempt).not.toThrow(SECRET.toString("base64"));
  });
});
