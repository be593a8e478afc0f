// Negative controls of the crash matrix: with a bug in the processes, the cells that it concerns have to find it. Must not leave a process
// behind, nor test anything of a product without the bug.
import { expect, test } from "vitest";
import { cleanUpAtLast } from "../faults/last-resort.ts";
import { crashGroups, type Finish, type Victim } from "./cells.ts";
import type { CrashPair } from "./crash-pair.ts";
import { runGroup } from "./group-run.ts";
import { PLANTED_BUGS, type PlantedBug } from "./planted-bugs.ts";
import type { CrashPoint, CrashStep } from "./steps.ts";

interface Control {
  readonly victim: Victim;
  readonly finish: Finish;
  readonly cells: readonly `${CrashStep} ${CrashPoint}`[];
  /** What one of the cells has to say. */
  readonly finding: RegExp;
}

const CONTROLS: Readonly<Record<PlantedBug, Control>> = {
  "failure-taken-for-done": {
    victim: "source",
    finish: "resume",
    cells: ["go before"],
    finding: /not one owner|but source FENCED/,
  },
  "fill-without-run": {
    victim: "runner",
    finish: "takeover",
    cells: ["copy-fill before"],
    finding: /acknowledged was/,
  },
  "records-stay-behind": {
    victim: "runner",
    finish: "resume",
    cells: ["decide before"],
    finding: /not as a repetition/,
  },
  "forgotten-fence": {
    victim: "source",
    finish: "resume",
    cells: ["go before"],
    finding: /a store is lost/,
  },
};

/** Moves that never end are what some bugs lead to. */
const END_MS_MAX = 6000;

const pairs = new Set<CrashPair>();
cleanUpAtLast(() => {
  for (const pair of pairs) pair.killAll();
});

test.each(Object.entries(PLANTED_BUGS))("is found: %s (%s)", async (name) => {
  const planted = name as PlantedBug;
  const { victim, finish, cells, finding } = CONTROLS[planted];
  const chosen = crashGroups(`, ${victim}, ${finish}`).map((group) => ({
    ...group,
    cells: group.cells.filter((cell) => cells.some((wanted) => cell.name.startsWith(wanted))),
  }));
  const [group] = chosen;
  if (group === undefined) throw new Error("broken assumption: there is such a group");
  const found = await runGroup(group, { planted, endMsMax: END_MS_MAX, onPair: (pair) => pairs.add(pair) });
  expect([...found.faults.values()].flat().join("\n")).toMatch(finding);
});
