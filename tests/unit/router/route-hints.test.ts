// What an edge believes: it only ever goes forward (invariant I9), whatever it is told in whatever order.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NotOwned } from "../../../router/contract.ts";
import type { MapVersion, ShardId, SlotId } from "../../../router/ids.ts";
import {
  adoptMap,
  LEARNED_SLOTS_MAX,
  learnOwner,
  noHints,
  type RouteHints,
  routeOf,
} from "../../../router/route-hints.ts";
import { rangeOf, type ShardMap } from "../../../router/shard-map.ts";
import { type Placement, prefixOfSlot, slotsOf } from "../../../router/slot.ts";
import { holds } from "../seed.ts";
import { COLLECTION, PLACEMENTS, SHARDS, shardMap } from "./arbitraries.ts";

const PLACEMENT: Placement = { kind: "range", stripes: 1 };
const [ONE, TWO, THREE] = SHARDS as readonly [ShardId, ShardId, ShardId];
const RE = "re" as SlotId;

function wholeMap(version: number, shard: ShardId): ShardMap {
  return {
    collection: COLLECTION,
    version: version as MapVersion,
    parent: version - 1,
    ranges: [{ start: "", end: null, shard }],
  };
}

const told = (epoch: number, owner: ShardId | null): NotOwned => ({ slot: RE, epoch, owner });

/** Hints after a sequence of maps and 421 bodies. */
function after(...events: readonly (ShardMap | NotOwned)[]): RouteHints {
  return events.reduce<RouteHints>(
    (hints, event) => ("slot" in event ? learnOwner(hints, event) : adoptMap(hints, event)),
    noHints(PLACEMENT),
  );
}

const routed = (...events: readonly (ShardMap | NotOwned)[]) => routeOf(after(...events), RE, "react");

describe("routes", () => {
  it.each([
    { name: "nowhere without a map", events: [], route: null },
    { name: "nowhere without a map, even if taught", events: [told(2, TWO)], route: null },
    { name: "by the map alone", events: [wholeMap(1, ONE)], route: { shard: ONE, epoch: 0, mapVersion: 1 } },
    {
      name: "by a newer map",
      events: [wholeMap(1, ONE), wholeMap(2, TWO)],
      route: { shard: TWO, epoch: 0, mapVersion: 2 },
    },
    {
      name: "not by an older map",
      events: [wholeMap(2, TWO), wholeMap(1, ONE)],
      route: { shard: TWO, epoch: 0, mapVersion: 2 },
    },
    { name: "by a 421", events: [wholeMap(1, ONE), told(2, TWO)], route: { shard: TWO, epoch: 2, mapVersion: 1 } },
    {
      name: "by the latest 421",
      events: [wholeMap(1, ONE), told(2, TWO), told(3, ONE)],
      route: { shard: ONE, epoch: 3, mapVersion: 1 },
    },
    {
      name: "not by an older 421",
      events: [wholeMap(1, ONE), told(3, TWO), told(2, THREE)],
      route: { shard: TWO, epoch: 3, mapVersion: 1 },
    },
    {
      name: "not by a 421 of the same epoch",
      events: [wholeMap(1, ONE), told(2, TWO), told(2, THREE)],
      route: { shard: TWO, epoch: 2, mapVersion: 1 },
    },
    {
      name: "not by a 421 without an owner",
      events: [wholeMap(1, ONE), told(2, null)],
      route: { shard: ONE, epoch: 0, mapVersion: 1 },
    },
    {
      name: "not by a 421 of epoch 0",
      events: [wholeMap(1, ONE), told(0, TWO)],
      route: { shard: ONE, epoch: 0, mapVersion: 1 },
    },
    {
      name: "by a 421 rather than by a newer map that does not know of it",
      events: [wholeMap(1, ONE), told(2, TWO), wholeMap(2, ONE)],
      route: { shard: TWO, epoch: 2, mapVersion: 2 },
    },
    {
      name: "by the map once it has said the same and then something else",
      events: [wholeMap(1, ONE), told(2, TWO), wholeMap(2, TWO), wholeMap(3, THREE)],
      route: { shard: THREE, epoch: 0, mapVersion: 3 },
    },
    {
      name: "not by a late 421 from before what the map has said",
      events: [wholeMap(1, ONE), told(3, TWO), wholeMap(2, TWO), told(2, THREE)],
      route: { shard: TWO, epoch: 0, mapVersion: 2 },
    },
    {
      name: "by the same 421 again when the map was wrong after all",
      events: [wholeMap(1, ONE), told(2, TWO), wholeMap(2, TWO), wholeMap(3, THREE), told(2, TWO)],
      route: { shard: TWO, epoch: 2, mapVersion: 3 },
    },
  ])("$name", ({ events, route }) => {
    expect(routed(...events)).toEqual(route);
  });

  it("of other slots stay as they were", () => {
    expect(routeOf(after(wholeMap(1, ONE), told(2, TWO)), "ra" as SlotId, "ra")).toEqual({
      shard: ONE,
      epoch: 0,
      mapVersion: 1,
    });
  });
});

