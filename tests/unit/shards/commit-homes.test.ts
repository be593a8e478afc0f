// Writes that go to the worker that commits for their slot: workers and primary with queues of messages between them.
import { describe, expect, test } from "vitest";
import { type CommitHomeLimits, CommitHomes, homeOf } from "../../../shards/cluster/commit-homes.ts";
import type { CommitMessage, CommittedMessage } from "../../../shards/cluster/commit-message.ts";
import { CommitRelay } from "../../../shards/cluster/commit-relay.ts";
import type { SubmitOutcome } from "../../../shards/group-commit.ts";
import { StoreError, type Write } from "../../../shards/store/port.ts";
import { addressOf, put } from "../../contract/store-fixture.ts";

type Message = CommitMessage | CommittedMessage;

const applied = (write: Write): SubmitOutcome => ({
  kind: "verdict",
  verdict: { kind: "created", op: write.op, modifiedAtMs: 1 },
  replayed: false,
});

/** A crew of workers with ids 11, 12, …, each of which commits by `commit`. */
function createCrew(
  places: number,
  commit: (place: number, write: Write) => Promise<SubmitOutcome>,
  limits: Partial<CommitHomeLimits> = { busyFrom: 1 },
) {
  const time = { nowMs: 0 };
  const committed: (readonly [place: number, key: string])[] = [];
  const gone = new Set<number>();
  const sent: Message[] = [];
  const relay = new CommitRelay({
    workerAt: (place) => (gone.has(place) ? null : place + 11),
    send: (worker, message) => {
      // As over a channel: nothing but what JSON can say comes through.
      if (!gone.has(worker - 11)) homes[worker - 11]?.heard(JSON.parse(JSON.stringify(message)) as Message);
    },
  });
  const homes = Array.from({ length: places }, (_, place) => {
    const submit = (write: Write): Promise<SubmitOutcome> => {
      committed.push([place, write.address.key]);
      return commit(place, write);
    };
    return new CommitHomes({
      ...{ place, places, limits: { answerMsMax: 50, ...limits }, monotonicMs: () => time.nowMs },
      own: { submit, drain: () => Promise.resolve() },
      send: async (message) => {
        sent.push(message);
        relay.heard(place + 11, JSON.parse(JSON.stringify(message)) as Message);
      },
    });
  });
  const lose = (place: number): void => {
    gone.add(place);
    relay.lost(place + 11);
  };
  return { homes, committed, sent, lose, relay, time };
}

/** A key whose slot is at home at that place. */
function keyAt(place: number, places: number): string {
  const letters = [..."abcdefghijkl"].flatMap((first) => [..."abcdefghijkl"].map((second) => `${first}${second}-key`));
  const key = letters.find((candidate) => homeOf(addressOf(candidate), places) === place);
  if (key === undefined) throw new Error("no key lives there");
  return key;
}

