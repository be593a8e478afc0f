// Looking at slots over shards while they move: what is merely under way is no finding, what stands still is.
// The shards are columns that the table of transitions changes between one question and the next; the catalog is a real one.
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_CONFIG, readConfiguration } from "../../../cli/configuration.ts";
import { CliFailure } from "../../../cli/failure.ts";
import type { Operator } from "../../../cli/operator.ts";
import { consult } from "../../../cli/verify/consultation.ts";
import { driveSlot } from "../../../cli/verify/drive-slot.ts";
import { confirmedFindings, lookAtSlots } from "../../../cli/verify/look.ts";
import { treat } from "../../../cli/verify/treatment.ts";
import { verifyInParts } from "../../../cli/verify/verify-range.ts";
import type { ShardId, SlotId } from "../../../router/ids.ts";
import { slotsIn } from "../../../router/move-plan.ts";
import { formatProgress, newProgress } from "../../../router/move-progress.ts";
import { FIRST_OWNER, NEVER_HELD, type Ownership } from "../../../router/ownership.ts";
import type { EventReply } from "../../../router/ownership-wire.ts";
import { WHOLE_RANGE } from "../../../router/range.ts";
import { rangeOf } from "../../../router/shard-map.ts";
import { auditSlot } from "../../../router/slot-audit.ts";
import { type OwnershipEvent, transition } from "../../../router/slot-transition.ts";
import type { Catalog, MoveChange } from "../../../shards/catalog/port.ts";
import { createSqliteCatalog } from "../../../shards/catalog/sqlite-catalog.ts";
import { author, mapOf, moveOf, SHARD_1, SHARD_2 } from "../../contract/catalog-fixture.ts";
import { makeDirectory, removeDirectory } from "../../contract/temporary-directory.ts";

const { config } = readConfiguration(DEFAULT_CONFIG);
const products = config.collections.get("products");
if (products === undefined) throw new Error("expected the collection products");
const { placement } = products;
const RANGE = { start: "g", end: "h" };
const SLOTS = slotsIn(placement, RANGE);
const NEVER = new AbortController().signal;

let directory: string;
let operator: Operator;
/** Columns of every slot of the range at both shards. */
let columns: Map<ShardId, Map<SlotId, Ownership>>;
/** Runs before each question to a shard. */
let beforeAnswer: (shard: ShardId) => void;

beforeEach(async () => {
  directory = makeDirectory();
  beforeAnswer = () => undefined;
  columns = new Map([
    [SHARD_1, new Map(SLOTS.map((slot) => [slot, FIRST_OWNER]))],
    [SHARD_2, new Map(SLOTS.map((slot) => [slot, NEVER_HELD]))],
  ]);
  const catalog = await createSqliteCatalog({ file: join(directory, "catalog.db") });
  await catalog.create(mapOf(1), author());
  operator = {
    config,
    catalog,
    author,
    nowMs: Date.now,
    shards: {
      slots: (shard, { range }) => {
        beforeAnswer(shard);
        const first = (slot: SlotId) => (rangeOf(mapOf(1), slot).shard === shard ? FIRST_OWNER : NEVER_HELD);
        const ownership = (slot: SlotId) => columns.get(shard)?.get(slot) ?? first(slot);
        return Promise.resolve(slotsIn(placement, range).map((slot) => ({ slot, ownership: ownership(slot) })));
      },
      rows: () => {
        throw new Error("not asked");
      },
      freeBytes: () => Promise.resolve(null),
      send: (shard, { slot }, event) => Promise.resolve(apply(shard, slot, event)),
      close: () => Promise.resolve(),
    },
  };
});

afterEach(async () => {
  await operator.catalog.close();
  removeDirectory(directory);
});

function apply(shard: ShardId, slot: SlotId, event: OwnershipEvent): EventReply {
  const before = columns.get(shard)?.get(slot) ?? NEVER_HELD;
  const outcome = transition(before, event);
  if (outcome.kind === "change") columns.get(shard)?.set(slot, outcome.next);
  const ownership = outcome.kind === "change" ? outcome.next : before;
  return outcome.kind === "change" ? { kind: "changed", ownership } : { ...outcome, ownership };
}

