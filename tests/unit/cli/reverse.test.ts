// The way back of a move: which parts of its range go back, and how several moves are told of. Must not start an instance.
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { MoveFlags } from "../../../cli/moves/carry-out.ts";
import { carryOutAll } from "../../../cli/moves/carry-out-all.ts";
import type { PlannedMove } from "../../../cli/moves/plan-move.ts";
import { planReverse } from "../../../cli/moves/plan-reverse.ts";
import { startAll } from "../../../cli/moves/start-all.ts";
import type { Operator } from "../../../cli/operator.ts";
import type { ShardId } from "../../../router/ids.ts";
import { roomFor } from "../../../router/move-plan.ts";
import type { ShardMap } from "../../../router/shard-map.ts";
import type { Catalog, Move, MoveState } from "../../../shards/catalog/port.ts";
import { author, mapOf, moveOf, PRODUCTS, SHARD_1, SHARD_2 } from "../../contract/catalog-fixture.ts";
import { createCapture } from "./captured-program.ts";
import { operatorOver } from "./operator-fixture.ts";
import { openTestCatalog } from "./test-catalog.ts";

const SHARD_3 = "shard-3" as ShardId;
const { settings } = moveOf("g", "m");

let directory: string;
let catalog: Catalog;
let operator: Operator;

beforeEach(async () => {
  const opened = await openTestCatalog(mapOf(1));
  ({ directory, catalog } = opened);
  operator = operatorOver(catalog);
  return opened.dispose;
});

/** Gives the prefixes `g` to `l` one by one to these shards, all before to shard-1 and all after to shard-2. */
async function publishOwners(...owners: readonly ShardId[]): Promise<void> {
  const inside = owners.map((shard, index) => {
    const start = String.fromCodePoint(103 + index);
    return { start, end: String.fromCodePoint(104 + index), shard };
  });
  const ranges = [{ start: "", end: "g", shard: SHARD_1 }, ...inside, { start: "m", end: null, shard: SHARD_2 }];
  const map: ShardMap = { ...mapOf(2), ranges };
  expect(await catalog.publish(map, author())).toMatchObject({ kind: "published" });
}

const ALTERNATING = [SHARD_2, SHARD_1, SHARD_2, SHARD_1, SHARD_2, SHARD_1];

async function movedAndThen(state: MoveState, ...owners: readonly ShardId[]): Promise<Move> {
  const { id } = await createMove("g", "m");
  await catalog.updateMove(id, { expectedRevision: 1, state }, author());
  await publishOwners(...owners);
  return moveNow(id);
}

async function createMove(start: string, end: string): Promise<Move> {
  const created = await catalog.createMove(
    { ...moveOf(start, end), parent: (await catalog.current(PRODUCTS))?.version ?? mapOf(1).version },
    author(),
  );
  if (created.kind !== "created") throw new Error(`expected a new move, got ${created.kind}`);
  return created.move;
}

async function moveNow(id: string): Promise<Move> {
  const move = await catalog.move(id);
  if (move === null) throw new Error(`expected the move ${id}`);
  return move;
}

const placesOf = (plans: readonly (PlannedMove | Move)[]) =>
  plans.map(({ start, end, from, to }) => [start, end, from, to]);

describe("the way back of a move", () => {
  it.each([
    ["every part that went over", "aborted", ALTERNATING, ["g-h", "i-j", "k-l"]],
    ["neighbours as one part", "aborted", [SHARD_1, SHARD_2, SHARD_2, SHARD_1, SHARD_1, SHARD_1], ["h-j"]],
    ["the whole range", "done", ALTERNATING.map(() => SHARD_2), ["g-m"]],
    ["what is not back already", "done", [SHARD_1, ...ALTERNATING.slice(1).map(() => SHARD_2)], ["h-m"]],
  ] as const)("brings back %s", async (_name, state, owners, parts) => {
    const plans = await planReverse(operator, await movedAndThen(state, ...owners), settings);
    expect(placesOf(plans)).toEqual(parts.map((part) => [...part.split("-"), SHARD_2, SHARD_1]));
  });

  it("brings back the whole range of one other shard, as ever", async () => {
    const move = await movedAndThen("done", ...ALTERNATING.map(() => SHARD_3));
    expect(placesOf(await planReverse(operator, move, settings))).toEqual([["g", "m", SHARD_3, SHARD_1]]);
  });

  it.each([
    ["a part has moved on", [SHARD_2, SHARD_1, SHARD_3, SHARD_1, SHARD_2, SHARD_1], "SEVERAL_SOURCES"],
    ["nothing went over", ALTERNATING.map(() => SHARD_1), "NOTHING_TO_MOVE"],
  ])("is refused where %s", async (_name, owners, reason) => {
    const move = await movedAndThen("aborted", ...owners);
    await expect(planReverse(operator, move, settings)).rejects.toMatchObject({ reason });
  });

  it("is refused as a whole where another move has a part of it", async () => {
    const move = await movedAndThen("aborted", ...ALTERNATING);
    const other = await createMove("k", "l");
    const message = `move ${other.id.slice(0, 8)} of ["k", "l") to ${other.to} is under way there`;
    await expect(planReverse(operator, move, settings)).rejects.toMatchObject({ message, reason: "MOVE_UNDER_WAY" });
  });

  it("counts the room that the parts take together", async () => {
    const move = await movedAndThen("aborted", ...ALTERNATING);
    const bytesOfPart = (await planReverse(operator, move, settings))[0]?.bytes ?? 0;
    const withRoomFor = (parts: number): Operator => ({
      ...operator,
      shards: { ...operator.shards, freeBytes: () => Promise.resolve(roomFor(bytesOfPart) * parts) },
    });
    expect(await planReverse(withRoomFor(3), move, settings)).toHaveLength(3);
    await expect(planReverse(withRoomFor(2), move, settings)).rejects.toMatchObject({ reason: "DESTINATION_FULL" });
  });
});