describe("a write", () => {
  test("is committed by its slot's home, wherever it comes in, and its outcome comes back", async () => {
    const { homes, committed } = createCrew(3, async (_place, write) => applied(write));
    const key = keyAt(1, 3);
    for (const home of homes) {
      const write = put(key, '{"a":"é"}');
      expect(await home.submit(write)).toEqual(applied(write));
    }
    expect(committed).toEqual(homes.map(() => [1, key]));
  });

  test("that is at home where it comes in, or is large, goes nowhere", async () => {
    const { homes, committed, sent } = createCrew(2, async (_place, write) => applied(write));
    await homes[0]?.submit(put(keyAt(0, 2), "{}"));
    await homes[0]?.submit(put(keyAt(1, 2), `"${"x".repeat(100_000)}"`));
    expect(committed.map(([place]) => place)).toEqual([0, 0]);
    expect(sent).toEqual([]);
  });

  test.each(["busy", "full", "unavailable", "unknown"] as const)("is told that the store was %s", async (kind) => {
    const { homes } = createCrew(2, () => Promise.reject(new StoreError(kind, "so it is")));
    await expect(homes[0]?.submit(put(keyAt(1, 2), "{}"))).rejects.toMatchObject({ kind, message: "so it is" });
  });

  test("that fails by a fault of the program is unknown", async () => {
    const { homes } = createCrew(2, () => Promise.reject(new TypeError("oh")));
    await expect(homes[0]?.submit(put(keyAt(1, 2), "{}"))).rejects.toMatchObject({ kind: "unknown", message: "oh" });
  });

  test("whose home takes no requests is committed where it came in, once", async () => {
    const { homes, committed, lose } = createCrew(2, async (_place, write) => applied(write));
    lose(1);
    const key = keyAt(1, 2);
    expect(await homes[0]?.submit(put(key, "{}"))).toMatchObject({ kind: "verdict" });
    expect(committed).toEqual([[0, key]]);
  });

  test("whose home ends, gracefully, is committed where it came in; one that it has begun is answered first", async () => {
    const begun = Promise.withResolvers<SubmitOutcome>();
    const { homes, committed } = createCrew(2, (place, write) =>
      place === 1 ? begun.promise : Promise.resolve(applied(write)),
    );
    const key = keyAt(1, 2);
    const first = put(key, "1");
    const waiting = homes[0]?.submit(first);
    const drained = homes[1]?.drain();
    expect(await homes[0]?.submit(put(key, "2"))).toMatchObject({ kind: "verdict" });
    begun.resolve(applied(first));
    await drained;
    expect(await waiting).toEqual(applied(first));
    expect(committed).toEqual([
      [1, key],
      [0, key],
    ]);
  });

  test("whose home dies, or is silent, is unknown and committed by nobody else", async () => {
    const { homes, committed, lose, relay } = createCrew(2, () => new Promise(() => undefined));
    const key = keyAt(1, 2);
    const silent = homes[0]?.submit(put(key, "1"));
    await expect(silent).rejects.toMatchObject({ kind: "unknown", message: expect.stringContaining("50 ms") });
    const dying = homes[0]?.submit(put(key, "2"));
    lose(1);
    await expect(dying).rejects.toMatchObject({ kind: "unknown", message: expect.stringContaining("gone") });
    // What comes too late is heard by nobody.
    relay.heard(12, { type: "committed", home: 1, origin: 11, id: 1, answer: { kind: "absent" } });
    homes[0]?.heard({ type: "committed", home: 1, origin: 11, id: 1, answer: { kind: "absent" } });
    expect(committed.map(([place]) => place)).toEqual([1, 1]);
  });
});

test("a slot with one writer at a time is committed where its writes come in; with several it goes home", async () => {
  const ends: ((outcome: SubmitOutcome) => void)[] = [];
  const { homes, committed } = createCrew(2, () => new Promise((resolve) => ends.push(resolve)), {});
  const key = keyAt(1, 2);
  const submit = () => homes[0]?.submit(put(key, "{}"));
  const endAll = async (waiting: readonly unknown[]): Promise<void> => {
    await new Promise(setImmediate);
    for (const end of ends.splice(0)) end(applied(put(key, "{}")));
    await Promise.all(waiting);
  };
  await endAll([submit()]);
  await endAll([submit()]);
  expect(committed.splice(0).map(([place]) => place)).toEqual([0, 0]);
  await endAll([submit(), submit(), submit()]);
  expect(committed.splice(0).map(([place]) => place)).toEqual([0, 1, 1]);
  await endAll([submit()]);
  expect(committed.map(([place]) => place)).toEqual([0]);
});

test("while a home is silent others commit for its slots, until it answers", async () => {
  const stopped = Promise.withResolvers<SubmitOutcome>();
  const { homes, committed, time } = createCrew(2, (place, write) =>
    place === 1 ? stopped.promise : Promise.resolve(applied(write)),
  );
  const key = keyAt(1, 2);
  const first = put(key, "1");
  const waiting = homes[0]?.submit(first);
  time.nowMs = 1400;
  const second = put(key, "2");
  const alsoWaiting = homes[0]?.submit(second);
  time.nowMs = 1600;
  await homes[0]?.submit(put(key, "3"));
  expect(committed.map(([place]) => place)).toEqual([1, 1, 0]);
  stopped.resolve(applied(first));
  await Promise.all([waiting, alsoWaiting]);
  void homes[0]?.submit(put(key, "4"));
  expect(committed.map(([place]) => place)).toEqual([1, 1, 0, 1]);
});

test("homes are the same everywhere, and shared out", () => {
  const slots = [..."abcdefghijklmnopqrstuvwxyz"].flatMap((first) =>
    ["a", "k", "z"].map((second) => `${first}${second}x`),
  );
  const counts = [0, 0, 0, 0];
  for (const key of slots) {
    const home = homeOf(addressOf(key), 4);
    counts[home] = (counts[home] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(slots.length / 8);
});
