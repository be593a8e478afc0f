// One page over several answers of shards: short and empty ones that come forward are taken, and a page of slow ones ends in time.
// It must not need shards.
import { describe, expect, it } from "vitest";
import { collectPage, type PageRequest } from "../../../edge/list/list-page.ts";
import type { Forwarder } from "../../../edge/shard/forwarder.ts";
import { HEADER } from "../../../router/contract.ts";
import type { CollectionName, MapVersion, ShardId } from "../../../router/ids.ts";
import { adoptMap, noHints } from "../../../router/route-hints.ts";

const HINTS = adoptMap(noHints({ kind: "range", stripes: 1 }), {
  collection: "things" as CollectionName,
  version: 1 as MapVersion,
  parent: 0,
  ranges: [{ start: "", end: null, shard: "a" as ShardId }],
});

/** A shard whose answers end where `positions` say, the last one at the end; each has the lines of its turn. */
function shardOf(positions: readonly string[], lines: readonly string[]) {
  const counts = { answers: 0 };
  const forwarder: Forwarder = {
    forward: ({ aim }) => {
      const target = aim(HINTS);
      if (target === null) throw new Error("no target");
      const covered = positions[counts.answers];
      const headers = covered === undefined ? {} : { [HEADER.listCovered]: covered };
      const response = new Response(lines[counts.answers] ?? "", { headers });
      counts.answers += 1;
      return Promise.resolve({ response, target });
    },
  };
  return { forwarder, counts };
}

function requestOf(hasTime: () => boolean): PageRequest {
  const errand = {} as PageRequest["errand"];
  return { range: { start: "", end: null }, limit: 10, path: "/things", hasTime, errand };
}

describe("a page", () => {
  it("goes on behind answers that are short or empty, as long as they come forward", async () => {
    const { forwarder, counts } = shardOf(["b", "c", "d"], ["", "1\n", "", "2\n"]);
    const page = await collectPage(
      forwarder,
      requestOf(() => true),
    );
    expect(page.items.map((item) => new TextDecoder().decode(item))).toEqual(["1,", "2"]);
    expect(page.next).toBeNull();
    expect(counts.answers).toBe(4);
  });

  it("asks no further shard once its time is nearly gone, and tells where to go on", async () => {
    const { forwarder, counts } = shardOf(["b", "c", "d"], []);
    const page = await collectPage(
      forwarder,
      requestOf(() => counts.answers < 2),
    );
    expect(page).toEqual({ items: [], next: "c" });
  });

  it("takes one answer however little time there is", async () => {
    const { forwarder } = shardOf(["b", "c"], []);
    const page = await collectPage(
      forwarder,
      requestOf(() => false),
    );
    expect(page.next).toBe("b");
  });

  it("refuses an answer that stands still", async () => {
    const { forwarder } = shardOf(["b", "b"], []);
    const page = collectPage(
      forwarder,
      requestOf(() => true),
    );
    await expect(page).rejects.toMatchObject({ code: "SHARD_UNAVAILABLE" });
  });
});
