// The error catalogue: codes that keep their shape, and bodies that say nothing but what they should.
import { describe, expect, it } from "vitest";
import { isProblemCode, PROBLEMS, type ProblemCode, problemBody } from "../../../router/problem.ts";

const CODES = Object.keys(PROBLEMS).filter(isProblemCode);

describe("the catalogue", () => {
  it.each(CODES)("has a well-formed entry for %s", (code: ProblemCode) => {
    const { status, title, retryable } = PROBLEMS[code];
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(title).toMatch(/^[A-Z][^.]+$/);
    expect(typeof retryable).toBe("boolean");
  });

  it("has a title for each code alone", () => {
    expect(new Set(Object.values(PROBLEMS).map(({ title }) => title)).size).toBe(CODES.length);
  });

  it("calls nothing retryable that the client must change first", () => {
    const retryable = Object.values(PROBLEMS).filter((kind) => kind.retryable);
    expect(new Set(retryable.map(({ status }) => status))).toEqual(new Set([408, 421, 429, 503, 504]));
  });
});

describe("problemBody", () => {
  it("has the members of RFC 9457 and the catalogue's own", () => {
    expect(problemBody("SHARD_UNAVAILABLE", { detail: "shard-2 refuses connections", requestId: "r-1" })).toEqual({
      type: "/problems/SHARD_UNAVAILABLE",
      title: "The shard of this range cannot be reached",
      status: 503,
      detail: "shard-2 refuses connections",
      code: "SHARD_UNAVAILABLE",
      retryable: true,
      requestId: "r-1",
    });
  });

  it("carries what an occurrence adds, but not over the standard members", () => {
    const extra = { reason: "SLASH", status: 200 };
    const body = problemBody("INVALID_KEY", { detail: "a slash", requestId: "r-1", extra });
    expect(body).toMatchObject({ reason: "SLASH", status: 400 });
    expect(Object.keys(body)).toEqual([
      ...["type", "title", "status", "detail", "code", "retryable", "requestId"],
      "reason",
    ]);
  });
});

describe("isProblemCode", () => {
  it.each([
    { text: "INVALID_KEY", expected: true },
    { text: "invalid_key", expected: false },
    { text: "toString", expected: false },
    { text: "", expected: false },
  ])("$text: $expected", ({ text, expected }) => {
    expect(isProblemCode(text)).toBe(expected);
  });
});
