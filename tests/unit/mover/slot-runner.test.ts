// One slot's move on real stores: under writers, with statements lost, doubled and late, from every crash, with two runners.
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MoveGoal } from "../../../router/slot-move.ts";
import type { Side, SlotMove } from "../../../router/slot-stand.ts";
import { runSlot, type SlotEnd, type SlotRunOptions } from "../../../shards/mover/slot-runner.ts";
import type { SlotSide } from "../../../shards/mover/slot-side.ts";
import { claim, commitOne, put, remove, verdictOf } from "../../contract/store-fixture.ts";
import { createRandom, type Random } from "../../history/random.ts";
import { SEED } from "../seed.ts";
import {
  aroundRows,
  keysIn,
  type MoveBed,
  openBed,
  planSlot,
  rowsOf,
  runOptions,
  SLOT,
  startWriter,
} from "./move-bed.ts";

const KEYS = Array.from({ length: 40 }, (_, index) => `lamp-${index}`);

let bed: MoveBed;
beforeEach(async () => {
  bed = await openBed();
});
afterEach(() => bed.dispose());

async function ownersOf(): Promise<readonly Side[]> {
  const sides: readonly Side[] = ["source", "destination"];
  const found = await Promise.all(sides.map((side) => bed.stores[side].ownership(SLOT)));
  return sides.filter((_, index) => found[index]?.state === "OWNER");
}

async function fill(count: number): Promise<void> {
  await bed.stores.source.commit(Array.from({ length: count }, (_, index) => put(`lamp-${index}`, `{"n":${index}}`)));
}

async function run(goal: MoveGoal, move?: SlotMove): Promise<SlotEnd> {
  return runSlot(runOptions(bed, { move: move ?? (await planSlot(bed)), goal }));
}

const decided = { kind: "end", outcome: "decided" };
const aborted = { kind: "end", outcome: "aborted" };

describe("a move without faults", () => {
  test("brings documents, tombstones and idempotency records over, exactly as they are", async () => {
    await fill(600);
    await bed.stores.source.commit([
      remove("lamp-3"),
      remove("lamp-5"),
      put("lamp-9", "{}", { claim: claim("first") }),
    ]);
    const before = await rowsOf(bed.stores.source);
    expect(await run("finish")).toMatchObject(decided);
    expect(await rowsOf(bed.stores.destination)).toEqual(before);
    expect(before.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["document", "tombstone", "record"]));
    expect(await ownersOf()).toEqual(["destination"]);
    const repeated = await commitOne(bed.stores.destination, put("lamp-9", "{}", { claim: claim("first") }));
    expect(repeated).toMatchObject({ kind: "verdict", replayed: true });
  });

  test("of an empty slot is a move too, and says how long writers had to wait", async () => {
    const end = await run("finish");
    expect(end).toMatchObject(decided);
    expect(end.kind === "end" && end.pauseMs !== null && end.pauseMs > 0).toBe(true);
  });

  test("removes what an earlier, aborted move has left at the destination", async () => {
    await fill(30);
    const first = await planSlot(bed);
    const over = new AbortController();
    const options = runOptions(bed, { move: first, goal: "finish", signal: over.signal });
    const stopping = { ...options.sides.source, send: () => (over.abort(), Promise.reject(new Error("lost"))) };
    await runSlot({ ...options, sides: { ...options.sides, source: stopping } });
    expect(await run("abort", first)).toMatchObject(aborted);
    expect(await rowsOf(bed.stores.destination)).toHaveLength(30);
    await bed.stores.source.commit([remove("lamp-1")]);
    const past = { recordsBeforeMs: Date.now(), tombstonesBeforeMs: Date.now() };
    await bed.stores.source.sweep({ collection: SLOT.collection, ...past, rowsMax: 100 });
    expect(await rowsOf(bed.stores.source)).toHaveLength(29);
    expect(await run("finish")).toMatchObject(decided);
    expect(await rowsOf(bed.stores.destination)).toEqual(await rowsOf(bed.stores.source));
  });

  test("counts each row once, also those that the destination has from before", async () => {
    await fill(600);
    const counting = async (): Promise<readonly number[]> => {
      const counts: number[] = [];
      const options = runOptions(bed, { move: await planSlot(bed), goal: "finish" });
      const copying = options.copying && {
        ...options.copying,
        onCopying: () => void counts.push(0),
        onCopied: ({ rows }: { readonly rows: number }) => void counts.push((counts.pop() ?? 0) + rows),
      };
      expect(await runSlot({ ...options, copying })).toMatchObject(decided);
      return counts;
    };
    expect(await counting()).toEqual([600]);
    bed = { ...bed, stores: { source: bed.stores.destination, destination: bed.stores.source } };
    expect(await counting()).toEqual([600]);
  });

  test("and back again", async () => {
    await fill(10);
    const before = await rowsOf(bed.stores.source);
    expect(await run("finish")).toMatchObject(decided);
    const back: MoveBed = {
      ...bed,
      stores: { source: bed.stores.destination, destination: bed.stores.source },
    };
    const { move, epoch, source, destination } = await planSlot(back);
    const reverse = { move, epoch, source: destination, destination: source };
    expect(await runSlot(runOptions(back, { move: reverse, goal: "finish" }))).toMatchObject(decided);
    expect(await rowsOf(bed.stores.source)).toEqual(before);
    expect(await ownersOf()).toEqual(["source"]);
  });

  test("the trace tells every statement and what was answered, under one runner's name", async () => {
    await fill(3);
    await run("finish");
    const sent = bed.traces.flatMap((trace) => (trace.step === "send" ? [`${trace.event.kind} at ${trace.at}`] : []));
    expect(sent).toEqual([
      "begin at destination",
      "take-over at destination",
      "fence at source",
      "seal at destination",
      "go at source",
      "decide at destination",
    ]);
    expect(bed.traces.filter(({ step }) => step === "reply")).toHaveLength(6);
    expect(bed.traces.map(({ step }) => step).filter((step) => !["look", "send", "reply"].includes(step))).toEqual([
      "start",
      "copy",
      "copied",
      "reconcile",
      "equal",
      "end",
    ]);
    expect(new Set(bed.traces.map(({ runner }) => runner)).size).toBe(1);
  });
});

