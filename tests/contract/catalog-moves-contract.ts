/**
 * The part of the catalog contract about moves and leases.
 * It must not assume anything of an implementation that port.ts does not promise.
 */
import { describe, expect, it } from "vitest";
import { EPOCH_RUNS_MAX } from "../../router/epoch-runs.ts";
import type { MapVersion } from "../../router/ids.ts";
import {
  type Catalog,
  CatalogError,
  type Move,
  type MoveCreation,
  type MoveSettings,
  PROGRESS_BYTES_MAX,
} from "../../shards/catalog/port.ts";
import { author, CARTS, inCatalog, inCreated, mapOf, moveOf, type OpenCatalog, PRODUCTS } from "./catalog-fixture.ts";

/** Runs the contract's part about moves and leases. */
export function describeMovesContract(openCatalog: OpenCatalog): void {
  describeCreation(openCatalog);
  describeIntents(openCatalog);
  describeSettings(openCatalog);
  describeLateRepetition(openCatalog);

  describeRaces(openCatalog);

  describeUpdates(openCatalog);

  describeLive(openCatalog);
  describeRepetition(openCatalog);

  describeLists(openCatalog);

  describeLeases(openCatalog);
}

function createdOf(creation: MoveCreation): Move {
  if (creation.kind !== "created") throw new Error(`expected a created move, got ${JSON.stringify(creation)}`);
  return creation.move;
}

/** Creates a move that must succeed. */
async function start(catalog: Catalog, range: readonly [string, string | null], atMs = 1000): Promise<Move> {
  return createdOf(await catalog.createMove(moveOf(...range), author("ann", atMs)));
}

const RANGES: readonly { name: string; range: [string, string | null]; overlaps: boolean }[] = [
  { name: "the same range", range: ["d", "h"], overlaps: true },
  { name: "a part of it", range: ["e", "f"], overlaps: true },
  { name: "more than it", range: ["", null], overlaps: true },
  { name: "its first key", range: ["a", "da"], overlaps: true },
  { name: "its last keys", range: ["gz", null], overlaps: true },
  { name: "what ends where it starts", range: ["a", "d"], overlaps: false },
  { name: "what starts where it ends", range: ["h", null], overlaps: false },
];

const BAD_SETTINGS: readonly Partial<MoveSettings>[] = [
  { parallel: 0 },
  { rowsPerSecond: 0 },
  { bytesPerSecond: -1 },
  { retentionMs: 0.5 },
];

function describeLateRepetition(openCatalog: OpenCatalog): void {
  describe("createMove, late", () => {
    it(
      "says that the outcome is unknown when it is repeated after too many changes for telling",
      inCreated(openCatalog, async (catalog) => {
        const [intent, creator] = [moveOf("a", "b"), author()];
        await catalog.createMove(intent, creator);
        for (let revision = 1; revision < 20; revision += 1) {
          await catalog.updateMove(intent.id, { expectedRevision: revision, progress: `${revision}` }, author());
        }
        await expect(catalog.createMove(intent, creator)).rejects.toMatchObject({ kind: "outcome-unknown" });
      }),
    );
  });
}

