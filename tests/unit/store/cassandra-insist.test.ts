// How often a read is insisted on, and when no more. Must not test what is read.
import { expect, test } from "vitest";
import { CassandraError } from "../../../shards/cassandra/session.ts";
import { insistOnReading } from "../../../shards/store/cassandra-insist.ts";

interface Given {
  readonly giveUps: number;
  readonly kind?: CassandraError["kind"];
  readonly isOver?: (sleeps: number) => boolean;
}

/** What became of it, the readings and the pauses. */
async function insist({ giveUps, kind = "unavailable", isOver = () => false }: Given) {
  let readings = 0;
  const pausesMs: number[] = [];
  const outcome = await insistOnReading(
    () => {
      readings += 1;
      return readings > giveUps ? Promise.resolve("read") : Promise.reject(new CassandraError(kind, `no ${readings}`));
    },
    {
      sleep: async (ms) => void pausesMs.push(ms),
      random: () => 0.5,
      isOver: () => isOver(pausesMs.length),
    },
  ).catch((error: unknown) => String(error));
  return { outcome, readings, pausesMs };
}

test("what the servers give up is read again, after a pause", async () => {
  expect(await insist({ giveUps: 2 })).toEqual({ outcome: "read", readings: 3, pausesMs: [100, 100] });
});

test("four times at most", async () => {
  const { outcome, readings } = await insist({ giveUps: 9 });
  expect([outcome, readings]).toEqual([expect.stringContaining("no 4"), 4]);
});

test("another failure is not", async () => {
  const { outcome, readings } = await insist({ giveUps: 1, kind: "broken" });
  expect([outcome, readings]).toEqual([expect.stringContaining("no 1"), 1]);
});

test.each([
  ["before a pause", () => true, 0],
  ["in a pause", (sleeps: number) => sleeps > 0, 1],
])("nothing is begun when its time is over %s", async (_name, isOver, pauses) => {
  const { outcome, readings, pausesMs } = await insist({ giveUps: 1, isOver });
  expect([outcome, readings, pausesMs.length]).toEqual([expect.stringContaining("no 1"), 1, pauses]);
});
