// What a runner does with the rows that come with the reply to its fence. Must not test the comparison itself.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FIRST_OWNER } from "../../../router/ownership.ts";
import type { RowsAhead, StatementAnswer } from "../../../shards/mover/reply-lines.ts";
import { runSlot, type SlotRunOptions } from "../../../shards/mover/slot-runner.ts";
import type { SlotSide, StatementTerms } from "../../../shards/mover/slot-side.ts";
import type { SlotPart } from "../../../shards/mover/slot-stream.ts";
import type { SlotPageRequest } from "../../../shards/store/transfer.ts";
import { put } from "../../contract/store-fixture.ts";
import { type MoveBed, openBed, planSlot, rowsOf, runOptions, SLOT } from "./move-bed.ts";

const decided = { kind: "end", outcome: "decided" };

let bed: MoveBed;
/** What was done with rows, in order. */
let seen: string[];

beforeEach(async () => {
  bed = await openBed();
  seen = [];
  await bed.stores.source.commit(Array.from({ length: 100 }, (_, index) => put(`lamp-${index}`, `{"n":${index}}`)));
});
afterEach(() => bed.dispose());

async function options(signal?: AbortSignal): Promise<SlotRunOptions> {
  const move = await planSlot(bed);
  return runOptions(bed, { move, goal: "finish", ...(signal === undefined ? {} : { signal }) });
}

/** Rows that note who reads and drops them. */
function noted({ parts, drop }: RowsAhead): RowsAhead {
  return { parts: read("ahead", parts), drop: () => (seen.push("drop"), drop()) };
}

async function* read(name: string, parts: AsyncIterable<SlotPart>): AsyncGenerator<SlotPart, void, undefined> {
  seen.push(`read ${name}`);
  yield* parts;
}

/** Without their end. */
async function* brokenOff(parts: AsyncIterable<SlotPart>): AsyncGenerator<SlotPart, void, undefined> {
  for await (const part of parts) {
    if (part.kind === "end") throw new Error("broken off");
    yield part;
  }
}

/** The source, its rows noted from the fence on. `atFence`: instead of sending it. */
function watched(
  { sides: { source } }: SlotRunOptions,
  atFence: (send: () => Promise<StatementAnswer>, terms: StatementTerms) => Promise<StatementAnswer> = (send) => send(),
): SlotSide {
  return {
    ...source,
    rows: (question) => read("asked", source.rows(question)),
    async send(event, terms) {
      if (event.kind !== "fence") {
        expect(terms.rows).toBeNull();
        seen.push(event.kind);
        return source.send(event, terms);
      }
      seen = ["fence"];
      const { reply, rows } = await atFence(() => source.send(event, terms), terms);
      return { reply, rows: rows === null ? null : noted(rows) };
    },
  };
}

function withSource(given: SlotRunOptions, source: SlotSide): SlotRunOptions {
  return { ...given, sides: { ...given.sides, source } };
}

async function expectMoved(): Promise<void> {
  expect(await rowsOf(bed.stores.destination)).toEqual(await rowsOf(bed.stores.source));
  expect((await bed.stores.destination.ownership(SLOT)).state).toBe("OWNER");
}