function describeCreation(openCatalog: OpenCatalog): void {
  describe("createMove", () => {
    it(
      "records a running move of revision 1",
      inCreated(openCatalog, async (catalog) => {
        const intent = moveOf("a", null);
        const life = { state: "running", progress: "", revision: 1, actor: "ann", createdAtMs: 7, changedAtMs: 7 };
        const move = { ...intent, ...life };
        expect(await catalog.createMove(intent, author("ann", 7))).toEqual({ kind: "created", move });
        expect(await catalog.move(intent.id)).toEqual(move);
        expect(await catalog.move(moveOf("a", "b").id)).toBeNull();
      }),
    );

    it.each(RANGES)("beside a live move of [d, h), $name: overlaps is $overlaps", ({ range, overlaps }) =>
      inCreated(openCatalog, async (catalog) => {
        const live = await start(catalog, ["d", "h"]);
        const creation = await catalog.createMove(moveOf(...range), author());
        if (overlaps) expect(creation).toEqual({ kind: "overlaps", move: live });
        else expect(creation.kind).toBe("created");
        await catalog.create(mapOf(1, "m", CARTS), author());
        expect((await catalog.createMove(moveOf(...range, CARTS), author())).kind).toBe("created");
      })(),
    );

    it(
      "says when the map has changed since the move was planned",
      inCreated(openCatalog, async (catalog) => {
        await catalog.publish(mapOf(2, "t"), author());
        expect(await catalog.createMove(moveOf("a", "b"), author())).toEqual({ kind: "map-changed", current: 2 });
        const planned = { ...moveOf("a", "b"), parent: 2 as MapVersion };
        expect((await catalog.createMove(planned, author())).kind).toBe("created");
        const ahead = { ...moveOf("c", "d"), parent: 3 as MapVersion };
        expect(await catalog.createMove(ahead, author())).toEqual({ kind: "map-changed", current: 2 });
        expect(await catalog.audit(PRODUCTS, { limit: 10 })).toHaveLength(3);
      }),
    );

    it(
      "knows its own success when it is repeated, and takes no id twice",
      inCreated(openCatalog, async (catalog) => {
        const [intent, creator] = [moveOf("a", "b"), author()];
        const move = createdOf(await catalog.createMove(intent, creator));
        expect(await catalog.createMove(intent, creator)).toEqual({ kind: "created", move });
        await catalog.publish(mapOf(2, "t"), author());
        expect(await catalog.createMove(intent, creator)).toEqual({ kind: "created", move });
        await expect(catalog.createMove(intent, author())).rejects.toThrow(CatalogError);
        expect(await catalog.moves(PRODUCTS, { limit: 10 })).toEqual([move]);
      }),
    );
  });
}

function describeIntents(openCatalog: OpenCatalog): void {
  describe("createMove, by what is to move", () => {
    it(
      "refuses what cannot be a move",
      inCreated(openCatalog, async (catalog) => {
        const good = moveOf("a", "b");
        const bad = [
          { ...good, id: "m-1" },
          { ...good, end: "a" },
          { ...good, to: good.from },
          moveOf("a", "b", CARTS),
          ...[[], [{ slots: 0, epoch: 2 }], [{ slots: 1, epoch: 1.5 }]].map((epochs) => ({ ...good, epochs })),
          { ...good, epochs: Array.from({ length: EPOCH_RUNS_MAX + 1 }, () => ({ slots: 1, epoch: 2 })) },
          ...BAD_SETTINGS.map((settings) => ({ ...good, settings: { ...good.settings, ...settings } })),
        ];
        for (const intent of bad) await expect(catalog.createMove(intent, author())).rejects.toThrow(CatalogError);
        expect(await catalog.moves(null, { limit: 10 })).toEqual([]);
      }),
    );

    it(
      "takes as many epochs as a move may have",
      inCreated(openCatalog, async (catalog) => {
        const most = { slots: 393_216, epoch: Number.MAX_SAFE_INTEGER };
        const intent = { ...moveOf("a", "b"), epochs: Array.from({ length: EPOCH_RUNS_MAX }, () => most) };
        const move = createdOf(await catalog.createMove(intent, author()));
        expect(move.epochs).toHaveLength(EPOCH_RUNS_MAX);
        expect(await catalog.move(intent.id)).toEqual(move);
      }),
    );
  });
}

function describeSettings(openCatalog: OpenCatalog): void {
  describe("updateMove, by its settings", () => {
    it(
      "refuses settings that cannot be, and leaves the move as it is",
      inCreated(openCatalog, async (catalog) => {
        const move = await start(catalog, ["a", "b"]);
        for (const bad of BAD_SETTINGS) {
          const settings = { ...move.settings, ...bad };
          const change = catalog.updateMove(move.id, { expectedRevision: 1, settings }, author());
          await expect(change).rejects.toThrow(Object.keys(bad)[0]);
        }
        expect(await catalog.move(move.id)).toEqual(move);
      }),
    );
  });
}