/** The statements of a slot's move, one at a time. */
function* statements(slot: SlotId, move: string): Generator<undefined, void> {
  const of = { move, epoch: 2 };
  const events: readonly (readonly [ShardId, OwnershipEvent])[] = [
    [SHARD_2, { kind: "begin", ...of, run: "r", seenEpoch: 0, source: SHARD_1 }],
    [SHARD_1, { kind: "fence", ...of, destination: SHARD_2 }],
    [SHARD_2, { kind: "seal", ...of, run: "r", digest: "d" }],
    [SHARD_1, { kind: "go", ...of }],
    [SHARD_2, { kind: "decide", ...of, run: "r", digest: "d" }],
  ];
  for (const [shard, event] of events) {
    if (apply(shard, slot, event).kind !== "changed") throw new Error(`${event.kind} did nothing`);
    yield undefined;
  }
}

const advance = (slot: SlotId, move: string, steps: number): void => {
  const left = statements(slot, move);
  for (let step = 0; step < steps; step += 1) left.next();
};

const audited = async () => {
  if (products === undefined) throw new Error("no collection");
  const look = (range = RANGE) => lookAtSlots(operator, { collection: products, range, depth: "columns" });
  return confirmedFindings(
    await look(),
    (range) => lookAtSlots(operator, { collection: products, range, depth: "columns" }),
    (seen, slot) => {
      const reports = seen.slots.get(slot) ?? new Map();
      // As if the catalog knew of no move: everything that is not settled is suspect.
      return Promise.resolve(auditSlot({ slot, reports, mapOwner: SHARD_1, isMoving: false }));
    },
  );
};

describe("an audit beside moves", () => {
  it("has no finding about slots that went on between two looks", async () => {
    const moves = SLOTS.slice(0, 12).map((slot) => statements(slot, "m-1"));
    // One statement of another slot before each answer, so that both sides are seen at different moments.
    beforeAnswer = () => {
      for (const move of moves) move.next();
    };
    const findings = await audited();
    expect(findings.filter(({ kind }) => kind !== "map-differs")).toEqual([]);
  });

  it("finds the one that stands still among them", async () => {
    const [stuck, ...others] = SLOTS.slice(0, 12);
    if (stuck === undefined) throw new Error("no slots");
    advance(stuck, "m-0", 4);
    const moves = others.map((slot) => statements(slot, "m-1"));
    beforeAnswer = () => {
      for (const move of moves) move.next();
    };
    const findings = await audited();
    expect(findings.filter(({ kind }) => kind !== "map-differs").map(({ slot, kind }) => [slot, kind])).toEqual([
      [stuck, "undecided"],
    ]);
  });
});