test("a writer goes on during the move: each acknowledged write is there afterwards, once", async () => {
  await fill(2000);
  const writer = startWriter(bed, KEYS);
  while (writer.latest.size < KEYS.length) await delay(1);
  const end = await run("finish");
  const writesAtTheEnd = writer.writes();
  while (writer.writes() < writesAtTheEnd + 20) await delay(1);
  await writer.stop();
  expect(end).toMatchObject(decided);
  const found = await keysIn(bed.stores.destination);
  for (const [key, write] of writer.latest) expect(found.get(key as never)).toEqual(write);
  expect(found.size).toBe(2000);
  expect(await ownersOf()).toEqual(["destination"]);
});

describe("an abort", () => {
  test("before anything happened, after it was copied, and again: the source owns, with a new epoch", async () => {
    await fill(5);
    const move = await planSlot(bed);
    expect(await run("abort", move)).toMatchObject(aborted);
    expect(await run("finish", move)).toMatchObject(aborted);
    const { state, epoch } = await bed.stores.source.ownership(SLOT);
    expect({ state, epoch }).toEqual({ state: "OWNER", epoch: move.epoch + 1 });
    expect(await verdictOf(bed.stores.source, put("lamp-1", "{}"))).toMatchObject({ kind: "replaced" });
  });

  test("of a decided move says that it is decided", async () => {
    const move = await planSlot(bed);
    await run("finish", move);
    expect(await run("abort", move)).toMatchObject(decided);
    expect(await ownersOf()).toEqual(["destination"]);
  });
});

describe("help", () => {
  test("finishes what is sealed", async () => {
    await fill(5);
    const move = await planSlot(bed);
    await crashAt({ move, goal: "finish" }, "before", "go");
    expect((await bed.stores.source.ownership(SLOT)).state).toBe("FENCED");
    expect(await run("help", move)).toMatchObject(decided);
  });

  test("opens the source of an aborted move", async () => {
    await fill(5);
    const move = await planSlot(bed);
    await crashAt({ move, goal: "finish" }, "before", "go");
    await crashAt({ move, goal: "abort" }, "before", "restore");
    expect((await bed.stores.destination.ownership(SLOT)).state).toBe("ABORTED");
    expect(await run("help", move)).toMatchObject(aborted);
    expect(await ownersOf()).toEqual(["source"]);
  });

  test("leaves alone what belongs to a runner", async () => {
    await fill(5);
    const move = await planSlot(bed);
    await crashAt({ move, goal: "finish" }, "after", "fence");
    const before = await bed.stores.destination.ownership(SLOT);
    expect(await run("help", move)).toMatchObject({ kind: "stop", reason: "nothing-to-help" });
    expect(await bed.stores.destination.ownership(SLOT)).toEqual(before);
  });
});

