// The pinned epochs of a move, coded by runs and back. Must not know which slots they are.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { epochsOfRuns, runsOfEpochs } from "../../../router/epoch-runs.ts";
import { holds } from "../seed.ts";

describe("runsOfEpochs", () => {
  it.each([
    { name: "nothing", epochs: [], runs: [] },
    { name: "one slot", epochs: [2], runs: [{ slots: 1, epoch: 2 }] },
    { name: "equal neighbours", epochs: [2, 2, 2], runs: [{ slots: 3, epoch: 2 }] },
    {
      name: "an epoch that comes back",
      epochs: [2, 4, 2],
      runs: [
        { slots: 1, epoch: 2 },
        { slots: 1, epoch: 4 },
        { slots: 1, epoch: 2 },
      ],
    },
  ])("codes $name", ({ epochs, runs }) => {
    expect(runsOfEpochs(epochs)).toEqual(runs);
  });

  it("loses nothing, and no two neighbours share an epoch", () => {
    holds(
      fc.property(fc.array(fc.integer({ min: 1, max: 4 })), (epochs) => {
        const runs = runsOfEpochs(epochs);
        expect(epochsOfRuns(runs)).toEqual(epochs);
        for (const [index, run] of runs.entries()) expect(run.epoch).not.toBe(runs[index + 1]?.epoch);
      }),
    );
  });
});
