// Runs of slots: together they are the whole key space, and each says what single lookups say.
// It must not need shards.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runAt } from "../../../edge/list/list-runs.ts";
import type { CollectionName, MapVersion, ShardId, SlotId } from "../../../router/ids.ts";
import { adoptMap, learnOwner, noHints, type RouteHints, routeOf } from "../../../router/route-hints.ts";
import { type Placement, prefixesOf, slotsOfPrefix } from "../../../router/slot.ts";
import { holds } from "../seed.ts";

const shard = (id: string): ShardId => id as ShardId;

const placements: readonly Placement[] = [
  { kind: "range", stripes: 1 },
  { kind: "hash", stripes: 1 },
];

function hintsOf(
  placement: Placement,
  learned: readonly { readonly index: number; readonly owner: string }[],
): RouteHints {
  const middle = prefixesOf(placement)[500] ?? "";
  const ranges = [
    { start: "", end: middle, shard: shard("a") },
    { start: middle, end: null, shard: shard("b") },
  ];
  const map = { collection: "things" as CollectionName, version: 1 as MapVersion, parent: 0, ranges };
  return learned.reduce<RouteHints>(
    (hints, { index, owner }, position) => {
      const [slot] = slotsOfPrefix(placement, prefixesOf(placement)[index] ?? "");
      return learnOwner(hints, { slot: slot ?? ("" as SlotId), epoch: position + 2, owner: shard(owner) });
    },
    adoptMap(noHints(placement), map),
  );
}

describe.each(placements)("runs of $kind", (placement) => {
  const prefixes = prefixesOf(placement);
  const learned = fc.array(
    fc.record({
      index: fc.constantFrom(0, 1, 498, 499, 500, 501, prefixes.length - 1),
      owner: fc.constantFrom("a", "b", "c"),
    }),
    { maxLength: 6 },
  );

  it("agree with the route of every single slot", () => {
    holds(
      fc.property(learned, (steps) => {
        const hints = hintsOf(placement, steps);
        for (const prefix of prefixes) {
          const [slot] = slotsOfPrefix(placement, prefix);
          const route = routeOf(hints, slot ?? ("" as SlotId), prefix);
          const run = runAt(hints, prefix);
          expect([run?.shard, run?.epoch]).toEqual([route?.shard, route?.epoch]);
        }
      }),
      { runs: 20 },
    );
  });

  it("follow each other to the end, never twice the same shard", () => {
    holds(
      fc.property(learned, (steps) => {
        const hints = hintsOf(placement, steps);
        const shards: string[] = [];
        for (let position: string | null = ""; position !== null; ) {
          const run = runAt(hints, position);
          expect(run).not.toBeNull();
          expect(run?.shard).not.toBe(shards.at(-1));
          shards.push(run?.shard ?? "");
          position = run?.end ?? null;
        }
        expect(shards.length).toBeLessThanOrEqual(2 + 2 * steps.length);
      }),
      { runs: 50 },
    );
  });
});

describe("without a map", () => {
  it("there is no run", () => {
    expect(runAt(noHints({ kind: "hash", stripes: 1 }), "")).toBeNull();
  });
});