describe("a runner that was told to end", () => {
  test("stops while it copies, and brings a slot through that it has fenced", async () => {
    await fill(5);
    const move = await planSlot(bed);
    const early = new AbortController();
    early.abort();
    expect(await runSlot(runOptions(bed, { move, goal: "finish", signal: early.signal }))).toMatchObject({
      reason: "interrupted",
    });
    const late = new AbortController();
    const options = { ...runOptions(bed, { move, goal: "finish", signal: late.signal }), onFenced: () => late.abort() };
    expect(await runSlot(options)).toMatchObject(decided);
  });

  test("does not hold on to a fenced slot when its sides fail", async () => {
    const move = await planSlot(bed);
    const over = new AbortController();
    const options = runOptions(bed, { move, goal: "finish", signal: over.signal });
    const isFenced = async (): Promise<boolean> => (await bed.stores.source.ownership(SLOT)).state === "FENCED";
    const source = aroundRows(options.sides.source, (parts) =>
      deferRows(async () => ((await isFenced()) ? (over.abort(), failingRows()) : parts)),
    );
    expect(await runSlot({ ...options, sides: { ...options.sides, source } })).toMatchObject({ reason: "interrupted" });
  });
});

async function* failingRows(): ReturnType<typeof emptyRows> {
  yield* [];
  await delay(0);
  throw new Error("broken off");
}

async function* emptyRows() {
  yield* [] as never[];
}

async function* deferRows<Part>(choose: () => Promise<AsyncIterable<Part>>) {
  yield* await choose();
}

/** Never settles: a process that is dead. */
const DEAD = new Promise<never>(() => undefined);

/** Runs until the statement of that kind is about to be sent, or has just been applied, and leaves it there. */
async function crashAt(
  { move, goal }: { readonly move: SlotMove; readonly goal: MoveGoal },
  when: "before" | "after",
  kind: string,
): Promise<void> {
  const options = runOptions(bed, { move, goal });
  let died: (value: "dead") => void = () => undefined;
  const death = new Promise<"dead">((resolve) => {
    died = resolve;
  });
  const dying = (side: SlotSide): SlotSide => ({
    ...side,
    send: async (event, terms) => {
      if (event.kind !== kind) return side.send(event, terms);
      if (when === "after") await side.send(event, terms);
      died("dead");
      return DEAD;
    },
  });
  const sides = { source: dying(options.sides.source), destination: dying(options.sides.destination) };
  const end = await Promise.race([runSlot({ ...options, sides }), death]);
  if (end !== "dead") throw new Error(`no ${kind} was sent`);
}

/** Runs and dies at the `at`-th thing it does with a side or a store; whether it has come so far. */
async function dieAt(options: SlotRunOptions, at: number, when: "before" | "after"): Promise<boolean> {
  let count = 0;
  let died: (value: boolean) => void = () => undefined;
  const death = new Promise<boolean>((resolve) => {
    died = resolve;
  });
  const mortal = <Given extends readonly unknown[], Value>(work: (...given: Given) => Promise<Value>) => {
    return async (...given: Given): Promise<Value> => {
      count += 1;
      const isLast = count === at;
      const value = isLast && when === "before" ? null : await work(...given);
      if (value !== null && !isLast) return value;
      died(true);
      return DEAD;
    };
  };
  const side = (of: SlotSide): SlotSide => ({ look: mortal(of.look), send: mortal(of.send), rows: of.rows });
  const { source, destination } = options.sides;
  const copying = options.copying && {
    ...options.copying,
    store: {
      slotPage: options.copying.store.slotPage.bind(options.copying.store),
      fillSlot: mortal(options.copying.store.fillSlot.bind(options.copying.store)),
    },
  };
  const running = runSlot({ ...options, copying, sides: { source: side(source), destination: side(destination) } });
  return Promise.race([death, running.then(() => false)]);
}

describe.each(["before", "after"] as const)("a crash %s any step", (when) => {
  test.each(["finish", "abort"] as const)("is ended by %s with one owner and the same rows", async (goal) => {
    await fill(300);
    let isReached = true;
    let at = 1;
    for (; isReached; at += 1) {
      const move = await planSlot(bed);
      const before = await rowsOf(bed.stores.source);
      isReached = await dieAt(runOptions(bed, { move, goal: "finish" }), at, when);
      const end = await run(goal, move);
      expect(end.kind, `step ${at}: ${JSON.stringify(end)}`).toBe("end");
      const [owner, ...others] = await ownersOf();
      expect(others).toEqual([]);
      if (owner === undefined) throw new Error(`step ${at}: nobody owns the slot`);
      expect(await rowsOf(bed.stores[owner])).toEqual(before);
      if (goal === "finish") expect(owner).toBe("destination");
      if (owner === "source") continue;
      await bed.dispose();
      bed = await openBed();
      await fill(300);
    }
    expect(at).toBeGreaterThan(8);
  });
});

