// How fast a slot is copied before its fence and compared behind it. Must not test rests themselves; courtesy.test.ts does.
import { afterEach, beforeEach, expect, test } from "vitest";
import { type MoveCourtesy, NO_COURTESY } from "../../../shards/mover/courtesy.ts";
import { runSlot } from "../../../shards/mover/slot-runner.ts";
import type { SlotPageRequest } from "../../../shards/store/transfer.ts";
import { put } from "../../contract/store-fixture.ts";
import { type MoveBed, openBed, planSlot, runOptions } from "./move-bed.ts";

let bed: MoveBed;
beforeEach(async () => {
  bed = await openBed();
});
afterEach(() => bed.dispose());

test("after the fence everything is done in a hurry: no rest, and pieces of another size", async () => {
  await bed.stores.source.commit(Array.from({ length: 300 }, (_, index) => put(`lamp-${index}`, "{}")));
  const options = runOptions(bed, { move: await planSlot(bed), goal: "finish" });
  const { copying } = options;
  if (copying === null) throw new Error("broken assumption: a runner that copies");
  const paces: string[] = [];
  const courtesy: MoveCourtesy = {
    begin: () => {
      paces.push("may rest");
      return () => Promise.resolve();
    },
    pieceRows: () => 32,
    inHurry: () => ({ ...NO_COURTESY, pieceRows: () => 128 }),
  };
  const store = {
    slotPage: (request: SlotPageRequest) => {
      paces.push(`page of ${request.rowsMax}`);
      return copying.store.slotPage(request);
    },
    fillSlot: copying.store.fillSlot.bind(copying.store),
  };
  const onFenced = (): void => void paces.push("fenced");
  expect(await runSlot({ ...options, onFenced, copying: { ...copying, courtesy, store } })).toMatchObject({
    outcome: "decided",
  });
  const fencedAt = paces.indexOf("fenced");
  expect(new Set(paces.slice(0, fencedAt))).toEqual(new Set(["may rest", "page of 32"]));
  expect(new Set(paces.slice(fencedAt + 1))).toEqual(new Set(["page of 128"]));
});
