// The edge-to-shard contract: no two requests share a signed text, and a 421 body is believed only if it is one.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  HEADER,
  parseNotOwned,
  SIGNED_CLIENT_HEADERS,
  type SignedTarget,
  signedText,
} from "../../../router/contract.ts";
import { holds } from "../seed.ts";

const TARGET: SignedTarget = { method: "PUT", path: "/products/left-pad", query: "" };
const SIGNED = [
  HEADER.keyId,
  HEADER.time,
  HEADER.bodyDigest,
  HEADER.subject,
  HEADER.permissions,
  HEADER.mapVersion,
  HEADER.slotEpoch,
  HEADER.op,
  HEADER.requestId,
  ...SIGNED_CLIENT_HEADERS,
];

type Headers = Readonly<Record<string, string>>;

const textOf = (target: SignedTarget, headers: Headers): string => signedText(target, (name) => headers[name] ?? null);

/** A header or request line part as HTTP can carry it: no line breaks. */
const part = fc.string({ unit: fc.constantFrom(..."ab=- \t\"'%/?&é"), maxLength: 6 });
const headersArbitrary = fc.dictionary(fc.constantFrom(...SIGNED), part);
const targetArbitrary = fc.record({ method: part, path: part, query: part });

describe("signedText", () => {
  it("is this text, line by line", () => {
    const headers = {
      "zgate-key-id": "k1",
      "zgate-time": "1",
      "zgate-subject": "",
      "if-match": '"a"',
      "x-other": "no",
    };
    expect(textOf({ ...TARGET, query: "limit=1" }, headers).split("\n")).toEqual([
      "zgate-1",
      "PUT",
      "/products/left-pad",
      "limit=1",
      "=k1",
      "=1",
      "-",
      "=",
      ...["-", "-", "-", "-", "-"],
      ...["-", "-", '="a"', "-", "-"],
    ]);
  });

  it.each(SIGNED)("covers %s: its value, its absence, its emptiness", (name) => {
    const texts = [{}, { [name]: "" }, { [name]: "-" }, { [name]: "a" }, { [name]: "b" }].map((headers) =>
      textOf(TARGET, headers),
    );
    expect(new Set(texts).size).toBe(5);
  });

  it("leaves out headers that do not change what a request means", () => {
    expect(textOf(TARGET, { "user-agent": "a", [HEADER.signature]: "b" })).toBe(textOf(TARGET, {}));
  });

  it("is the same for two requests only if they are the same", () => {
    holds(
      fc.property(
        targetArbitrary,
        headersArbitrary,
        targetArbitrary,
        headersArbitrary,
        (target, headers, other, others) => {
          const isSame = JSON.stringify([target, sorted(headers)]) === JSON.stringify([other, sorted(others)]);
          expect(textOf(target, headers) === textOf(other, others)).toBe(isSame);
        },
      ),
      { runs: 1000 },
    );
  });

  it("changes with every byte of the request", () => {
    const change = fc.record({ at: fc.nat(), by: fc.integer({ min: 1, max: 94 }) });
    const visible = fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((point) => String.fromCharCode(point)),
      minLength: 1,
      maxLength: 12,
    });
    holds(
      fc.property(fc.constantFrom(...SIGNED, "method", "path", "query"), visible, change, (name, value, { at, by }) => {
        const changed = replaceOne(value, at % value.length, by);
        expect(textWith(name, changed)).not.toBe(textWith(name, value));
      }),
      { runs: 1000 },
    );
  });
});

function sorted(headers: Headers): readonly (readonly [string, string])[] {
  return Object.entries(headers).sort(([left], [right]) => (left < right ? -1 : 1));
}

function textWith(name: string, value: string): string {
  const isTarget = name === "method" || name === "path" || name === "query";
  return isTarget ? textOf({ ...TARGET, [name]: value }, {}) : textOf(TARGET, { [name]: value });
}

function replaceOne(text: string, at: number, by: number): string {
  const point = 0x20 + ((text.charCodeAt(at) - 0x20 + by) % 95);
  return text.slice(0, at) + String.fromCharCode(point) + text.slice(at + 1);
}

describe("parseNotOwned", () => {
  it.each([
    { name: "an owner", body: { slot: "re", epoch: 2, owner: "shard-2" } },
    { name: "no owner", body: { slot: "re", epoch: 0, owner: null } },
  ])("takes a body with $name", ({ body }) => {
    expect(parseNotOwned(body)).toEqual({ ok: true, value: body });
  });

  it("keeps only its own fields", () => {
    expect(parseNotOwned({ slot: "re", epoch: 2, owner: null, extra: 1 })).toEqual({
      ok: true,
      value: { slot: "re", epoch: 2, owner: null },
    });
  });

  it.each([
    { name: "nothing", body: undefined },
    { name: "null", body: null },
    { name: "a text", body: "re" },
    { name: "a list", body: ["re", 2, "shard-2"] },
    { name: "no slot", body: { epoch: 2, owner: null } },
    { name: "a slot that is no text", body: { slot: 1, epoch: 2, owner: null } },
    { name: "no epoch", body: { slot: "re", owner: null } },
    { name: "an epoch below 0", body: { slot: "re", epoch: -1, owner: null } },
    { name: "an epoch with a fraction", body: { slot: "re", epoch: 1.5, owner: null } },
    { name: "an epoch as text", body: { slot: "re", epoch: "2", owner: null } },
    { name: "an owner that is not said", body: { slot: "re", epoch: 2 } },
    { name: "an owner that is a URL", body: { slot: "re", epoch: 2, owner: "http://evil.example" } },
    { name: "an owner that is no text", body: { slot: "re", epoch: 2, owner: 2 } },
  ])("refuses $name", ({ body }) => {
    expect(parseNotOwned(body)).toEqual({
      ok: false,
      reason: "NOT_A_421_BODY",
      detail: expect.stringContaining("expected"),
    });
  });

  it("takes any input apart without throwing", () => {
    holds(
      fc.property(fc.anything({ withBigInt: true }), (body) => {
        expect(typeof parseNotOwned(body).ok).toBe("boolean");
      }),
    );
  });
});