describe("the doctor", () => {
  const [first, second] = SLOTS as unknown as readonly [SlotId, SlotId];
  const ask = () => {
    if (products === undefined) throw new Error("no collection");
    return consult(operator, products);
  };

  async function startMove(
    updatedAtMs: number | null,
    state: "running" | "aborting" | "done" = "running",
  ): Promise<string> {
    const intent = moveOf("g", "h");
    await operator.catalog.createMove(intent, author("ann", Date.now() - 60_000));
    const progress = updatedAtMs === null ? "" : formatProgress(newProgress(40, 0, updatedAtMs));
    await operator.catalog.updateMove(intent.id, { expectedRevision: 1, progress, state }, author());
    return intent.id;
  }

  it("has nothing to say of a move that is being driven", async () => {
    advance(first, await startMove(Date.now()), 4);
    expect(await ask()).toMatchObject({ complaints: [], underWay: 1 });
  });

  it.each([
    { name: "being filled", steps: 1, next: /^zgate watch [0-9a-f]{8}$/ },
    { name: "gone", steps: 4, next: /^zgate doctor products --fix$/ },
  ])("names the safe next command for a slot $name whose runner is not heard of", async ({ steps, next }) => {
    advance(first, await startMove(Date.now() - 60_000), steps);
    const { complaints, underWay } = await ask();
    expect(complaints).toMatchObject([
      { kind: "move", next: expect.stringMatching(next), diagnosis: { slot: first, owner: SHARD_1 } },
    ]);
    expect(underWay).toBe(0);
  });

  describe("that fixes", () => {
    const fix = async (patienceMs: number) => (await treat(operator, await ask(), patienceMs)).treated;

    /** Treats what is found now. The move changes once it has been looked at. */
    async function treatWhile(id: string, change: Omit<MoveChange, "expectedRevision">, patienceMs: number) {
      const { catalog } = operator;
      let isChanged = false;
      const move = async (asked: string) => {
        const found = await catalog.move(asked);
        if (!isChanged) await catalog.updateMove(id, { ...change, expectedRevision: 2 }, author());
        isChanged = true;
        return found;
      };
      const consultation = await ask();
      const moves: Catalog["moves"] = (...asked) => catalog.moves(...asked);
      const current: Catalog["current"] = (name) => catalog.current(name);
      const watched = Object.assign(Object.create(catalog) as Catalog, { move, moves, current });
      const { treated } = await treat({ ...operator, catalog: watched }, consultation, patienceMs);
      expect(isChanged).toBe(true);
      return treated.map(({ fixed, isWell }) => [fixed, isWell]);
    }

    it("sees a worker take up what is to be copied, whatever its clock says", async () => {
      const id = await startMove(Date.now() - 60_000);
      advance(first, id, 1);
      advance(second, id, 2);
      const progress = formatProgress(newProgress(40, 0, Date.now() - 50_000));
      expect(await treatWhile(id, { progress }, 5000)).toEqual([
        ["shard-2 is at it", true],
        ["shard-2 is at it", true],
      ]);
    });

    it("takes the end of the move for as good", async () => {
      const id = await startMove(Date.now() - 60_000);
      advance(first, id, 1);
      expect(await treatWhile(id, { state: "aborted" }, 5000)).toEqual([["its move is aborted", true]]);
    });

    it("says so where no worker comes, whatever else changes of the move, and changes nothing itself", async () => {
      const id = await startMove(Date.now() - 60_000);
      advance(first, id, 1);
      const before = structuredClone(columns);
      const { settings } = moveOf("g", "h");
      expect(await treatWhile(id, { settings: { ...settings, parallel: 9 } }, 500)).toEqual([
        [`not taken up by shard-2 within 1 s: \`zgate resume ${id.slice(0, 8)}\` says what is missing`, false],
      ]);
      expect(columns).toEqual(before);
    });

    it("ends what statements can end, and then tells the map", async () => {
      advance(first, await startMove(Date.now(), "done"), 4);
      expect((await fix(500)).map(({ fixed, isWell }) => [fixed, isWell])).toEqual([
        ["decided", true],
        ["map version 2", true],
      ]);
      expect(await ask()).toMatchObject({ complaints: [] });
    });

    it("leaves ownership that nobody can tell to a person", async () => {
      columns.get(SHARD_2)?.set(first, FIRST_OWNER);
      expect(await fix(500)).toMatchObject([{ complaint: { kind: "ownership" }, fixed: null, isWell: false }]);
    });
  });

  it.each([
    ["decided, once it is sealed, which the map has yet to learn", 3, "help", { kind: "decided" }, ["map"]],
    ["aborted, while it is being filled", 1, "abort", { kind: "aborted" }, []],
  ] as const)("has a slot %s", async (_name, steps, goal, outcome, left) => {
    if (products === undefined) throw new Error("no collection");
    const move = await startMove(Date.now(), "done");
    advance(first, move, steps);
    const drive = { move, epoch: 2, source: SHARD_1, destination: SHARD_2 };
    const slot = first;
    expect(await driveSlot(operator.shards, { collection: products, slot, move: drive, goal })).toEqual(outcome);
    expect((await ask()).complaints.map(({ kind }) => kind)).toEqual(left);
  });

  it("does not copy rows by itself", async () => {
    if (products === undefined) throw new Error("no collection");
    advance(second, "m-1", 1);
    const move = { move: "m-1", epoch: 2, source: SHARD_1, destination: SHARD_2 };
    const outcome = await driveSlot(operator.shards, {
      collection: products,
      slot: second,
      move,
      goal: "help",
    });
    expect(outcome).toMatchObject({ kind: "stopped" });
  });

  it("finds two owners, and a store that came back empty", async () => {
    columns.get(SHARD_2)?.set(first, FIRST_OWNER);
    columns.get(SHARD_1)?.set(second, NEVER_HELD);
    const kinds = (await ask()).complaints.map((complaint) => complaint.kind === "ownership" && complaint.finding.kind);
    expect(kinds).toEqual(["two-owners", "no-owner"]);
  });

  it.each([
    { name: "fenced", steps: 2, silent: SHARD_2, owner: SHARD_1 },
    { name: "gone", steps: 4, silent: SHARD_2, owner: null },
    { name: "being filled", steps: 1, silent: SHARD_1, owner: SHARD_1 },
  ])(
    "names a slot that is $name beside a shard that does not answer, and leaves it",
    async ({ steps, silent, owner }) => {
      beforeAnswer = (shard) => {
        if (shard === silent) throw new CliFailure("connection refused");
      };
      advance(first, await startMove(Date.now()), steps);
      const before = structuredClone(columns);
      const consultation = await ask();
      const diagnosis = { slot: first, owner, waitsFor: `${silent} to answer, and goes on by itself then` };
      expect(consultation.complaints).toMatchObject([{ kind: "move", next: "zgate doctor products", diagnosis }]);
      expect((await treat(operator, consultation)).treated).toMatchObject([
        { fixed: expect.stringContaining("left as it is"), isWell: false },
      ]);
      expect(columns).toEqual(before);
    },
  );

  it("says nothing of missing owners while a shard does not answer, but names the shard and what waits for it", async () => {
    beforeAnswer = (shard) => {
      if (shard === SHARD_1) throw new CliFailure("connection refused");
    };
    const id = await startMove(Date.now() - 60_000);
    const { complaints, silent, held } = await ask();
    expect(complaints).toEqual([]);
    expect([...silent]).toEqual([[SHARD_1, "connection refused"]]);
    expect(held.map((move) => move.id)).toEqual([id]);
  });
});

