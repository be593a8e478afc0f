// The signature of the internal hop: what passes, and that nothing signed can be changed.
import { expect, test } from "vitest";
import { parseSigningKeys } from "../../../config/signing-keys.ts";
import { HEADER, SIGNATURE_WINDOW_MS, SIGNED_CLIENT_HEADERS } from "../../../router/contract.ts";
import { createSigner, createVerifier, digestBody, EMPTY_BODY_DIGEST } from "../../../shards/http/signature.ts";

const KEYS = parseSigningKeys(`new:${"A".repeat(43)},old:${"B".repeat(43)}`);
const OLD_FIRST = parseSigningKeys(`old:${"B".repeat(43)},new:${"A".repeat(43)}`);
const STRANGERS = parseSigningKeys(`new:${"C".repeat(43)}`);
const TARGET = { method: "PUT", path: "/products/a", query: "x=1" };
const NOW_MS = 1_700_000_000_000;

function check(options: {
  readonly keys?: typeof KEYS;
  readonly offsetMs?: number;
  readonly target?: Partial<typeof TARGET>;
  readonly bend?: (headers: Record<string, string>) => void;
}): string | null {
  const sign = createSigner(options.keys ?? KEYS, { nowMs: () => NOW_MS + (options.offsetMs ?? 0) });
  const headers = sign(TARGET, { "content-type": "application/json", [HEADER.op]: "o" }, Buffer.from("{}"));
  options.bend?.(headers);
  const verify = createVerifier(KEYS, { nowMs: () => NOW_MS });
  return verify({ ...TARGET, ...options.target }, (name) => headers[name] ?? null);
}

test.each([
  ["as it was signed", {}],
  ["with the second key", { keys: OLD_FIRST }],
  ["at the edge of the window", { offsetMs: -SIGNATURE_WINDOW_MS }],
  ["at the other edge", { offsetMs: SIGNATURE_WINDOW_MS }],
])("%s it passes", (_name, options) => {
  expect(check(options)).toBeNull();
});

test.each([
  ["too old", { offsetMs: -SIGNATURE_WINDOW_MS - 1 }, "too old"],
  ["from the future", { offsetMs: SIGNATURE_WINDOW_MS + 1 }, "too old"],
  ["another secret under a known id", { keys: STRANGERS }, "does not match"],
  ["another method", { target: { method: "DELETE" } }, "does not match"],
  ["another path", { target: { path: "/products/b" } }, "does not match"],
  ["another query", { target: { query: "" } }, "does not match"],
])("%s it does not", (_name, options, reason) => {
  expect(check(options)).toContain(reason);
});

test.each([...Object.values(HEADER).filter((name) => name !== HEADER.listCovered), ...SIGNED_CLIENT_HEADERS])(
  "%s can be neither changed nor added nor left out",
  (name) => {
    const change = (headers: Record<string, string>): void => {
      headers[name] = `${headers[name] ?? ""}1`;
    };
    expect(check({ bend: change })).not.toBeNull();
    const leaveOut = (headers: Record<string, string>): void => {
      if (name in headers) Reflect.deleteProperty(headers, name);
      else headers[name] = "";
    };
    expect(check({ bend: leaveOut })).not.toBeNull();
  },
);

test("no second spelling of the signature's bits is accepted", () => {
  const spell = (headers: Record<string, string>): void => {
    const signature = headers[HEADER.signature] ?? "";
    headers[HEADER.signature] = `${signature}=`;
  };
  expect(check({ bend: spell })).toContain("does not match");
});

test("digests are base64url SHA-256", () => {
  expect(EMPTY_BODY_DIGEST).toBe("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
  expect(digestBody(Buffer.from("{}"))).toBe("RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o");
});