describe("hints", () => {
  it("are the same object when nothing is new", () => {
    const hints = after(wholeMap(2, ONE), told(2, TWO));
    expect(adoptMap(hints, wholeMap(2, TWO))).toBe(hints);
    expect(learnOwner(hints, told(2, THREE))).toBe(hints);
    expect(learnOwner(hints, told(9, null))).toBe(hints);
  });

  it("forget the slot learned first when there are too many", () => {
    const slots = slotsOf({ kind: "range", stripes: 2 }).slice(0, LEARNED_SLOTS_MAX + 1);
    let hints = noHints({ kind: "range", stripes: 2 });
    for (const slot of slots) hints = learnOwner(hints, { slot, epoch: 2, owner: TWO });
    expect(hints.learned.size).toBe(LEARNED_SLOTS_MAX);
    expect(hints.learned.has(slots[0] ?? RE)).toBe(false);
    expect(hints.learned.has(slots[1] ?? RE)).toBe(true);
  });

  it("keep a slot that was learned again", () => {
    const [first, ...others] = slotsOf({ kind: "range", stripes: 2 }).slice(0, LEARNED_SLOTS_MAX + 1);
    const filled = [first ?? RE, ...others.slice(0, -1)].reduce(
      (hints, slot) => learnOwner(hints, { slot, epoch: 2, owner: TWO }),
      noHints({ kind: "range", stripes: 2 }),
    );
    const again = learnOwner(filled, { slot: first ?? RE, epoch: 3, owner: ONE });
    const more = learnOwner(again, { slot: others.at(-1) ?? RE, epoch: 2, owner: TWO });
    expect(more.learned.get(first ?? RE)).toEqual({ epoch: 3, owner: ONE });
    expect(more.learned.has(others[0] ?? RE)).toBe(false);
  });
});

type Event = { readonly kind: "map"; readonly map: ShardMap } | { readonly kind: "told"; readonly told: NotOwned };

function events(placement: Placement): fc.Arbitrary<Event[]> {
  const slots = slotsOf(placement)
    .filter((_, index) => index % 97 === 0)
    .slice(0, 12);
  const map = shardMap(placement).map((value) => ({ ...value, version: (value.version % 8) + 1 }) as ShardMap);
  const body = fc.record({
    slot: fc.constantFrom(...slots),
    epoch: fc.nat(6),
    owner: fc.option(fc.constantFrom(...SHARDS)),
  });
  return fc.array(
    fc.oneof(
      map.map((value): Event => ({ kind: "map", map: value })),
      body.map((value): Event => ({ kind: "told", told: value })),
    ),
    { maxLength: 40 },
  );
}

describe("I9: an edge never goes back to something older", () => {
  it.each(PLACEMENTS)("under any sequence of maps and 421s: %j", (placement) => {
    holds(
      fc.property(events(placement), (sequence) => {
        let hints = noHints(placement);
        for (const event of sequence) {
          const next = event.kind === "map" ? adoptMap(hints, event.map) : learnOwner(hints, event.told);
          expect(next.map?.version ?? 0).toBeGreaterThanOrEqual(hints.map?.version ?? 0);
          for (const slot of [...hints.learned.keys(), ...hints.settled.keys()]) {
            expect(epochOf(next, slot)).toBeGreaterThanOrEqual(epochOf(hints, slot));
          }
          hints = next;
        }
        expectRoutesFrom(hints, sequence);
      }),
      { runs: 300 },
    );
  });
});

/** The highest epoch that the hints hold of a slot. */
function epochOf(hints: RouteHints, slot: SlotId): number {
  return Math.max(hints.learned.get(slot)?.epoch ?? 0, hints.settled.get(slot) ?? 0);
}

/** Every route follows the newest map or the highest epoch that was told, never a value in between. */
function expectRoutesFrom(hints: RouteHints, sequence: readonly Event[]): void {
  const bodies = sequence.flatMap((event) => (event.kind === "told" && event.told.owner !== null ? [event.told] : []));
  for (const { slot } of bodies) {
    const prefix = prefixOfSlot(hints.placement, slot);
    const route = routeOf(hints, slot, prefix);
    if (route === null || hints.map === null) continue;
    const epochs = bodies.filter((body) => body.slot === slot).map((body) => body.epoch);
    if (route.epoch === 0) expect(route.shard).toBe(rangeOf(hints.map, prefix).shard);
    else expect(route.epoch).toBe(Math.max(...epochs));
  }
}
