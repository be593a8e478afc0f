// What travels between shards is taken only when it is well-formed, and comes out as it went in.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ShardId, SlotId } from "../../../router/ids.ts";
import { MISPLACED_LENGTH_MAX, MISPLACED_NAMED_MAX } from "../../../router/misplaced-key.ts";
import { NEVER_HELD, OWN_STATES, type Ownership } from "../../../router/ownership.ts";
import {
  parseEventReply,
  parseOwnership,
  parseOwnershipEvent,
  parseSlotReport,
} from "../../../router/ownership-wire.ts";
import type { OwnershipEvent } from "../../../router/slot-transition.ts";
import { holds } from "../seed.ts";

const S1 = "shard-1" as ShardId;
const at = { move: "m", epoch: 2 };

const EVENTS: readonly OwnershipEvent[] = [
  { kind: "claim" },
  { kind: "begin", ...at, run: "r", seenEpoch: 0, source: S1 },
  { kind: "take-over", ...at, run: "r2", previousRun: "r" },
  { kind: "take-over", ...at, run: "r2", previousRun: "" },
  { kind: "fence", ...at, destination: S1 },
  { kind: "seal", ...at, run: "r", digest: "3:abc" },
  { kind: "go", ...at },
  { kind: "decide", ...at, run: "r", digest: "3:abc" },
  { kind: "abort", ...at },
  { kind: "restore", ...at, destination: S1 },
];

describe("an event", () => {
  test.each(EVENTS.map((event) => [event.kind, event] as const))("%s comes out as it went in", (_kind, event) => {
    expect(parseOwnershipEvent(JSON.parse(JSON.stringify(event)))).toEqual({ ok: true, value: event });
  });

  test.each(EVENTS.map((event) => [event.kind, event] as const))(
    "%s needs each of its fields, and no other",
    (_kind, event) => {
      for (const name of Object.keys(event)) {
        const { [name as "kind"]: _left, ...rest } = event;
        expect(parseOwnershipEvent(rest)).toMatchObject({ ok: false });
        expect(parseOwnershipEvent({ ...event, [name]: [] })).toMatchObject({ ok: false });
      }
      expect(parseOwnershipEvent({ ...event, more: 1 })).toMatchObject({ ok: false });
    },
  );

  test.each([
    ["an epoch that no move can have", { kind: "go", move: "m", epoch: 1 }],
    ["an epoch that is no whole number", { kind: "go", move: "m", epoch: 2.5 }],
    ["an empty move", { kind: "go", move: "", epoch: 2 }],
    ["a move without end", { kind: "go", move: "m".repeat(129), epoch: 2 }],
    ["a shard that cannot be", { kind: "fence", move: "m", epoch: 2, destination: "../etc" }],
    ["a kind that objects inherit", { kind: "constructor" }],
  ])("with %s is refused", (_name, event) => {
    expect(parseOwnershipEvent(event)).toMatchObject({ ok: false, reason: "NOT_AN_EVENT" });
  });
});

const ownerships: fc.Arbitrary<Ownership> = fc.record({
  state: fc.constantFrom(...OWN_STATES),
  epoch: fc.nat(),
  move: fc.option(fc.string()),
  run: fc.option(fc.string()),
  to: fc.option(fc.constant(S1)),
  digest: fc.option(fc.string()),
});

describe("columns, replies and reports", () => {
  test("come out as they went in", () => {
    holds(
      fc.property(ownerships, (ownership) => {
        expect(parseOwnership(JSON.parse(JSON.stringify(ownership)))).toEqual({ ok: true, value: ownership });
        const refusal = { kind: "refused", reason: "sealed", detail: "why", ownership } as const;
        expect(parseEventReply(refusal)).toEqual({ ok: true, value: refusal });
        expect(parseEventReply({ kind: "changed", ownership })).toMatchObject({ ok: true });
        const report = { slot: "la" as SlotId, ownership, rows: 3, bytes: 4 };
        expect(parseSlotReport(report)).toEqual({ ok: true, value: report });
        const named = [
          { key: "Lamp", belongsTo: null },
          { key: "zoo", belongsTo: "zo" as SlotId },
        ];
        const checked = { slot: "la" as SlotId, ownership, rows: 3, misplaced: { rows: 2, named } };
        expect(parseSlotReport(JSON.parse(JSON.stringify(checked)))).toEqual({ ok: true, value: checked });
      }),
    );
  });

  test("of anything else are refused, whatever it is", () => {
    holds(
      fc.property(fc.anything(), (input) => {
        for (const parse of [parseOwnership, parseOwnershipEvent, parseEventReply, parseSlotReport]) {
          expect(parse(input).ok).toBe(false);
        }
      }),
    );
    const none = { rows: 0, named: [] };
    const many = Array.from({ length: MISPLACED_NAMED_MAX + 1 }, () => ({ key: "A", belongsTo: null }));
    const contents: readonly object[] = [
      { rows: 1 },
      { bytes: 1 },
      { rows: 1, bytes: -1 },
      { misplaced: none },
      { rows: 1, bytes: 1, misplaced: none },
      { rows: 1, misplaced: { rows: 0 } },
      { rows: 1, misplaced: { rows: "0", named: [] } },
      { rows: 1, misplaced: { rows: 1, named: [{ key: 1, belongsTo: null }] } },
      { rows: 1, misplaced: { rows: 1, named: [{ key: "A" }] } },
      { rows: 1, misplaced: { rows: 1, named: [{ key: "A".repeat(MISPLACED_LENGTH_MAX + 1), belongsTo: null }] } },
      { rows: 1, misplaced: { rows: many.length, named: many } },
    ];
    for (const content of contents)
      expect(parseSlotReport({ slot: "la", ownership: NEVER_HELD, ...content })).toMatchObject({ ok: false });
    expect(parseEventReply({ kind: "refused", reason: "mood", detail: "", ownership: NEVER_HELD })).toMatchObject({
      ok: false,
    });
  });
});
