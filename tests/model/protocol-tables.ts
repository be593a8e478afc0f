// The tables of docs/protocol-model.md, made from the invariants and the planted bugs.
// Must not write the page; a test compares.
import { INVARIANTS } from "../../router/move-invariants.ts";
import { PLANTED_BUGS } from "./planted.ts";
import { SECOND_LOCKS } from "./second-locks.ts";

/** Each table as lines of Markdown. */
export const TABLES: Readonly<Record<"invariants" | "bugs" | "locks", readonly string[]>> = {
  invariants: [
    "| no. | always |",
    "|---|---|",
    ...Object.entries(INVARIANTS).map(([invariant, sentence]) => `| ${invariant} | ${sentence} |`),
  ],
  bugs: [
    "| planted bug | breaks | steps | because |",
    "|---|---|---|---|",
    ...PLANTED_BUGS.map(({ name, breaks, steps, why }) => `| ${name} | ${breaks} | ${steps} | ${why} |`),
  ],
  locks: [
    "| left out | harmless because |",
    "|---|---|",
    ...SECOND_LOCKS.map(({ name, why }) => `| ${name} | ${why} |`),
  ],
};