test("two runners at once: one owner, the same rows, and nobody stays behind", async () => {
  await fill(1000);
  const before = await rowsOf(bed.stores.source);
  const move = await planSlot(bed);
  const ends = await Promise.all([run("finish", move), run("finish", move), run("finish", move)]);
  for (const end of ends) expect(end.kind === "end" || end.reason === "taken-over").toBe(true);
  // Whoever was taken over comes again, as its driver would let it.
  expect(await run("finish", move)).toMatchObject(decided);
  expect(await ownersOf()).toEqual(["destination"]);
  expect(await rowsOf(bed.stores.destination)).toEqual(before);
});

/** A network and stores that lose, double and delay what goes through them. */
class BadWeather {
  readonly #random: Random;
  readonly late: Promise<unknown>[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  question<Given extends readonly unknown[], Value>(ask: (...given: Given) => Promise<Value>) {
    return async (...given: Given): Promise<Value> => {
      if (this.#random.chance(0.05)) throw new Error("no answer");
      return ask(...given);
    };
  }

  statement<Given extends readonly unknown[], Value>(send: (...given: Given) => Promise<Value>) {
    return async (...given: Given): Promise<Value> => {
      const fate = this.#random.below(10);
      if (fate === 0) throw new Error("lost");
      if (fate === 1) this.#later(() => send(...given));
      if (fate === 1) throw new Error("late");
      const value = await send(...given);
      if (fate === 2) throw new Error("the answer is lost");
      if (fate === 3) await send(...given);
      if (fate === 4) this.#later(() => send(...given));
      return value;
    };
  }

  async *rows(parts: ReturnType<SlotSide["rows"]>): ReturnType<typeof partsOf> {
    for await (const part of parts) {
      if (this.#random.chance(0.02)) throw new Error("broken off");
      yield part;
    }
  }

  /** A lost reply's rows are lost with it. */
  side(of: SlotSide): SlotSide {
    const { send, rows } = aroundRows(of, (parts) => this.rows(parts));
    return { look: this.question(of.look), send: this.statement(send), rows };
  }

  #later(send: () => Promise<unknown>): void {
    this.late.push(delay(this.#random.below(60)).then(() => send().catch(() => undefined)));
  }
}

async function* partsOf(side: SlotSide) {
  yield* side.rows({ seen: null, recentMs: null });
}

const WEATHERS = Array.from({ length: 12 }, (_, index) => SEED + index);

describe.each(WEATHERS)("statements lost, doubled and late, seed %i", (seed) => {
  test("one owner in the end, and every acknowledged write with it", async () => {
    const random = createRandom(seed);
    await fill(300);
    const writer = startWriter(bed, KEYS);
    const move = await planSlot(bed);
    const weather = new BadWeather(random);
    const goals: MoveGoal[] = ["finish", random.pick(["finish", "abort"]), "finish"];
    for (const goal of goals) {
      const options = runOptions(bed, { move, goal });
      const { source, destination } = options.sides;
      const copying = options.copying && {
        ...options.copying,
        store: {
          slotPage: weather.question(bed.stores.destination.slotPage.bind(bed.stores.destination)),
          fillSlot: weather.statement(bed.stores.destination.fillSlot.bind(bed.stores.destination)),
        },
      };
      const sides = { source: weather.side(source), destination: weather.side(destination) };
      // Now and then it is given up in the middle, and goes on beside the next one.
      const death = delay(random.chance(0.5) ? random.below(80) : 1000);
      await Promise.race([runSlot({ ...options, copying, sides }), death]);
    }
    let end = await run("finish", move);
    // Runners that were left behind are alive: whoever is taken over comes again.
    while (end.kind === "stop" && end.reason === "taken-over") end = await run("finish", move);
    await Promise.all(weather.late);
    await writer.stop();
    expect(end).toMatchObject({ kind: "end" });
    const [owner, ...others] = await ownersOf();
    expect(others).toEqual([]);
    if (owner === undefined) throw new Error("nobody owns the slot");
    const found = await keysIn(bed.stores[owner]);
    for (const [key, write] of writer.latest) expect(found.get(key as never)).toEqual(write);
    expect(found.size).toBe(300);
  });
});

test("a run token is never used twice", async () => {
  const tokens: string[] = [];
  const options = runOptions(bed, { move: await planSlot(bed), goal: "finish" });
  await runSlot({ ...options, newToken: () => (tokens.push(randomUUID()), tokens.at(-1) ?? "") });
  expect(new Set(tokens).size).toBe(tokens.length);
});
