// Which Idempotency-Key headers are the same key, and which are refused.
import { expect, test } from "vitest";
import { parseIdempotencyKey } from "../../../shards/http/idempotency-key.ts";

test.each([
  ["absent", null, null],
  ["bare", "a-1", "a-1"],
  ["quoted", '"a-1"', "a-1"],
  ["escaped quote", '"a\\"b"', 'a"b'],
  ["escaped backslash", '"a\\\\b"', "a\\b"],
  ["as long as allowed", "k".repeat(255), "k".repeat(255)],
  ["as long as allowed, quoted", `"${"k".repeat(255)}"`, "k".repeat(255)],
])("%s", (_name, header, key) => {
  expect(parseIdempotencyKey(header)).toEqual({ ok: true, value: key });
});

test.each([
  ["empty", ""],
  ["empty string", '""'],
  ["half quoted", '"a'],
  ["quote behind", '"a"b'],
  ["parameters", '"a";b=1'],
  ["unknown escape", '"a\\n"'],
  ["a space", "a b"],
  ["a space, quoted", '"a b"'],
  ["two headers", '"a", "a"'],
  ["too long", "k".repeat(256)],
  ["not ASCII", "ä"],
])("%s is refused", (_name, header) => {
  expect(parseIdempotencyKey(header)).toMatchObject({ ok: false, reason: "INVALID_PARAMETER" });
});
