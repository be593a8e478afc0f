// What the comparison after the fence asks of either side, and that it misses nothing. Must not test the rest of a slot's move.
import { afterEach, beforeEach, expect, test } from "vitest";
import { CHUNK_ROWS } from "../../../shards/mover/slot-digest.ts";
import { runSlot } from "../../../shards/mover/slot-runner.ts";
import type { SlotSide } from "../../../shards/mover/slot-side.ts";
import type { SlotFill } from "../../../shards/store/transfer.ts";
import { put, remove } from "../../contract/store-fixture.ts";
import { aroundRows, type MoveBed, openBed, planSlot, rowsOf, runOptions, SLOT } from "./move-bed.ts";

let bed: MoveBed;
beforeEach(async () => {
  bed = await openBed();
});
afterEach(() => bed.dispose());

const decided = { kind: "end", outcome: "decided" };

async function fill(count: number): Promise<void> {
  await bed.stores.source.commit(Array.from({ length: count }, (_, index) => put(`lamp-${index}`, `{"n":${index}}`)));
}

test("reads the source once after the fence, whatever was written shortly before it", async () => {
  await fill(600);
  const options = runOptions(bed, { move: await planSlot(bed), goal: "finish" });
  const { source } = options.sides;
  let streams = 0;
  let sent = 0;
  const counted = aroundRows(source, async function* (parts) {
    streams += 1;
    for await (const part of parts) {
      if (part.kind === "rows") sent += part.rows.length;
      yield part;
    }
  });
  const written: SlotSide = {
    ...counted,
    async send(event, terms) {
      if (event.kind === "fence") {
        const atMs = Date.now();
        await bed.stores.source.commit([
          put("lamp-1", '"late"', { atMs }),
          remove("lamp-2", { atMs }),
          put("lampion", '"new"', { atMs }),
        ]);
        streams = 0;
      }
      return counted.send(event, terms);
    },
  };
  expect(await runSlot({ ...options, sides: { ...options.sides, source: written } })).toMatchObject(decided);
  expect(streams).toBe(1);
  // The chunks of these three, of the 600 that are there.
  expect(sent).toBeLessThanOrEqual(600 + 3 * CHUNK_ROWS);
  const there = await rowsOf(bed.stores.destination);
  expect(there).toEqual(await rowsOf(bed.stores.source));
  expect(there).toContainEqual(expect.objectContaining({ key: "lampion", json: '"new"' }));
  const equal = bed.traces.filter(({ step }) => step === "equal");
  expect(equal).toHaveLength(1);
});

test("finds what was written late with an old time, too, in a second look", async () => {
  await fill(600);
  const options = runOptions(bed, { move: await planSlot(bed), goal: "finish" });
  const { source } = options.sides;
  const asked: (number | null)[] = [];
  const noted = aroundRows(source, (parts, { recentMs }) => {
    asked.push(recentMs);
    return parts;
  });
  const written: SlotSide = {
    ...noted,
    async send(event, terms) {
      if (event.kind === "fence") {
        await bed.stores.source.commit([put("lamp-1", '"late"'), remove("lamp-2"), put("lampion", '"new"')]);
        asked.length = 0;
      }
      return noted.send(event, terms);
    },
  };
  expect(await runSlot({ ...options, sides: { ...options.sides, source: written } })).toMatchObject(decided);
  expect(asked).toEqual([expect.any(Number), null]);
  expect(await rowsOf(bed.stores.destination)).toEqual(await rowsOf(bed.stores.source));
});

test("an answer in short that is no answer is not asked for again, however busy the slot is", async () => {
  await fill(200);
  const options = runOptions(bed, { move: await planSlot(bed), goal: "finish" });
  const { source } = options.sides;
  const asked: (number | null)[] = [];
  let nowMs = 0;
  const older = aroundRows(source, async function* (parts, { recentMs }) {
    asked.push(recentMs);
    if (recentMs !== null) throw new Error("status 400");
    // No pass is short, and each finds much to do.
    nowMs += 1000;
    if ((await bed.stores.source.ownership(SLOT)).state === "OWNER") await fill(200);
    yield* parts;
  });
  const sides = { ...options.sides, source: older };
  expect(await runSlot({ ...options, sides, monotonicMs: () => nowMs })).toMatchObject(decided);
  expect(asked.filter((recentMs) => recentMs !== null)).toHaveLength(1);
  expect(asked.length).toBeGreaterThan(3);
  expect(await rowsOf(bed.stores.destination)).toEqual(await rowsOf(bed.stores.source));
});

test.each([
  { what: "few rows of many", rows: 300, late: 1 },
  { what: "many of few", rows: 10, late: 5 },
])(
  "what was put right is read again before it is sealed: $what that the destination forgets are written again",
  async ({ rows, late }) => {
    await fill(rows);
    const options = runOptions(bed, { move: await planSlot(bed), goal: "finish" });
    const { source } = options.sides;
    let forgets = 0;
    const fenced: SlotSide = {
      ...source,
      async send(event, terms) {
        if (event.kind === "fence") {
          await bed.stores.source.commit(Array.from({ length: late }, (_, index) => put(`lamp-${index}`, '"late"')));
          forgets = 1;
        }
        return source.send(event, terms);
      },
    };
    const { copying } = options;
    if (copying === null) throw new Error("it copies");
    const store = {
      slotPage: copying.store.slotPage.bind(copying.store),
      fillSlot: (fill: SlotFill) => {
        forgets -= 1;
        return forgets === 0 ? Promise.resolve({ kind: "applied" as const }) : copying.store.fillSlot(fill);
      },
    };
    const sides = { ...options.sides, source: fenced };
    expect(await runSlot({ ...options, sides, copying: { ...copying, store } })).toMatchObject(decided);
    expect(forgets).toBe(-1);
    expect(await rowsOf(bed.stores.destination)).toEqual(await rowsOf(bed.stores.source));
  },
);
