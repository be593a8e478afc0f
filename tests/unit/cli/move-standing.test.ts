// How a move stands is judged from one record and one moment, after the shards were asked, however long these take.
import { beforeEach, describe, expect, it } from "vitest";
import { CliFailure } from "../../../cli/failure.ts";
import { standingOf } from "../../../cli/moves/move-standing.ts";
import type { ShardId } from "../../../router/ids.ts";
import { formatProgress, newProgress } from "../../../router/move-progress.ts";
import type { Catalog, Move, MoveChange } from "../../../shards/catalog/port.ts";
import { author, mapOf, moveOf, SHARD_1, SHARD_2 } from "../../contract/catalog-fixture.ts";
import { T0 } from "./move-fixture.ts";
import { createOperator } from "./operator-fixture.ts";
import { openTestCatalog } from "./test-catalog.ts";

let catalog: Catalog;
let nowMs: number;
let id: string;

beforeEach(async () => {
  const opened = await openTestCatalog(mapOf(1));
  catalog = opened.catalog;
  nowMs = T0;
  const intent = moveOf("g", "h");
  ({ id } = intent);
  await catalog.createMove(intent, author());
  await change({ progress: signAt(T0) });
  return opened.dispose;
});

const signAt = (atMs: number): string => formatProgress({ ...newProgress(40, 0, T0), updatedAtMs: atMs });

async function found(): Promise<Move> {
  const move = await catalog.move(id);
  if (move === null) throw new Error("no move");
  return move;
}

async function change(wanted: Omit<MoveChange, "expectedRevision">): Promise<void> {
  await catalog.updateMove(id, { ...wanted, expectedRevision: (await found()).revision }, author());
}

/** Judges the move while that shard takes 19 s to say nothing. `meanwhile` happens in that time. */
async function standing(silent: ShardId, meanwhile: () => Promise<void>) {
  const { slots } = createOperator(catalog).shards;
  const operator = createOperator(catalog, {
    slots: async (shard, question) => {
      if (shard !== silent) return slots(shard, question);
      nowMs += 19_000;
      await meanwhile();
      throw new CliFailure(`${shard} cannot be asked`);
    },
  });
  const { move, ...rest } = await standingOf({ ...operator, nowMs: () => nowMs }, await found());
  return { state: move.state, ...rest };
}

describe("a move", () => {
  it("that is driven has no silence, however long its source was waited for", async () => {
    expect(await standing(SHARD_1, () => change({ progress: signAt(nowMs - 500) }))).toEqual({
      state: "running",
      driven: true,
      waitsFor: ["shard-1 cannot be asked"],
    });
  });

  it("of which nothing was heard meanwhile is not driven", async () => {
    expect(await standing(SHARD_1, () => Promise.resolve())).toEqual({
      state: "running",
      driven: false,
      waitsFor: ["shard-1 cannot be asked", "no sign of shard-2 for 19 s"],
    });
  });

  it("is not driven by a destination that cannot be asked, whatever it said last", async () => {
    expect(await standing(SHARD_2, () => change({ progress: signAt(nowMs - 500) }))).toEqual({
      state: "running",
      driven: false,
      waitsFor: ["shard-2 cannot be asked"],
    });
  });

  it.each(["done", "aborted"] as const)("that is %s meanwhile waits for nothing", async (state) => {
    expect(await standing(SHARD_1, () => change({ state }))).toEqual({ state, driven: false, waitsFor: [] });
  });
});
