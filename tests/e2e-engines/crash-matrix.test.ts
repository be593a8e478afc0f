// The cells of the crash matrix (tests/crash/) that differ where stores are in Cassandra: a statement has its effect, and the shard that
// sent it never learns so. Must not stop an engine: what stands between is shut instead.
import { beforeAll, expect, test } from "vitest";
import { storeGroups } from "../crash/cells.ts";
import { DESTINATION, SOURCE } from "../crash/crash-pair.ts";
import { GroupPool } from "../crash/group-pool.ts";
import { runGroup } from "../crash/group-run.ts";
import { ReplyTrap } from "../crash/reply-trap.ts";
import { wantedCells } from "../crash/run-options.ts";
import { describeOnEngines } from "../engines/engines.ts";

/** Others may have to be run before. */
const WAIT_MS_MAX = 300_000;

describeOnEngines("a store whose answers are lost", ({ single }) => {
  const address = single.contactPoints[0] ?? "";
  const pool = new GroupPool(storeGroups(wantedCells(process.env)), async (group, options) => {
    const [source, destination] = [await ReplyTrap.start(address), await ReplyTrap.start(address)];
    try {
      return await runGroup(group, {
        ...options,
        databases: { address, seenBy: { [SOURCE]: source.address, [DESTINATION]: destination.address } },
        traps: { [SOURCE]: source, [DESTINATION]: destination },
      });
    } finally {
      await Promise.all([source.close(), destination.close()]);
    }
  });

  beforeAll(() => pool.start());

  test.each(pool.runs.map((run) => ({ name: `${run.group.victim}, then ${run.group.finish}`, ...run })))(
    "$name",
    async ({ name, group, found }) => {
      const { faults, general, durationMs, phases } = await found;
      console.log(`${name}: ${group.cells.length} cells, ${Math.round(durationMs)} ms (${phases})`);
      expect([...faults].filter(([, each]) => each.length > 0)).toEqual([]);
      expect(general).toEqual([]);
    },
    WAIT_MS_MAX,
  );
});