function describeRaces(openCatalog: OpenCatalog): void {
  describe("moves in a race", () => {
    it(
      "of several creations that overlap exactly one succeeds, and the others name it",
      inCreated(openCatalog, async (catalog, harness) => {
        const other = await harness.open();
        const creations = await Promise.all(
          ["a", "b", "c", "d", "e", "f"].map((begin, index) =>
            (index % 2 === 0 ? catalog : other).createMove(moveOf(begin, "z"), author()),
          ),
        );
        const created = creations.flatMap((creation) => (creation.kind === "created" ? [creation.move] : []));
        expect(created).toHaveLength(1);
        for (const creation of creations) {
          if (creation.kind !== "created") expect(creation).toEqual({ kind: "overlaps", move: created[0] });
        }
        expect(await other.moves(PRODUCTS, { limit: 10 })).toEqual(created);
      }),
    );

    it(
      "creation and publication from one version: in the trail the move comes first, or it is not there",
      inCreated(openCatalog, async (catalog, harness) => {
        const other = await harness.open();
        for (let version = 2; version <= 6; version += 1) {
          const begin = String.fromCodePoint(96 + version);
          const planned = { ...moveOf(begin, `${begin}z`), parent: (version - 1) as MapVersion };
          const [creation] = await Promise.all([
            catalog.createMove(planned, author()),
            other.publish(mapOf(version), author()),
          ]);
          const trail = await catalog.audit(PRODUCTS, { limit: 2 });
          if (creation.kind === "created") expect(trail.map((entry) => entry.move)).toEqual([null, planned.id]);
          else expect(creation).toEqual({ kind: "map-changed", current: version });
        }
      }),
    );

    it(
      "of several updates of one revision exactly one succeeds",
      inCreated(openCatalog, async (catalog, harness) => {
        const other = await harness.open();
        const { id } = await start(catalog, ["a", "b"]);
        const texts = ["one", "two", "three", "four", "five"];
        const updates = await Promise.all(
          texts.map((progress, index) =>
            (index % 2 === 0 ? catalog : other).updateMove(id, { expectedRevision: 1, progress }, author()),
          ),
        );
        const winner = texts[updates.findIndex((update) => update.kind === "changed")];
        expect(updates.filter((update) => update.kind === "changed")).toHaveLength(1);
        expect(await other.move(id)).toMatchObject({ revision: 2, progress: winner });
      }),
    );
  });
}

function describeUpdates(openCatalog: OpenCatalog): void {
  describe("updateMove", () => {
    it(
      "changes what is named and leaves the rest",
      inCreated(openCatalog, async (catalog) => {
        const move = await start(catalog, ["a", "b"]);
        const settings = { parallel: 1, rowsPerSecond: 500, bytesPerSecond: 4096, retentionMs: 0 };
        await catalog.updateMove(move.id, { expectedRevision: 1, progress: "ab" }, author("ann", 2000));
        await catalog.updateMove(move.id, { expectedRevision: 2, settings }, author("ann", 3000));
        const last = { expectedRevision: 3, state: "aborting" } as const;
        const changed = { ...move, progress: "ab", settings, state: "aborting", revision: 4, changedAtMs: 4000 };
        expect(await catalog.updateMove(move.id, last, author("bob", 4000))).toEqual({
          kind: "changed",
          move: changed,
        });
        expect(await catalog.move(move.id)).toEqual(changed);
        const actions = (await catalog.audit(PRODUCTS, { limit: 10 })).map((entry) => entry.action);
        expect(actions).toEqual(["move-aborting", "move-settings", "move-created", "create"]);
      }),
    );

    it(
      "conflicts with any other revision than the one that is there",
      inCreated(openCatalog, async (catalog) => {
        const move = await start(catalog, ["a", "b"]);
        await catalog.updateMove(move.id, { expectedRevision: 1, progress: "x" }, author());
        const current = await catalog.move(move.id);
        for (const expectedRevision of [0, 1, 3]) {
          const update = catalog.updateMove(move.id, { expectedRevision, state: "done" }, author());
          expect(await update).toEqual({ kind: "conflict", current });
        }
        await expect(
          catalog.updateMove(moveOf("a", "b").id, { expectedRevision: 1, state: "done" }, author()),
        ).rejects.toThrow(CatalogError);
      }),
    );

    it.each(["done", "aborted"] as const)("%s is final and frees the range", (state) =>
      inCreated(openCatalog, async (catalog) => {
        const { id } = await start(catalog, ["a", "k"]);
        await catalog.updateMove(id, { expectedRevision: 1, state }, author());
        const current = await catalog.move(id);
        const revival = catalog.updateMove(id, { expectedRevision: 2, state: "running" }, author());
        expect(await revival).toEqual({ kind: "conflict", current });
        expect((await catalog.createMove(moveOf("b", null), author())).kind).toBe("created");
      })(),
    );

    it(
      "aborting holds the range still",
      inCreated(openCatalog, async (catalog) => {
        const { id } = await start(catalog, ["a", "k"]);
        await catalog.updateMove(id, { expectedRevision: 1, state: "aborting" }, author());
        expect(await catalog.createMove(moveOf("b", null), author())).toMatchObject({ kind: "overlaps", move: { id } });
      }),
    );
  });
}

