// Putting a map right that does not name the owners: only the map that was consulted, and nothing that a live move holds.
// The shards own what a map with its cut at "m" says; the catalog's map begins shard-2 later.
import { beforeEach, describe, expect, it } from "vitest";
import { examine } from "../../../cli/commands/doctor.ts";
import { CliFailure } from "../../../cli/failure.ts";
import { consult } from "../../../cli/verify/consultation.ts";
import { treat } from "../../../cli/verify/treatment.ts";
import type { SlotId } from "../../../router/ids.ts";
import { NEVER_HELD } from "../../../router/ownership.ts";
import { type Catalog, CatalogError } from "../../../shards/catalog/port.ts";
import { author, CARTS, mapOf, moveOf, PRODUCTS, SHARD_1, SHARD_2 } from "../../contract/catalog-fixture.ts";
import { createCapture } from "./captured-program.ts";
import { catalogWith, collectionOf, createOperator } from "./operator-fixture.ts";
import { openTestCatalog } from "./test-catalog.ts";

const products = collectionOf("products");
const CHANGED = "the map has changed meanwhile: it is at version 2 now";

let catalog: Catalog;

beforeEach(async () => {
  const opened = await openTestCatalog(mapOf(1, "p"), mapOf(1, "p0", CARTS));
  catalog = opened.catalog;
  return opened.dispose;
});

const publishElsewhere = () => catalog.publish(mapOf(2, "o"), author());

/** Treats what was consulted before something else happened. */
async function treatAfter(happens: () => Promise<unknown>, answers: Partial<Catalog> = {}) {
  const operator = createOperator(catalogWith(catalog, answers));
  const consultation = await consult(operator, products);
  expect(consultation.complaints).toHaveLength(3 * 40);
  await happens();
  const { treated, failure } = await treat(operator, consultation);
  const outcome = new Map<string, string | null>();
  for (const { complaint, fixed, isWell } of treated) {
    if (complaint.kind !== "map") throw new Error("expected complaints about the map");
    outcome.set(`${complaint.slot.slice(0, 1)} ${isWell ? "well" : "not well"}`, fixed);
  }
  return { outcome: Object.fromEntries(outcome), failure, map: await catalog.current(PRODUCTS) };
}

describe("a map that does not name the owners", () => {
  it("is put right while it is the one that was consulted", async () => {
    const { outcome, failure, map } = await treatAfter(() => Promise.resolve());
    const fixed = "map version 2";
    expect([outcome, failure]).toEqual([{ "m well": fixed, "n well": fixed, "o well": fixed }, null]);
    expect(map?.ranges.map(({ start, shard }) => [start, shard])).toEqual([
      ["", SHARD_1],
      ["m", SHARD_2],
      ["p", SHARD_2],
    ]);
  });

  it("is left alone once somebody else has published", async () => {
    const { outcome, failure, map } = await treatAfter(publishElsewhere);
    const left = `not changed: ${CHANGED}`;
    expect([outcome, failure]).toEqual([{ "m not well": left, "n not well": left, "o not well": left }, CHANGED]);
    expect(map?.version).toBe(2);
  });

  it("is left alone when somebody else publishes at the same moment", async () => {
    const publish: Catalog["publish"] = async (map, by) => {
      await publishElsewhere();
      return catalog.publish(map, by);
    };
    const { outcome, failure, map } = await treatAfter(() => Promise.resolve(), { publish });
    const left = `not changed: ${CHANGED}`;
    expect([outcome, failure]).toEqual([{ "m not well": left, "n not well": left, "o not well": left }, CHANGED]);
    expect(map?.ranges).toEqual(mapOf(2, "o").ranges);
  });

  it.each(["running", "aborting"] as const)("stays as it is where a move has begun that is %s", async (state) => {
    const move = moveOf("n", "o");
    const { outcome, failure, map } = await treatAfter(async () => {
      await catalog.createMove(move, author());
      if (state === "aborting") await catalog.updateMove(move.id, { expectedRevision: 1, state }, author());
    });
    const held = `not changed: move ${move.id.slice(0, 8)} holds it by now, and publishes at its end`;
    expect(outcome).toEqual({ "m well": "map version 2", "n not well": held, "o well": "map version 2" });
    expect(failure).toBeNull();
    expect(map?.ranges.map(({ start, shard }) => [start, shard])).toEqual([
      ["", SHARD_1],
      ["m", SHARD_2],
      ["n", SHARD_1],
      ["o", SHARD_2],
      ["p", SHARD_2],
    ]);
  });
});

