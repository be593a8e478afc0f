// docs/errors.md and the catalogue of errors say the same, and so does what the edge tells about each code.
import { describe, expect, it } from "vitest";
import { PROBLEM_ADVICE } from "../../../edge/problem-advice.ts";
import { isProblemCode, PROBLEMS, type ProblemCode } from "../../../router/problem.ts";
import { readText } from "./markdown.ts";

const CODES = Object.keys(PROBLEMS).filter(isProblemCode);
const SECTIONS = new Map(
  readText("docs/errors.md")
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf("\n")), section]),
);

function factsOf(code: ProblemCode): string {
  const { status, title, retryable } = PROBLEMS[code];
  return `${status} · ${title} · ${retryable ? "retryable" : "not retryable"}`;
}

/** An angle bracket would begin a tag. */
const asMarkdown = (text: string): string => text.replaceAll("<", "&lt;");

describe("docs/errors.md", () => {
  it("has a section for each code, in the order of the catalogue, and no other", () => {
    expect([...SECTIONS.keys()]).toEqual(CODES);
  });

  it.each(CODES)("repeats what the gateway itself says of %s", (code: ProblemCode) => {
    const [heading, facts, advice] = (SECTIONS.get(code) ?? "").split("\n").filter((line) => line !== "");
    expect([heading, facts, advice]).toEqual([code, factsOf(code), asMarkdown(PROBLEM_ADVICE[code])]);
  });
});