function describeLive(openCatalog: OpenCatalog): void {
  describe("moves that are live", () => {
    it(
      "are those that run and those that are being aborted, in one list, until they end",
      inCreated(openCatalog, async (catalog) => {
        const [first, second, ended] = [
          await start(catalog, ["a", "c"]),
          await start(catalog, ["c", "e"]),
          await start(catalog, ["e", "g"]),
        ];
        await catalog.updateMove(first.id, { expectedRevision: 1, state: "aborting" }, author());
        await catalog.updateMove(ended.id, { expectedRevision: 1, state: "done" }, author());
        const live = await catalog.moves(null, { limit: 10, state: "live" });
        expect(live.map(({ id, state }) => [id, state])).toEqual([
          [second.id, "running"],
          [first.id, "aborting"],
        ]);
      }),
    );
  });
}

function describeRepetition(openCatalog: OpenCatalog): void {
  describe("updateMove, repeated", () => {
    it(
      "knows its own success when it is repeated after others, for so long as the port says",
      inCreated(openCatalog, async (catalog) => {
        const { id } = await start(catalog, ["a", "b"]);
        const [change, runner] = [{ expectedRevision: 1, progress: "mine" }, author()];
        await catalog.updateMove(id, change, runner);
        for (let revision = 2; revision <= 16; revision += 1) {
          await catalog.updateMove(id, { expectedRevision: revision, progress: `${revision}` }, author());
          expect(await catalog.updateMove(id, change, runner)).toMatchObject({
            kind: "changed",
            move: { revision: revision + 1 },
          });
          expect((await catalog.updateMove(id, change, author())).kind).toBe("conflict");
        }
      }),
    );

    it(
      "knows its own last success, too",
      inCreated(openCatalog, async (catalog) => {
        const { id } = await start(catalog, ["a", "b"]);
        const [change, runner] = [{ expectedRevision: 1, state: "done" } as const, author()];
        await catalog.updateMove(id, change, runner);
        expect(await catalog.updateMove(id, change, runner)).toMatchObject({
          kind: "changed",
          move: { state: "done" },
        });
        expect(await catalog.audit(PRODUCTS, { limit: 10 })).toHaveLength(3);
      }),
    );

    it(
      "takes progress up to its limit in bytes",
      inCreated(openCatalog, async (catalog) => {
        const { id } = await start(catalog, ["a", "b"]);
        const most = "ä".repeat(PROGRESS_BYTES_MAX / 2);
        expect((await catalog.updateMove(id, { expectedRevision: 1, progress: most }, author())).kind).toBe("changed");
        const more = catalog.updateMove(id, { expectedRevision: 2, progress: `${most}a` }, author());
        await expect(more).rejects.toThrow(`${PROGRESS_BYTES_MAX} bytes`);
        expect(await catalog.move(id)).toMatchObject({ revision: 2, progress: most });
      }),
    );
  });
}

