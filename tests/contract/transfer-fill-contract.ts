/**
 * Store contract: filling a slot under a run, and what a fill that comes too late must not do.
 * It must not know how rows are stored.
 */
import { expect, it } from "vitest";
import type { Store } from "../../shards/store/port.ts";
import type { SlotFill, SlotRow, SlotRowName } from "../../shards/store/transfer.ts";
import { addressOf, force, type OpenStore } from "./store-fixture.ts";
import {
  begin,
  documentRow,
  inOrder,
  LAMP,
  MOVE,
  NEXT_RUN,
  RUN,
  received,
  recordRow,
  rowsOf,
  send,
  slotAt,
  tombstoneRow,
  WIDE,
} from "./transfer-fixture.ts";

/** Beyond the letters: keys of this slot are ordered differently by code points and by UTF-16 units. */
const ASTRAL = slotAt(addressOf("a\u{1f600}"));

const FILL: SlotFill = { address: LAMP, run: RUN, put: [], remove: [] };
const ROWS: readonly SlotRow[] = [
  documentRow("lab", '{"n": 1.10}'),
  tombstoneRow("lace"),
  documentRow("lamp", '"\u{1f600} ü"'),
  recordRow("c1"),
  recordRow("c2"),
];

/** Writing and removing rows of a slot that is being received. */
export function describeFills(openStore: OpenStore): void {
  describeRowsOfFills(openStore);
  describeSpecialFills(openStore);
  describeRefusedFills(openStore);
}

function describeRowsOfFills(openStore: OpenStore): void {
  it(
    "writes rows as they are; a repetition changes nothing",
    received(openStore, async (store) => {
      const ownership = await store.ownership(LAMP);
      for (let times = 0; times < 2; times += 1) {
        expect(await store.fillSlot({ ...FILL, put: ROWS.toReversed() })).toEqual({ kind: "applied" });
        expect(await rowsOf(store, LAMP)).toEqual(ROWS);
      }
      expect(await store.ownership(LAMP)).toEqual(ownership);
      expect(await store.fillSlot(FILL)).toEqual({ kind: "applied" });
    }),
  );

  it(
    "replaces whatever is under a row's name, and removes by name",
    received(openStore, async (store) => {
      await store.fillSlot({ ...FILL, put: ROWS });
      const later: readonly SlotRow[] = [
        tombstoneRow("lab", "later"),
        documentRow("lace", "3"),
        { ...recordRow("c1"), atMs: 5 },
      ];
      const removed: readonly SlotRowName[] = [
        { of: "key", name: "lamp" },
        { of: "key", name: "lamp-that-never-was" },
        { of: "record", name: "c2" },
        { of: "record", name: "lab" },
      ];
      const fill = { ...FILL, put: later, remove: removed };
      expect(await store.fillSlot(fill)).toEqual({ kind: "applied" });
      expect(await rowsOf(store, LAMP)).toEqual(later);
      expect(
        await store.fillSlot({
          ...FILL,
          remove: [
            { of: "key", name: "lace" },
            { of: "key", name: "lab" },
          ],
        }),
      ).toEqual({
        kind: "applied",
      });
      expect(await rowsOf(store, LAMP)).toEqual([{ ...recordRow("c1"), atMs: 5 }]);
    }),
  );
}

function describeSpecialFills(openStore: OpenStore): void {
  it(
    "takes more than one request to the database may hold, and rows of half a megabyte",
    received(openStore, async (store) => {
      const large = [1, 2, 3].map((index) => documentRow(`lamp-large-${index}`, `"${"ü".repeat(500_000)}"`));
      const many = Array.from({ length: 1500 }, (_, index) => documentRow(`lamp-${index}`));
      const records = Array.from({ length: 600 }, (_, index) => recordRow(`claim-${index}`));
      expect(await store.fillSlot({ ...FILL, put: [...large, ...many, ...records] })).toEqual({ kind: "applied" });
      expect(await rowsOf(store, LAMP, { rowsMax: 500, bytesMax: 300_000 })).toEqual(
        inOrder([...large, ...many, ...records]),
      );
    }),
  );

  it(
    "keeps keys of all planes in the order of code points",
    received(openStore, async (store) => {
      await begin(store, ASTRAL);
      const keys = ["a\u{1f600}", "a\u{ffe0}", "a\u{1f600}\u{10428}", "a~", "aé", "a\u{10428}"];
      await store.fillSlot({ ...FILL, address: ASTRAL, put: keys.map((key) => documentRow(key)) });
      const order = ["a~", "aé", "a\u{ffe0}", "a\u{10428}", "a\u{1f600}", "a\u{1f600}\u{10428}"];
      for (const rowsMax of [1, 2, 10]) {
        expect(await rowsOf(store, ASTRAL, { ...WIDE, rowsMax })).toEqual(order.map((key) => documentRow(key)));
      }
    }),
  );

  it(
    "refuses keys of another slot, whatever the columns say",
    received(openStore, async (store) => {
      await expect(store.fillSlot({ ...FILL, put: [documentRow("zoo")] })).rejects.toThrow(/"zoo" lies in slot "zo"/);
      await expect(store.fillSlot({ ...FILL, remove: [{ of: "key", name: "zoo" }] })).rejects.toThrow(RangeError);
      expect(await rowsOf(store, LAMP)).toEqual([]);
    }),
  );
}

function describeRefusedFills(openStore: OpenStore): void {
  const { move, epoch } = MOVE;
  const changes: readonly { readonly name: string; readonly apply: (store: Store) => Promise<unknown> }[] = [
    { name: "of another run", apply: (store) => takeOver(store) },
    {
      name: "of a slot that is sealed",
      apply: (store) => send(store, LAMP, { kind: "seal", move, epoch, run: RUN, digest: "equal" }),
    },
    { name: "of an aborted slot", apply: (store) => send(store, LAMP, { kind: "abort", move, epoch }) },
    { name: "of an owner", apply: (store) => force(store, LAMP, "OWNER") },
    { name: "of a fenced slot", apply: (store) => force(store, LAMP, "FENCED") },
    { name: "of a slot that is gone", apply: (store) => force(store, LAMP, "GONE") },
    { name: "of a slot as created", apply: (store) => force(store, LAMP, "NONE") },
  ];

  it.each(changes)("refuses a fill $name, and changes nothing", ({ apply }) =>
    received(openStore, async (store) => {
      await store.fillSlot({ ...FILL, put: ROWS });
      await apply(store);
      const ownership = await store.ownership(LAMP);
      const late = {
        ...FILL,
        put: [documentRow("lab", "late"), recordRow("late")],
        remove: [{ of: "key", name: "lamp" }] as const,
      };
      expect(await store.fillSlot(late)).toEqual({ kind: "refused", ownership });
      expect(await store.slotPage({ address: LAMP, after: null, ...WIDE })).toEqual({
        ownership,
        rows: ROWS,
        next: null,
      });
    })(),
  );

  it(
    "goes on under the run that took over",
    received(openStore, async (store) => {
      await takeOver(store);
      expect(await store.fillSlot({ ...FILL, run: NEXT_RUN, put: ROWS })).toEqual({ kind: "applied" });
      expect(await rowsOf(store, LAMP)).toEqual(ROWS);
    }),
  );
}

function takeOver(store: Store) {
  return send(store, LAMP, { kind: "take-over", ...MOVE, run: NEXT_RUN, previousRun: RUN });
}
