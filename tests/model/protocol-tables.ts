// The tables of docs/protocol-model.md, made from the invariants and the planted bugs.
// Must not write the page; a test compares.
import { INVARIANTS, type InvariantId } from "../../router/move-invariants.ts";
import { PLANTED_BUGS } from "./planted.ts";
import { SECOND_LOCKS } from "./second-locks.ts";

const [MODEL, SIMULATION, CHAOS] = ["model/model.test.ts", "sim/sim.test.ts", "chaos/chaos.test.ts"];
const CRASH = "crash/crash.test.ts";

/** The tests that fail when an invariant does not hold, by their paths in tests/. */
export const HELD_BY: Readonly<Record<InvariantId, readonly string[]>> = {
  I1: [MODEL, SIMULATION, CRASH, CHAOS],
  I2: [MODEL, SIMULATION, "contract/ownership-contract.ts"],
  I3: [MODEL, SIMULATION],
  I4: [MODEL, SIMULATION, CHAOS],
  I5: [MODEL, SIMULATION, CHAOS],
  I6: [MODEL, SIMULATION, CRASH, CHAOS],
  I7: [
    ...[MODEL, SIMULATION],
    ...["contract/transfer-cleaning-contract.ts", "contract/transfer-fill-contract.ts", "contract/sweep-contract.ts"],
  ],
  I8: [MODEL, SIMULATION],
  I9: [MODEL, SIMULATION],
  I10: [MODEL, SIMULATION, CRASH, CHAOS],
  I11: [MODEL, SIMULATION],
  I12: [MODEL, SIMULATION],
  I13: [MODEL, SIMULATION],
  I14: [MODEL, SIMULATION],
  I15: [MODEL, SIMULATION],
  I16: [MODEL, SIMULATION, CHAOS],
};

/** Each table as lines of Markdown. */
export const TABLES: Readonly<Record<"invariants" | "bugs" | "locks", readonly string[]>> = {
  invariants: [
    "| no. | always | held by, in `tests/` |",
    "|---|---|---|",
    ...Object.entries(INVARIANTS).map(
      ([invariant, sentence]) => `| ${invariant} | ${sentence} | ${heldBy(invariant as InvariantId)} |`,
    ),
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

function heldBy(invariant: InvariantId): string {
  return HELD_BY[invariant].map((path) => `\`${path}\``).join(", ");
}