function describeLists(openCatalog: OpenCatalog): void {
  const idsOf = (moves: readonly Move[]): readonly string[] => moves.map((move) => move.id);

  describe("moves", () => {
    it(
      "come newest first, page by page, in the order of their creation whatever the clocks say",
      inCreated(openCatalog, async (catalog) => {
        const created: Move[] = [];
        for (const [index, begin] of ["a", "b", "c", "d", "e"].entries()) {
          created.unshift(await start(catalog, [begin, `${begin}z`], 5000 - index));
        }
        expect(await catalog.moves(PRODUCTS, { limit: 10 })).toEqual(created);
        const pages: string[] = [];
        for (let after: string | undefined; ; after = pages.at(-1)) {
          const page = await catalog.moves(PRODUCTS, { limit: 2, ...(after === undefined ? {} : { after }) });
          if (page.length === 0) break;
          expect(page.length).toBeLessThanOrEqual(2);
          pages.push(...idsOf(page));
        }
        expect(pages).toEqual(idsOf(created));
        await expect(catalog.moves(null, { limit: 2, after: moveOf("a", "b").id })).rejects.toThrow(CatalogError);
      }),
    );

    it(
      "of all collections come together, newest first, page by page",
      inCreated(openCatalog, async (catalog) => {
        await catalog.create(mapOf(1, "m", CARTS), author());
        const created: string[] = [];
        for (const [index, begin] of ["a", "b", "c", "d", "e", "f"].entries()) {
          const intent = moveOf(begin, `${begin}z`, index % 2 === 0 ? PRODUCTS : CARTS);
          created.unshift(createdOf(await catalog.createMove(intent, author("ann", 1000 + index))).id);
        }
        expect(idsOf(await catalog.moves(null, { limit: 10 }))).toEqual(created);
        const [, second = "", , fourth = ""] = created;
        expect(idsOf(await catalog.moves(null, { limit: 2, after: second }))).toEqual(created.slice(2, 4));
        expect(idsOf(await catalog.moves(null, { limit: 10, after: fourth }))).toEqual(created.slice(4));
        expect(await catalog.moves(CARTS, { limit: 10 })).toHaveLength(3);
      }),
    );

    it(
      "can be asked for by state",
      inCreated(openCatalog, async (catalog) => {
        const states = ["running", "aborting", "done", "aborted", "running", "done"] as const;
        const ids: string[] = [];
        for (const [index, state] of states.entries()) {
          const begin = String.fromCodePoint(97 + index);
          const { id } = await start(catalog, [begin, `${begin}z`]);
          ids.push(id);
          if (state !== "running") await catalog.updateMove(id, { expectedRevision: 1, state }, author());
        }
        for (const state of new Set(states)) {
          const wanted = ids.filter((_, index) => states[index] === state).toReversed();
          expect(idsOf(await catalog.moves(null, { limit: 10, state }))).toEqual(wanted);
          expect(idsOf(await catalog.moves(PRODUCTS, { limit: 1, state }))).toEqual(wanted.slice(0, 1));
          const [after = ""] = wanted;
          expect(idsOf(await catalog.moves(PRODUCTS, { limit: 10, state, after }))).toEqual(wanted.slice(1));
        }
      }),
    );
  });
}

function describeLeases(openCatalog: OpenCatalog): void {
  describe("leases", () => {
    it(
      "go to one holder at a time, who may renew them",
      inCatalog(openCatalog, async (catalog, harness) => {
        const other = await harness.open();
        const ask = (holder: string, nowMs: number) => ({ holder, nowMs, ttlMs: 100 });
        expect(await catalog.acquireLease("m", ask("a", 1000))).toEqual({ kind: "acquired", untilMs: 1100 });
        expect(await other.acquireLease("m", ask("b", 1099))).toEqual({ kind: "held", holder: "a", untilMs: 1100 });
        expect(await catalog.acquireLease("m", ask("a", 1050))).toEqual({ kind: "acquired", untilMs: 1150 });
        expect(await other.acquireLease("m", ask("b", 1149))).toEqual({ kind: "held", holder: "a", untilMs: 1150 });
        expect(await other.acquireLease("n", ask("b", 1149))).toEqual({ kind: "acquired", untilMs: 1249 });
        expect(await other.acquireLease("m", ask("b", 1150))).toEqual({ kind: "acquired", untilMs: 1250 });
        expect(await catalog.acquireLease("m", ask("a", 1200))).toEqual({ kind: "held", holder: "b", untilMs: 1250 });
      }),
    );

    it(
      "are given back by their holder only",
      inCatalog(openCatalog, async (catalog) => {
        const ask = (holder: string) => ({ holder, nowMs: 0, ttlMs: 100 });
        await catalog.acquireLease("m", ask("a"));
        await catalog.releaseLease("m", "b");
        expect((await catalog.acquireLease("m", ask("b"))).kind).toBe("held");
        await catalog.releaseLease("m", "a");
        await catalog.releaseLease("m", "a");
        expect((await catalog.acquireLease("m", ask("b"))).kind).toBe("acquired");
      }),
    );

    it(
      "that several ask for at once go to one",
      inCatalog(openCatalog, async (catalog, harness) => {
        const other = await harness.open();
        const holders = ["a", "b", "c", "d", "e", "f"];
        const outcomes = await Promise.all(
          holders.map((holder, index) =>
            (index % 2 === 0 ? catalog : other).acquireLease("m", { holder, nowMs: 0, ttlMs: 10 }),
          ),
        );
        expect(outcomes.filter((outcome) => outcome.kind === "acquired")).toHaveLength(1);
      }),
    );
  });
}
