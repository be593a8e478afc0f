// The crash matrix: each step of a move × before, reply lost, after × who is struck × how it goes on, all of them on real processes.
// Must not leave a process behind.
import { beforeAll, describe, expect, test } from "vitest";
import { crashGroups } from "./cells.ts";
import { GroupPool } from "./group-pool.ts";
import type { GroupFound } from "./group-run.ts";
import { wantedCells } from "./run-options.ts";

const pool = new GroupPool(crashGroups(wantedCells(process.env)));

beforeAll(() => pool.start());

describe.each(pool.runs.map((run) => ({ name: `${run.group.victim} struck, then ${run.group.finish}`, ...run })))(
  "$name",
  ({ name, group, found }) => {
    let result: GroupFound;

    beforeAll(async () => {
      result = await found;
      const { durationMs, phases } = result;
      console.log(`${name}: ${group.cells.length} cells, ${Math.round(durationMs)} ms (${phases})`);
    });

    test.each(group.cells)("$name", (cell) => {
      expect(result.faults.get(cell.name)).toEqual([]);
    });

    test("the model explains every step of every runner, and no process has seen what must never be", () => {
      expect(result.general).toEqual([]);
      expect(result.steps).toBeGreaterThan(0);
    });
  },
);
