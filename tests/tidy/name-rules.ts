// What a file may be called. Must not look inside the files.
import { fileRule, type Rule } from "./source.ts";

const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;
const SAYS_NOTHING = new Set(["util", "utils", "helper", "helpers", "common", "misc", "type", "types"]);

/** File and folder names in kebab-case. */
export const kebabCase: Rule = fileRule("kebab-case names", ({ path }) =>
  path
    .split("/")
    .filter((part) => !KEBAB_CASE.test(part))
    .map((part) => ({ path, line: 1, reason: `"${part}" is not kebab-case` })),
);

/** A file is named by the idea it holds; the listed names hold anything. */
export const tellingNames: Rule = fileRule("telling names", ({ path }) =>
  path
    .split("/")
    .map((part) => part.replace(/\..*$/, ""))
    .filter((stem) => SAYS_NOTHING.has(stem))
    .map((stem) => ({ path, line: 1, reason: `"${stem}" does not say what the file holds` })),
);
