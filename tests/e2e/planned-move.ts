// A move as the command line would put it into the catalog, from shard-1 to shard-2. Must not drive it: a shard's movers do.
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { runsOfEpochs } from "../../router/epoch-runs.ts";
import type { CollectionName, MapVersion, ShardId } from "../../router/ids.ts";
import { slotsIn } from "../../router/move-plan.ts";
import type { Catalog, MoveSettings } from "../../shards/catalog/port.ts";
import type { ShardFiles } from "./shard-process.ts";

export interface MoveToPlan {
  readonly collection: CollectionName;
  readonly start: string;
  readonly end: string;
  readonly settings?: Partial<MoveSettings>;
}

const SETTINGS: MoveSettings = { parallel: 2, rowsPerSecond: null, bytesPerSecond: null, retentionMs: 60_000 };

/** Plans it and resolves to its id. */
export async function createPlannedMove(
  files: ShardFiles,
  catalog: Catalog,
  { collection, start, end, settings = {} }: MoveToPlan,
): Promise<string> {
  const placement = files.config.collections.get(collection)?.placement;
  if (placement === undefined) throw new Error(`no collection "${collection}"`);
  const source = await files.openStore("shard-1");
  const found = await source.ownerships(collection, slotsIn(placement, { start, end }));
  await source.close();
  const id = randomUUID();
  const created = await catalog.createMove(
    {
      ...{ id, collection, start, end, parent: 1 as MapVersion },
      ...{ from: "shard-1" as ShardId, to: "shard-2" as ShardId },
      epochs: runsOfEpochs(found.map(({ epoch }) => epoch + 1)),
      settings: { ...SETTINGS, ...settings },
    },
    { actor: "test", writer: randomUUID(), atMs: Date.now() },
  );
  expect(created.kind).toBe("created");
  return id;
}