describe("a verification", () => {
  const verify = (signal = NEVER) => {
    if (products === undefined) throw new Error("no collection");
    const request = { collection: products, range: WHOLE_RANGE };
    return verifyInParts(operator, request, { show: () => undefined, signal });
  };

  it("goes over all slots, part by part", async () => {
    const asked: number[] = [];
    beforeAnswer = () => void asked.push(1);
    expect(await verify()).toEqual({
      verdict: {
        collection: "products",
        slots: 1526,
        rows: 0,
        compared: { slots: 0, rows: 0 },
        findings: [],
        next: null,
      },
      failure: null,
    });
    expect(asked.length).toBeGreaterThan(20);
  });

  it("that a shard ends by its silence keeps what it has found, and says where to go on", async () => {
    advance(SLOTS[0] ?? ("" as SlotId), "m-1", 4);
    let answers = 0;
    beforeAnswer = (shard) => {
      answers += 1;
      if (answers > 20 && shard === SHARD_2) throw new CliFailure("shard-2 does not answer");
    };
    const { verdict, failure } = await verify();
    expect(failure).toContain("shard-2 does not answer");
    expect(verdict.findings).toMatchObject([{ slot: SLOTS[0], kind: "undecided" }]);
    const { next, slots } = verdict;
    if (next === null || products === undefined) throw new Error("it has come to the end");
    beforeAnswer = () => undefined;
    const request = { collection: products, range: { start: next, end: null } };
    const rest = await verifyInParts(operator, request, { show: () => undefined, signal: NEVER });
    expect(rest).toMatchObject({ verdict: { findings: [], next: null, slots: 1526 - slots }, failure: null });
  });

  it("counts the rows of all shards, and finds a misplaced one once, beside a move of its slot that goes on", async () => {
    const [slot] = SLOTS;
    if (slot === undefined) throw new Error("no slots");
    const { slots } = operator.shards;
    const misplaced = { rows: 1, named: [{ key: "Ga", belongsTo: null }] };
    const depths = new Set<string>();
    const move = statements(slot, "m-1");
    let begun = 0;
    const answer = async (...[shard, question]: Parameters<typeof slots>) => {
      depths.add(question.depth);
      const reports = await slots(shard, question);
      // The first look sees a slot that changes hands, the others one that stands still.
      if (reports.some((report) => report.slot === slot) && begun < 3) {
        begun += 1;
        move.next();
      }
      return reports.map((report) => ({ ...report, ...(report.slot === slot ? { rows: 2, misplaced } : { rows: 1 }) }));
    };
    operator = { ...operator, shards: { ...operator.shards, slots: answer } };
    const { verdict } = await verify();
    expect([...depths]).toEqual(["names"]);
    expect(verdict.rows).toBe(2 * 1526 + 2);
    const ofSlot = verdict.findings.filter((finding) => finding.slot === slot && finding.kind === "misplaced-rows");
    expect(ofSlot.map(({ detail }) => detail)).toEqual([
      '1 row at shard-1: "Ga" is not canonical',
      '1 row at shard-2: "Ga" is not canonical',
    ]);
  });

  it("that is interrupted ends before its next part", async () => {
    const over = new AbortController();
    let answers = 0;
    beforeAnswer = () => {
      answers += 1;
      if (answers === 3) over.abort();
    };
    const { verdict, failure } = await verify(over.signal);
    expect([failure, verdict.slots]).toEqual(["interrupted", 256]);
    expect(verdict.next).not.toBeNull();
  });
});
