// Two writers and one item, with lost, late and doubled requests in between: exactly one wins, and each is told the truth.
// Must not test what the contract does.
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import type { CollectionName, MapVersion } from "../../router/ids.ts";
import type { Author, Catalog, MoveUpdate, PublishOutcome } from "../../shards/catalog/port.ts";
import { author, mapOf, moveOf, PRODUCTS } from "../contract/catalog-fixture.ts";
import { SEED } from "../unit/seed.ts";
import { type Chaos, createChaos, createRandom } from "./dynamodb-chaos.ts";
import { HASTE, makeTable } from "./dynamodb-fixture.ts";
import { describeOnEngines, type EngineAddresses } from "./engines.ts";

const TRIES = 1000;
/** Collections in which tries go on at the same time; within one they follow each other. */
const LANES = 10;
/** Far more than it takes on a quiet machine. */
const TIMEOUT_MS = 600_000;

/** Two catalogs behind a bad network, and one that sees what is really there. */
interface Ring {
  readonly rivals: readonly [Catalog, Catalog];
  readonly judge: Catalog;
  readonly chaos: Chaos;
}

async function inRing(engines: EngineAddresses, body: (ring: Ring) => Promise<void>): Promise<void> {
  const table = await makeTable(engines);
  const chaos = createChaos(createRandom(SEED));
  // Opening is not what is tested: the faults begin when both are open.
  let isOpen = false;
  const client = await table.openFaulty((operation, send) => (isOpen ? chaos.fault(operation, send) : send()));
  const open = () => table.open({ client, pacing: HASTE, patienceMs: 30_000 });
  try {
    const ring: Ring = { rivals: [await open(), await open()], judge: await table.open(), chaos };
    isOpen = true;
    await body(ring);
  } finally {
    await chaos.settled();
    await table.dispose();
  }
  for (const mishap of ["reply-lost", "request-lost", "twice", "late", "throttled", "server-error"] as const) {
    expect(chaos.counts.get(mishap) ?? 0, mishap).toBeGreaterThan(0);
  }
}

/** Both do it at once, each as an author of its own. */
function both<Outcome>(
  { rivals }: Ring,
  work: (rival: Catalog, name: string, author: Author) => Promise<Outcome>,
): Promise<readonly Outcome[]> {
  return Promise.all(rivals.map((rival, index) => work(rival, ["red", "blue"][index] ?? "", author())));
}

describeOnEngines("two writers of one DynamoDB catalog, replies lost and requests doubled", (engines) => {
  test(
    `race for the same map version ${TRIES} times: exactly one wins, the loser is told so, the winner is never told it lost`,
    async () => {
      await inRing(engines, async (ring) => {
        const lanes = Array.from({ length: LANES }, (_, lane) => `lane-${lane}` as CollectionName);
        await Promise.all(lanes.map((lane) => raceForVersions(ring, lane)));
      });
    },
    TIMEOUT_MS,
  );

  test(
    "race to start overlapping moves: one starts, the loser is told which, however often its reply is lost",
    async () => {
      await inRing(engines, async (ring) => {
        await ring.judge.create(mapOf(1), author());
        for (let round = 0; round < 30; round += 1) await raceForRange(ring);
      });
    },
    TIMEOUT_MS,
  );

  test(
    "race to change one revision of a move: one changes it, and each is told the truth",
    async () => {
      await inRing(engines, async (ring) => {
        await ring.judge.create(mapOf(1), author());
        const move = moveOf("a", "b");
        await ring.judge.createMove(move, author());
        for (let revision = 1; revision <= 100; revision += 1) await raceForRevision(ring, move.id, revision);
        expect(await ring.judge.audit(PRODUCTS, { limit: 200 })).toHaveLength(2 + 33);
      });
    },
    TIMEOUT_MS,
  );
});

async function raceForVersions(ring: Ring, collection: CollectionName): Promise<void> {
  for (let version = 1; version <= TRIES / LANES; version += 1) {
    const outcomes = await both(ring, (rival, _, writer) => {
      const map = mapOf(version, cutOf(writer), collection);
      return (version === 1 ? rival.create(map, writer) : rival.publish(map, writer)).then((outcome) => ({
        outcome,
        map,
      }));
    });
    const winners = outcomes.filter(({ outcome }) => outcome.kind === "published");
    const context = `${collection} version ${version}, ZGATE_SEED=${SEED}`;
    expect(winners, context).toHaveLength(1);
    const map = winners[0]?.map ?? null;
    for (const { outcome } of outcomes) expect(told(outcome) ?? map, context).toEqual(map);
    expect(await ring.judge.version(collection, version as MapVersion), context).toEqual(map);
  }
  await ring.chaos.settled();
  const trail = await ring.judge.audit(collection, { limit: TRIES });
  expect(trail.map((entry) => entry.version)).toEqual(trail.map((_, index) => TRIES / LANES - index));
}

/** A cut that only this author would make. */
function cutOf({ writer }: Author): string {
  return writer.slice(0, 8);
}

function told(outcome: PublishOutcome): unknown {
  return outcome.kind === "conflict" ? outcome.current : null;
}

async function raceForRange(ring: Ring): Promise<void> {
  const creations = await both(ring, async (rival, _, writer) => {
    const intent = { ...moveOf("c", "k"), id: randomUUID() };
    return { intent, creation: await rival.createMove(intent, writer) };
  });
  const winners = creations.filter(({ creation }) => creation.kind === "created");
  expect(winners, `ZGATE_SEED=${SEED}`).toHaveLength(1);
  const id = winners[0]?.intent.id ?? "";
  for (const { creation } of creations) {
    expect(creation.kind === "map-changed" ? null : creation.move.id, `ZGATE_SEED=${SEED}`).toBe(id);
  }
  await ring.chaos.settled();
  expect((await ring.judge.moves(PRODUCTS, { limit: 10, state: "running" })).map((move) => move.id)).toEqual([id]);
  await ring.judge.updateMove(id, { expectedRevision: 1, state: "done" }, author());
}

async function raceForRevision(ring: Ring, id: string, revision: number): Promise<void> {
  // Every third change is one for the audit trail too, which takes a transaction of several items.
  const state = revision % 3 === 0 ? ({ state: revision % 2 === 0 ? "running" : "aborting" } as const) : {};
  const updates = await both(ring, async (rival, name, writer) => {
    const progress = `${name} ${revision}`;
    return { progress, update: await rival.updateMove(id, { expectedRevision: revision, progress, ...state }, writer) };
  });
  const winners = updates.filter(({ update }) => update.kind === "changed");
  expect(winners, `revision ${revision}, ZGATE_SEED=${SEED}`).toHaveLength(1);
  for (const { update } of updates) expect(progressOf(update)).toBe(winners[0]?.progress);
  expect(await ring.judge.move(id)).toMatchObject({ revision: revision + 1, progress: winners[0]?.progress });
}

function progressOf(update: MoveUpdate): string {
  return update.kind === "changed" ? update.move.progress : update.current.progress;
}
