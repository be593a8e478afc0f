// Planning a move beside others that are live: a range of which one holds a part is refused for that, whatever its slots say.
import { beforeEach, describe, expect, it } from "vitest";
import { liveMovesOf } from "../../../cli/moves/live-moves.ts";
import { planMove, startMove } from "../../../cli/moves/plan-move.ts";
import type { Operator } from "../../../cli/operator.ts";
import { describeRange } from "../../../router/range.ts";
import type { Catalog, MoveState } from "../../../shards/catalog/port.ts";
import { author, CARTS, mapOf, moveOf, PRODUCTS, SHARD_2 } from "../../contract/catalog-fixture.ts";
import { createOperator } from "./operator-fixture.ts";
import { openTestCatalog } from "./test-catalog.ts";

let catalog: Catalog;
/** Names of the shards that were asked for slots. */
let asked: string[];
let operator: Operator;

beforeEach(async () => {
  const opened = await openTestCatalog(mapOf(1), mapOf(1, "m", CARTS));
  catalog = opened.catalog;
  asked = [];
  const { slots } = createOperator(catalog).shards;
  operator = createOperator(catalog, {
    slots: (shard, question) => {
      asked.push(shard);
      return slots(shard, question);
    },
  });
  return opened.dispose;
});

const { settings } = moveOf("a", "b");

const plan = (start: string, end: string | null) =>
  planMove(operator, { collection: PRODUCTS, start, end, to: SHARD_2, settings });

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  );
}

async function createMove(start: string, end: string | null, state: MoveState = "running"): Promise<string> {
  const intent = moveOf(start, end);
  await catalog.createMove(intent, author());
  if (state !== "running") await catalog.updateMove(intent.id, { expectedRevision: 1, state }, author());
  return intent.id.slice(0, 8);
}

describe("a range", () => {
  it.each([
    { name: "as a whole", start: "c", end: "f", state: "running" },
    { name: "at its beginning", start: "a", end: "d", state: "running" },
    { name: "at its end", start: "e", end: "h", state: "running" },
    { name: "inside", start: "d", end: "e", state: "running" },
    { name: "inside, which is being aborted", start: "d", end: "e", state: "aborting" },
  ] as const)("that a live move holds $name is refused before anybody else is asked", async ({ start, end, state }) => {
    const id = await createMove(start, end, state);
    expect(await failureOf(plan("c", "f"))).toMatchObject({
      message: `move ${id} of ${describeRange({ start, end })} to shard-2 is under way there`,
      hint:
        state === "aborting"
          ? `it is being aborted: \`zgate watch ${id}\` shows its end`
          : `\`zgate watch ${id}\` shows it, \`zgate abort ${id}\` ends it`,
      exitCode: 1,
    });
    expect(asked).toEqual([]);
  });

  it("that is taken while it is planned is refused in the same words", async () => {
    const planned = await plan("c", "f");
    await createMove("d", "e");
    const early = await failureOf(plan("c", "f"));
    expect(early).toMatchObject({ message: expect.stringContaining("is under way there"), reason: "MOVE_UNDER_WAY" });
    expect(await failureOf(startMove(operator, planned))).toEqual(early);
  });

  it.each([
    ["that only touches live moves", "a", "c", "f", "g"],
    ["of which a move that has ended held a part", "c", "d", "d", "e", "done"],
  ] as const)("%s is planned", async (_name, start, end, next, last, state: MoveState = "running") => {
    await createMove(start, end, state);
    await createMove(next, last, state);
    expect(await plan("c", "f")).toMatchObject({ from: "shard-1", to: "shard-2", slots: 120 });
  });

  it("that is none is refused for that", async () => {
    await createMove("a", "m");
    expect(await failureOf(plan("c", "C"))).toMatchObject({ message: expect.stringMatching(/NOT_CANONICAL|EMPTY/) });
  });
});

describe("live moves", () => {
  it("are found over more than a page", async () => {
    const intent = (start: string, end: string) => ({ ...moveOf(start, end), epochs: [{ slots: 1, epoch: 2 }] });
    const oldest = intent("0", "1");
    await catalog.createMove(oldest, author());
    for (let index = 0; index < 120; index += 1) {
      const start = `k${String(index).padStart(3, "0")}`;
      await catalog.createMove(intent(start, `${start}!`), author());
    }
    const live = await liveMovesOf(catalog, PRODUCTS);
    expect(new Set(live.map(({ id }) => id)).size).toBe(121);
    expect(live.at(-1)?.id).toBe(oldest.id);
  });
});