describe("a doctor that cannot do all", () => {
  const JSON_WANTED = { json: true } as const;

  const examined = async (
    wanted: Partial<typeof JSON_WANTED>,
    answers: Partial<Catalog>,
    slots = createOperator(catalog).shards.slots,
  ) => {
    const { terminal, lines } = createCapture();
    const operator = createOperator(catalogWith(catalog, answers), { slots });
    const flags = { data: ".", fix: true, ...wanted } as const;
    const failure: unknown = await examine({ terminal }, operator, { collection: undefined, flags }).catch(
      (error: unknown) => error,
    );
    return { failure, lines };
  };

  const publishedByTwo: Catalog["publish"] = async (map, by) => {
    if (map.collection === PRODUCTS) await publishElsewhere();
    return catalog.publish(map, by);
  };

  it("prints what it has found, says what was not done, and goes on with the next collection", async () => {
    const { failure, lines } = await examined(JSON_WANTED, { publish: publishedByTwo });
    const documents = lines.map((line) => JSON.parse(line));
    expect(documents).toMatchObject([
      { collection: "products", failure: CHANGED },
      { collection: "carts", failure: null },
    ]);
    expect(documents[0].complaints[0]).toMatchObject({ kind: "map-differs", fixed: `not changed: ${CHANGED}` });
    expect(documents[1].complaints[0]).toMatchObject({ kind: "map-differs", fixed: "map version 2" });
    expect(failure).toMatchObject({
      message: `products: ${CHANGED}`,
      hint: "run the same command again",
      exitCode: 1,
      isTold: true,
    });
  });

  it("says so to people below the slots", async () => {
    const { lines } = await examined({}, { publish: publishedByTwo });
    expect(lines).toContain(`  not all could be done: ${CHANGED}`);
    expect(lines.some((line) => line.startsWith("carts: "))).toBe(true);
  });

  it("keeps what it has done to slots when the catalog fails afterwards", async () => {
    const move = moveOf("g", "h");
    await catalog.createMove(move, author());
    await catalog.updateMove(move.id, { expectedRevision: 1, state: "done" }, author());
    const { slots } = createOperator(catalog).shards;
    const left = { ...NEVER_HELD, state: "RECEIVING", epoch: 2, move: move.id, run: "r", to: SHARD_1 } as const;
    let isBroken = false;
    const answer: typeof slots = async (shard, question) => {
      const reports = await slots(shard, question);
      if (question.range.start === "ga" && question.range.end === "gb") {
        isBroken = true;
        throw new CliFailure("shard-2 cannot be asked");
      }
      const isLeft = (slot: SlotId): boolean => shard === SHARD_2 && slot === "ga";
      return reports.map((report) => (isLeft(report.slot) ? { ...report, ownership: left } : report));
    };
    const current: Catalog["current"] = async (name) => {
      if (isBroken) throw new CatalogError("no answer");
      return catalog.current(name);
    };
    const { failure, lines } = await examined(JSON_WANTED, { current }, answer);
    const [document] = lines.map((line) => JSON.parse(line));
    expect(document).toMatchObject({ collection: "products", failure: "the catalog: no answer" });
    expect(document.complaints).toContainEqual(
      expect.objectContaining({ slot: "ga", fixed: "not ended: shard-2 cannot be asked" }),
    );
    const [, carts] = lines.map((line) => JSON.parse(line));
    expect(carts).toMatchObject({ collection: "carts", complaints: [], failure: "the catalog: no answer" });
    expect(failure).toMatchObject({
      message: "products: the catalog: no answer; carts: the catalog: no answer",
      exitCode: 1,
    });
  });

  it("says of a collection that cannot be looked at that nothing is known of it, and looks at the next", async () => {
    const current: Catalog["current"] = async (name) => {
      if (name === PRODUCTS) throw new CatalogError("no answer");
      return catalog.current(name);
    };
    const { failure, lines } = await examined({}, { current });
    expect(lines.slice(0, 2)).toEqual(["products: not known", "  not all could be done: the catalog: no answer"]);
    expect(lines.some((line) => line.startsWith("carts: "))).toBe(true);
    expect(failure).toMatchObject({ message: "products: the catalog: no answer", exitCode: 1 });
  });

  it("hides no fault of its own as a collection that cannot be looked at", async () => {
    const current: Catalog["current"] = () => Promise.reject(new TypeError("a fault"));
    expect((await examined({}, { current })).failure).toEqual(new TypeError("a fault"));
  });
});
