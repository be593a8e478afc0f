// The claim of first slots at start: once, repeatable after a crash, never against what the store holds.
// Must not repeat the store's contract.
import { describe, expect, test } from "vitest";
import { type CollectionConfig, parseConfig } from "../../../config/config.ts";
import type { ShardId, SlotId } from "../../../router/ids.ts";
import { claimFirstSlots } from "../../../shards/bootstrap.ts";
import type { FirstClaim } from "../../../shards/store/port.ts";

const CONFIG = `
[[collections]]
name = "products"
kind = "range"
map = [{ start = "", end = "m", shard = "shard-1" }, { start = "m", shard = "shard-2" }]
[[shards]]
id = "shard-1"
origins = ["http://127.0.0.1:1"]
[[shards]]
id = "shard-2"
origins = ["http://127.0.0.1:2"]
[[shards]]
id = "shard-3"
origins = ["http://127.0.0.1:3"]
`;

const COLLECTIONS: readonly CollectionConfig[] = [...parseConfig(CONFIG, "zgate.toml").collections.values()];

interface World {
  readonly shard?: string;
  readonly claimed?: boolean;
  readonly held?: boolean;
  readonly claim?: FirstClaim;
}

/** Runs the claim in a world that answers as it is told; gives what was asked of it. */
async function claimIn({ shard = "shard-1", claimed = false, held = false, claim }: World) {
  const calls: string[] = [];
  const asked: SlotId[] = [];
  const lost = claimFirstSlots(
    {
      shard: shard as ShardId,
      store: {
        claimFirst: async (_collection, slots) => {
          asked.push(...slots);
          calls.push("claim");
          return claim ?? { kind: "claimed", slots: slots.length };
        },
        hasHeld: async () => held,
      },
      catalog: {
        version: async () => COLLECTIONS[0]?.initialMap ?? null,
        hasClaimed: async () => claimed,
        recordClaim: async () => void calls.push("record"),
      },
      clock: { nowMs: () => 0 },
      log: (level, event) => void calls.push(`${level} ${event}`),
    },
    COLLECTIONS,
  );
  const outcome = await lost.catch((error: unknown) => error);
  return { outcome, calls, asked };
}

describe("claiming at start", () => {
  test("claims what version 1 gives, then records it", async () => {
    const { outcome, calls, asked } = await claimIn({});
    expect(outcome).toEqual([]);
    expect(calls).toEqual(["claim", "record", "info slots-claimed"]);
    expect([asked.includes("lz" as SlotId), asked.includes("m" as SlotId)]).toEqual([true, false]);
  });

  test("records a claim that an earlier start made and could not record", async () => {
    const { outcome, calls } = await claimIn({ held: true, claim: { kind: "claimed", slots: 0 } });
    expect(outcome).toEqual([]);
    expect(calls).toEqual(["claim", "record", "info slots-claimed"]);
  });

  test("is given up when the store holds other slots: the catalog is not theirs, nothing is recorded", async () => {
    const { outcome, calls } = await claimIn({ held: true, claim: { kind: "others-held", heldSlots: 7 } });
    expect(outcome).toMatchObject({
      name: "FatalError",
      code: "CATALOG_LOST",
      message: expect.stringContaining('the store of shard-1 holds 7 slots of "products"'),
    });
    expect(calls).toEqual(["claim"]);
  });
});

describe("once it is recorded", () => {
  test("nothing is claimed, whatever the store holds", async () => {
    expect(await claimIn({ claimed: true, held: true })).toEqual({ outcome: [], calls: [], asked: [] });
  });

  test("a store that holds nothing is lost", async () => {
    const { outcome, calls } = await claimIn({ claimed: true });
    expect(outcome).toEqual(["products"]);
    expect(calls).toEqual(["error store-lost"]);
  });

  test("a shard that was given nothing has lost nothing", async () => {
    expect(await claimIn({ shard: "shard-3", claimed: true })).toEqual({ outcome: [], calls: [], asked: [] });
  });
});
