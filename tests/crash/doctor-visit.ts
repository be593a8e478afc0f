// The operator at the place of the crash: asks the doctor what is left, and does what it says, by the code of `zgate doctor --fix`.
// Must not do anything that the doctor has not named.
import { randomUUID } from "node:crypto";
import type { Operator } from "../../cli/operator.ts";
import { createShardClient } from "../../cli/shard-client.ts";
import { consult } from "../../cli/verify/consultation.ts";
import { driveSlot } from "../../cli/verify/drive-slot.ts";
import type { CollectionName } from "../../router/ids.ts";
import type { Catalog } from "../../shards/catalog/port.ts";
import { type ShardFiles, testSigningKeys } from "../e2e/shard-process.ts";

/** Later than any runner's last sign of life counts: those that were killed are known to be dead. */
const LATER_MS = 60_000;

/** Faults by slot; under "" those of none. */
export type Faults = ReadonlyMap<string, readonly string[]>;

/** Asks about the collection, and follows the answers but for those that a worker sees to. */
export async function visitDoctor({ config }: ShardFiles, catalog: Catalog, name: CollectionName): Promise<Faults> {
  const nowMs = () => Date.now() + LATER_MS;
  const author = () => ({ actor: "test", writer: randomUUID(), atMs: Date.now() });
  const shards = createShardClient({ shards: config.shards, keys: () => testSigningKeys, nowMs: Date.now });
  const operator: Operator = { config, catalog, shards, author, nowMs };
  const collection = config.collections.get(name);
  if (collection === undefined) throw new Error(`broken assumption: collection ${name}`);
  const faults = new Map<string, string[]>();
  const note = (slot: string, fault: string): unknown => faults.set(slot, [...(faults.get(slot) ?? []), fault]);
  try {
    const first = await consult(operator, collection);
    // A connection that lay with a worker when it was killed stays silent; the doctor's hint is to ask again.
    const { complaints, silent } = first.silent.size === 0 ? first : await consult(operator, collection);
    for (const [shard, reason] of silent) note("", `${shard} is silent: ${reason}`);
    for (const complaint of complaints) {
      if (complaint.kind === "ownership") note(complaint.finding.slot, complaint.finding.detail);
      if (complaint.kind !== "move") continue;
      const { slot, move, remedy } = complaint.diagnosis;
      if (complaint.next === null) note(slot, "the doctor knows no next command");
      if (remedy !== "help" && remedy !== "abort") continue;
      const outcome = await driveSlot(shards, { collection, slot, move, goal: remedy });
      if (outcome.kind === "stopped") note(slot, `"${complaint.next}" did not end it: ${outcome.detail}`);
    }
  } finally {
    await shards.close();
  }
  return faults;
}