/** So often a move is tried whose map changes each time but the last. */
const ATTEMPTS = 6;

describe("several moves", () => {
  let plans: readonly PlannedMove[];

  beforeEach(async () => {
    plans = await planReverse(operator, await movedAndThen("aborted", ...ALTERNATING), settings);
  });

  const live = () => catalog.moves(PRODUCTS, { limit: 10, state: "live" });

  async function carried(flags: Partial<MoveFlags>) {
    const { terminal, lines } = createCapture();
    const given = { data: directory, parallel: 4, rate: "none", byteRate: "none", retention: 0 } as const;
    const outcome = carryOutAll(operator, plans, { flags: { ...given, ...flags }, terminal });
    const error = await outcome.catch((reason: unknown) => reason);
    return { lines, error };
  }

  it("are printed by a dry run, for programs a line each, and not started", async () => {
    const { lines } = await carried({ dryRun: true });
    expect(lines.filter((line) => line.startsWith("move products"))).toHaveLength(3);
    expect(lines.at(-1)).toBe("nothing was changed");
    const asked = await carried({ dryRun: true, json: true });
    expect(placesOf(asked.lines.map((line) => JSON.parse(line)))).toEqual(placesOf(plans));
    expect(await live()).toEqual([]);
  });

  it("are started, and told with their ids", async () => {
    const { lines } = await carried({ json: true });
    const documents = lines.map((line) => JSON.parse(line));
    expect(placesOf(documents)).toEqual(placesOf(plans));
    expect(documents.map(({ id }) => id)).toEqual((await live()).map(({ id }) => id).toReversed());
  });

  it("are followed to their ends, and one that was aborted is a failure", async () => {
    const running = carried({ json: true, wait: true });
    const moves = await vi.waitFor(async () => {
      const started = (await live()).toReversed();
      expect(started).toHaveLength(3);
      return started;
    });
    const states = ["done", "aborted", "done"] as const;
    for (const [index, { id, revision }] of moves.entries()) {
      await catalog.updateMove(id, { expectedRevision: revision, state: states[index] ?? "done" }, author());
    }
    const { lines, error } = await running;
    expect(lines.map((line) => JSON.parse(line)).map(({ id, state }) => [id, state])).toEqual(
      moves.map(({ id }, index) => [id, states[index]]),
    );
    expect(error).toMatchObject({ message: "1 of 3 moves were aborted", isTold: true });
  });

  it("are told as they are when nobody waits any longer", async () => {
    const listeners = process.listenerCount("SIGINT");
    const running = carried({ json: true, wait: true });
    await vi.waitFor(() => expect(process.listenerCount("SIGINT")).toBe(listeners + 1));
    process.listeners("SIGINT").at(-1)?.("SIGINT");
    const { lines, error } = await running;
    expect(lines.map((line) => JSON.parse(line).state)).toEqual(["running", "running", "running"]);
    expect(error).toMatchObject({ message: expect.stringContaining("the moves go on"), isTold: true });
  });

  it.each([
    ["with their plans", {}, { slots: expect.any(Number), settings: expect.anything() }],
    ["as they are where they were to be waited for", { wait: true }, { state: "running" }],
  ] as const)("that go on when a later one cannot start are told of %s", async (_name, flags, document) => {
    const createMove = catalog.createMove.bind(catalog);
    vi.spyOn(catalog, "createMove").mockImplementation((intent, by) =>
      intent.start === "k" ? Promise.reject(new Error("away")) : createMove(intent, by),
    );
    const { lines, error } = await carried({ json: true, ...flags });
    const documents = ["g", "i"].map((start) =>
      expect.objectContaining({ id: expect.any(String), start, ...document }),
    );
    expect(lines.map((line) => JSON.parse(line))).toEqual(documents);
    expect(error).toMatchObject({ message: "away" });
  });

  it("are planned again while others publish maps", async () => {
    const createMove = catalog.createMove.bind(catalog);
    let attempts = 0;
    vi.spyOn(catalog, "createMove").mockImplementation(async (intent, by) => {
      attempts += 1;
      if (attempts % ATTEMPTS !== 0) await publishAgain();
      return createMove(intent, by);
    });
    const started: Move[] = [];
    await startAll(operator, plans, (move) => started.push(move));
    expect(placesOf(started)).toEqual(placesOf(plans));
    expect(attempts).toBe(3 * ATTEMPTS);
  });

  async function publishAgain(): Promise<void> {
    const map = await catalog.current(PRODUCTS);
    if (map === null) throw new Error("expected a map");
    const version = (map.version + 1) as ShardMap["version"];
    await catalog.publish({ ...map, version, parent: map.version }, author());
  }
});