describe("the rows that come with the reply to the fence", () => {
  test("are compared instead of rows that are asked for, once, and let go before the next step", async () => {
    const given = await options();
    expect(await runSlot(withSource(given, watched(given)))).toMatchObject(decided);
    expect(seen).toEqual(["fence", "read ahead", "drop", "go"]);
    await expectMoved();
  });

  test("are wanted as those that are asked for are: in short, once the slot has been read", async () => {
    const given = await options();
    const wanted: StatementTerms[] = [];
    const source = watched(given, (send, terms) => {
      wanted.push(terms);
      return send();
    });
    expect(await runSlot(withSource(given, source))).toMatchObject(decided);
    expect(wanted).toEqual([
      { seen: expect.objectContaining({ state: "OWNER" }), rows: { recentMs: expect.any(Number) } },
    ]);
    expect(Number(wanted[0]?.rows?.recentMs)).toBeGreaterThan(2000);
  });

  test("are for one pass: what they do not tell is asked for", async () => {
    const given = await options();
    const source = watched(given, async (send) => {
      // With an old time it is in a chunk, of which only the digest comes.
      await bed.stores.source.commit([put("lamp-1", '"late"')]);
      return send();
    });
    expect(await runSlot(withSource(given, source))).toMatchObject(decided);
    expect(seen).toEqual(["fence", "read ahead", "read asked", "drop", "go"]);
    await expectMoved();
  });

  test("are asked for where a source sends none with its reply", async () => {
    const given = await options();
    const source = watched(given, async (send) => ({ ...(await send()), rows: null }));
    expect(await runSlot(withSource(given, source))).toMatchObject(decided);
    expect(seen).toEqual(["fence", "read asked", "go"]);
    await expectMoved();
  });

  test("are asked for once more, all of them, when they are broken off", async () => {
    const given = await options();
    const source = watched(given, async (send) => {
      const { reply, rows } = await send();
      return { reply, rows: rows && { ...rows, parts: brokenOff(rows.parts) } };
    });
    const questions: (number | null)[] = [];
    const asking: SlotSide = {
      ...source,
      rows: (question) => (questions.push(question.recentMs), source.rows(question)),
    };
    expect(await runSlot(withSource(given, asking))).toMatchObject(decided);
    expect(seen).toEqual(["fence", "read ahead", "drop", "read asked", "go"]);
    expect(questions.at(-1)).toBeNull();
    await expectMoved();
  });

  test("are lost with the reply, and then asked for", async () => {
    const given = await options();
    const source = watched(given, async (send) => {
      await send();
      throw new Error("the reply is lost");
    });
    expect(await runSlot(withSource(given, source))).toMatchObject(decided);
    expect(seen).toEqual(["fence", "read asked", "go"]);
    await expectMoved();
  });

  test("are not believed when they do not show the fence", async () => {
    const given = await options();
    const lying = async function* (parts: AsyncIterable<SlotPart>): AsyncGenerator<SlotPart, void, undefined> {
      for await (const part of parts) {
        if (part.kind === "begin" || part.kind === "end") {
          yield { ...part, ownership: { ...part.ownership, epoch: part.ownership.epoch + 1 } };
        } else yield part;
      }
    };
    const source = watched(given, async (send) => {
      const { reply, rows } = await send();
      return { reply, rows: rows && { ...rows, parts: lying(rows.parts) } };
    });
    expect(await runSlot(withSource(given, source))).toMatchObject(decided);
    expect(bed.traces.map(({ step }) => step)).toContain("lost-sight");
    expect(seen).toEqual(["fence", "read ahead", "drop", "read asked", "go"]);
    await expectMoved();
  });

  test("are dropped unread when something else comes next", async () => {
    const given = await options();
    const { epoch } = given.move;
    const source = watched(given, async (send) => {
      const { rows } = await send();
      const ownership = { ...FIRST_OWNER, epoch: epoch + 1 };
      return { reply: { kind: "done", ownership }, rows };
    });
    expect(await runSlot(withSource(given, source))).toMatchObject({ kind: "end", outcome: "aborted" });
    expect(seen).toEqual(["fence", "drop"]);
  });

  test("are dropped unread when the run breaks down before it compares", async () => {
    const given = await options();
    const trace: SlotRunOptions["trace"] = ({ step }) => {
      if (step === "reconcile") throw new Error("broken assumption");
    };
    await expect(runSlot({ ...withSource(given, watched(given)), trace })).rejects.toThrow("broken assumption");
    expect(seen).toEqual(["fence", "drop"]);
  });

  test("are dropped when the run ends because they are broken off", async () => {
    const over = new AbortController();
    const given = await options(over.signal);
    const source = watched(given, async (send) => {
      const { reply, rows } = await send();
      over.abort();
      return { reply, rows: rows && { ...rows, parts: brokenOff(rows.parts) } };
    });
    expect(await runSlot(withSource(given, source))).toMatchObject({ kind: "stop", reason: "interrupted" });
    expect(seen).toEqual(["fence", "read ahead", "drop"]);
  });

  test("are not wanted by a runner that copies nothing", async () => {
    const given = await options();
    const { source } = given.sides;
    const wanted: unknown[] = [];
    const asking: SlotSide = {
      ...source,
      send: (event, terms) => (wanted.push(terms.rows), source.send(event, terms)),
    };
    await runSlot({ ...withSource(given, asking), goal: "abort", copying: null });
    expect(wanted.length).toBeGreaterThan(0);
    expect(new Set(wanted)).toEqual(new Set([null]));
  });
});

test("the destination's first page has been asked for when the fence leaves, and is not read again", async () => {
  const given = await options();
  const { copying } = given;
  if (copying === null) throw new Error("broken assumption: a runner that copies");
  const store = {
    slotPage: (request: SlotPageRequest) => (seen.push("own page"), copying.store.slotPage(request)),
    fillSlot: copying.store.fillSlot.bind(copying.store),
  };
  const source = watched(given);
  expect(await runSlot({ ...withSource(given, source), copying: { ...copying, store } })).toMatchObject(decided);
  expect(seen).toEqual(["fence", "read ahead", "drop", "go"]);
  await expectMoved();
});
