// Emptying a shard by several moves: those that were started are never kept from whoever asked, whatever becomes of the others.
import { beforeEach, describe, expect, it } from "vitest";
import { drain } from "../../../cli/commands/shard.ts";
import type { MoveFlags } from "../../../cli/moves/carry-out.ts";
import { type Catalog, CatalogError } from "../../../shards/catalog/port.ts";
import { CARTS, mapOf, moveOf, PRODUCTS, SHARD_1 } from "../../contract/catalog-fixture.ts";
import { createCapture } from "./captured-program.ts";
import { catalogWith, createOperator } from "./operator-fixture.ts";
import { openTestCatalog } from "./test-catalog.ts";

let catalog: Catalog;

beforeEach(async () => {
  const opened = await openTestCatalog(mapOf(1), mapOf(1, "m0", CARTS));
  catalog = opened.catalog;
  return opened.dispose;
});

const FLAGS: MoveFlags = { data: ".", parallel: 4, rate: "none", byteRate: "none", retention: 60_000 };

/** Drains shard-1 of products and carts. `createMove` in place of the catalog's. */
async function drained(flags: Partial<MoveFlags>, createMove: Catalog["createMove"] = refusedForCarts) {
  const { terminal, lines } = createCapture();
  const operator = createOperator(catalogWith(catalog, { createMove }));
  const { config } = operator;
  const failure: unknown = await drain({
    ...{ operator, config, terminal, shard: SHARD_1 },
    flags: { ...FLAGS, ...flags },
  }).then(
    () => null,
    (error: unknown) => error,
  );
  const moves = await catalog.moves(null, { limit: 10 });
  return { failure, lines, ids: moves.map(({ id }) => id) };
}

const other = { ...moveOf("g0", "h0", CARTS), id: "1f3a9c2b-0000-4000-8000-000000000001" };

const refusedForCarts: Catalog["createMove"] = async (intent, by) => {
  if (intent.collection === PRODUCTS) return catalog.createMove(intent, by);
  const life = { state: "running", progress: "", revision: 1, actor: "ann", createdAtMs: 0, changedAtMs: 0 } as const;
  return { kind: "overlaps", move: { ...other, ...life } };
};

describe("a drain whose second move is refused", () => {
  it.each([
    ["", {}],
    [", waiting", { wait: true }],
  ] as const)("names the first, and says what to do%s", async (_name, flags) => {
    const { failure, lines, ids } = await drained(flags);
    const [id = ""] = ids;
    expect(ids).toHaveLength(1);
    expect(failure).toMatchObject({
      message: `started 1 of 2 moves (${id.slice(0, 8)}), and not the rest: move 1f3a9c2b of ["g0", "h0") to shard-2 is under way there`,
      hint: "`zgate moves` shows them; run the same command again when they have ended",
      exitCode: 1,
    });
    expect(lines.at(-1)).toContain(`move ${id} is in the catalog`);
  });

  it("prints the first for programs before it fails", async () => {
    const { failure, lines, ids } = await drained({ json: true });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ id: ids[0], collection: "products" }]);
    expect(failure).toMatchObject({ message: expect.stringContaining("not the rest") });
  });

  it("names the first where the catalog fails, and says that of the second nothing is known", async () => {
    const { failure, ids } = await drained({}, (intent, by) => {
      if (intent.collection === PRODUCTS) return catalog.createMove(intent, by);
      throw new CatalogError("no answer", { kind: "outcome-unknown" });
    });
    expect(failure).toMatchObject({
      message: expect.stringMatching(
        `${ids[0]?.slice(0, 8)}.*the catalog: no answer; whether the change was made is not`,
      ),
    });
  });
});

describe("a drain", () => {
  it("of which nothing was started fails as its first move does", async () => {
    const { failure, ids } = await drained({}, () => Promise.reject(new CatalogError("no answer")));
    expect([failure, ids]).toEqual([expect.any(CatalogError), []]);
  });

  it("that is started as a whole prints its moves", async () => {
    const { failure, lines, ids } = await drained({ json: true }, (intent, by) => catalog.createMove(intent, by));
    expect(failure).toBeNull();
    expect(new Set(lines.map((line) => JSON.parse(line).id))).toEqual(new Set(ids));
    expect(ids).toHaveLength(2);
  });
});
