// Serve, hold or redirect: every state of a slot, with a clock that only sleeps advance.
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { HOLD_MS_MAX } from "../../../router/contract.ts";
import type { ShardId } from "../../../router/ids.ts";
import { FIRST_OWNER, NEVER_HELD, type Ownership, type OwnState } from "../../../router/ownership.ts";
import { createSlotAccess, type SlotRequest } from "../../../shards/http/slot-access.ts";
import { SlotWaiting } from "../../../shards/http/slot-waiting.ts";
import { addressOf } from "./memory-store.ts";

const { collection, slot } = addressOf("abc");
const D = "shard-2" as ShardId;
const at = (state: OwnState, epoch: number): Ownership => ({ ...NEVER_HELD, state, epoch, to: D, move: "m" });

interface Scene {
  /** What the slot's columns are at each look; the last one stays. "serve": the attempt succeeds. */
  readonly looks: readonly (Ownership | "serve")[];
  readonly intent?: "read" | "write";
  readonly knownEpoch?: number;
  /** What the destination says at each question. */
  readonly destination?: readonly (Ownership | Error)[];
}

async function play(scene: Scene) {
  let nowMs = 0;
  let looks = 0;
  let questions = 0;
  let attempts = 0;
  const clock = {
    nowMs: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
  const peers = {
    ownership: async () => {
      const answers = scene.destination ?? [];
      const answer = answers[Math.min(questions, answers.length - 1)] ?? new Error("nobody there");
      questions += 1;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  const logged: string[] = [];
  const helped: number[] = [];
  const help = () => void helped.push(nowMs);
  const lookAt = (index: number) => scene.looks[Math.min(index, scene.looks.length - 1)] ?? "serve";
  const store = {
    // A look that finds what the last attempt has met is one of the looks.
    ownerships: async () => {
      const found = lookAt(looks);
      if (isDeepStrictEqual(found, lookAt(looks - 1))) looks += 1;
      return [found === "serve" ? FIRST_OWNER : found];
    },
  };
  const waiting = new SlotWaiting(clock);
  const access = createSlotAccess({ clock, store, peers, waiting, help, log: (_level, event) => logged.push(event) });
  const request: SlotRequest = { collection, intent: scene.intent ?? "write", knownEpoch: scene.knownEpoch ?? 0 };
  const answer = await access(request, async () => {
    const look = lookAt(looks);
    looks += 1;
    attempts += 1;
    if (look === "serve") return { kind: "served", value: "done" } as const;
    return { kind: "not-owned", slot, ownership: look } as const;
  });
  return { answer, nowMs, looks, attempts, questions, logged, helped };
}

/** Time stands still, and sleeps have no end: only news wakes anybody. */
const IDLE_CLOCK = { nowMs: () => 0, sleep: () => new Promise<void>(() => undefined) };
const NO_STORE = { ownerships: () => Promise.reject(new Error("nobody looks here")) };

const done = { kind: "served", value: "done" };
const redirectTo = (owner: ShardId | null, epoch: number) => ({ kind: "redirect", notOwned: { slot, epoch, owner } });

describe("a slot that is not served here", () => {
  test.each<[string, Scene, unknown]>([
    ["NONE: not here, and not known where", { looks: [NEVER_HELD] }, redirectTo(null, 0)],
    ["RECEIVING: the source owns it", { looks: [at("RECEIVING", 5)] }, redirectTo(D, 4)],
    ["ABORTED: the source owns it", { looks: [at("ABORTED", 5)] }, redirectTo(D, 4)],
    ["GONE and decided", { looks: [at("GONE", 5)], destination: [at("OWNER", 5)] }, redirectTo(D, 5)],
    ["GONE, decided long ago", { looks: [at("GONE", 5)], destination: [at("GONE", 9)] }, redirectTo(D, 5)],
  ])("%s", async (_name, scene, expected) => {
    const { answer, nowMs } = await play(scene);
    expect(answer).toEqual(expected);
    expect(nowMs).toBe(0);
  });

  test("GONE, and opened again before its destination began something later, is not taken for decided", async () => {
    const opened = await play({ looks: [at("GONE", 5), "serve"], destination: [at("RECEIVING", 7)] });
    expect([opened.answer, opened.questions]).toEqual([done, 1]);
    const moved = await play({
      looks: [at("GONE", 5), at("GONE", 7)],
      destination: [at("RECEIVING", 7), at("OWNER", 7)],
    });
    expect(moved.answer).toEqual(redirectTo(D, 7));
    const gone = await play({ looks: [at("GONE", 5)], destination: [at("RECEIVING", 7)] });
    expect([gone.answer, gone.looks]).toEqual([redirectTo(D, 5), 2]);
  });

  test("what one slot of a list was asked about says nothing of another with the same columns", async () => {
    const gone = at("GONE", 5);
    const other = addressOf("xyz").slot;
    const asked: string[] = [];
    const peers = {
      ownership: async (_shard: ShardId, question: { readonly slot: string }) => {
        asked.push(question.slot);
        return at("RECEIVING", 7);
      },
    };
    const access = createSlotAccess({
      ...{ clock: IDLE_CLOCK, peers, store: NO_STORE, waiting: new SlotWaiting(IDLE_CLOCK) },
      ...{ help: () => undefined, log: () => undefined },
    });
    const met = [slot, other];
    const answer = await access({ collection, intent: "read", knownEpoch: 0 }, async () => {
      const next = met.shift();
      if (next === undefined) return { kind: "served", value: "done" } as const;
      return { kind: "not-owned", slot: next, ownership: gone } as const;
    });
    expect([answer, asked]).toEqual([done, [slot, other]]);
  });

  test("NONE says so to a request that knew an epoch, too", async () => {
    expect((await play({ looks: [NEVER_HELD], knownEpoch: 3 })).answer).toEqual(redirectTo(null, 0));
  });

  test("a write to a FENCED slot waits and is served when the move is aborted", async () => {
    const { answer, looks, nowMs } = await play({ looks: [at("FENCED", 5), at("FENCED", 5), "serve"] });
    expect(answer).toEqual(done);
    expect(looks).toBe(3);
    expect(nowMs).toBeLessThan(50);
  });

  test("a write to a FENCED slot follows the move when it is decided", async () => {
    const scene = { looks: [at("FENCED", 5), at("GONE", 5)], destination: [at("RECEIVING", 5), at("OWNER", 5)] };
    const { answer, questions, attempts } = await play(scene);
    expect(answer).toEqual(redirectTo(D, 5));
    expect(questions).toBe(2);
    expect(attempts, "to try once more where it has gone would tell nothing new").toBe(1);
  });

  test("RECEIVING waits when the redirect would be nothing new, until the slot is owned", async () => {
    const { answer } = await play({ looks: [at("RECEIVING", 5), at("RECEIVING", 5), "serve"], knownEpoch: 4 });
    expect(answer).toEqual(done);
  });

  test.each<[string, Scene, string | null]>([
    ["FENCED for ever", { looks: [at("FENCED", 5)] }, null],
    ["GONE, undecided for ever", { looks: [at("GONE", 5)], destination: [at("RECEIVING", 5)] }, null],
    [
      "GONE, the destination is silent",
      { looks: [at("GONE", 5)], destination: [new Error("refused")] },
      "destination-silent",
    ],
    [
      "GONE, the destination has lost its store",
      { looks: [at("GONE", 5)], destination: [NEVER_HELD] },
      "destination-store-lost",
    ],
    ["GONE, the destination has aborted", { looks: [at("GONE", 5)], destination: [at("ABORTED", 5)] }, null],
  ])("%s: held for the full time, not longer", async (_name, scene, event) => {
    const { answer, nowMs, logged } = await play(scene);
    expect(answer).toEqual({ kind: "moving" });
    expect(nowMs).toBeGreaterThan(HOLD_MS_MAX - 100);
    expect(nowMs).toBeLessThanOrEqual(HOLD_MS_MAX);
    if (event === null) expect(logged).toEqual([]);
    else expect(logged).toContain(event);
  });

  test("requests that are held for one slot share a question; other slots have their own", async () => {
    const questions: { readonly slot: string; readonly answer: (ownership: Ownership) => void }[] = [];
    const peers = {
      ownership: (_shard: ShardId, asked: { readonly slot: string }) =>
        new Promise<Ownership>((answer) => questions.push({ slot: asked.slot, answer })),
    };
    const access = createSlotAccess({
      ...{ clock: IDLE_CLOCK, peers, store: NO_STORE, waiting: new SlotWaiting(IDLE_CLOCK) },
      ...{ help: () => undefined, log: () => undefined },
    });
    const hold = (held: typeof slot) =>
      access({ collection, intent: "write", knownEpoch: 0 }, async () => {
        return { kind: "not-owned", slot: held, ownership: at("GONE", 5) } as const;
      });
    const other = addressOf("xyz").slot;
    const held = [hold(slot), hold(slot), hold(other), hold(slot)];
    await new Promise(setImmediate);
    expect(questions.map((question) => question.slot)).toEqual([slot, other]);
    for (const question of questions) question.answer(at("OWNER", 5));
    const answers = await Promise.all(held);
    expect(answers.map((answer) => answer.kind)).toEqual(["redirect", "redirect", "redirect", "redirect"]);
    const later = hold(slot);
    await new Promise(setImmediate);
    expect(questions).toHaveLength(3);
    questions.at(-1)?.answer(at("OWNER", 5));
    expect(await later).toEqual(redirectTo(D, 5));
  });

  test("all who are held for a slot look again at once when there is news of it, and share that look", async () => {
    let columns = at("FENCED", 5);
    let looks = 0;
    const store = {
      ownerships: async () => {
        looks += 1;
        return [columns];
      },
    };
    const waiting = new SlotWaiting(IDLE_CLOCK);
    const peers = { ownership: () => Promise.reject(new Error("nobody asks")) };
    const log = () => undefined;
    const access = createSlotAccess({ clock: IDLE_CLOCK, store, peers, waiting, help: log, log });
    let attempts = 0;
    const hold = () =>
      access({ collection, intent: "write", knownEpoch: 0 }, async () => {
        attempts += 1;
        if (columns.state === "OWNER") return { kind: "served", value: "done" } as const;
        return { kind: "not-owned", slot, ownership: columns } as const;
      });
    const held = [hold(), hold(), hold()];
    await new Promise(setImmediate);
    expect([attempts, looks]).toEqual([3, 0]);
    waiting.tell({ ...addressOf("xyz"), destination: null });
    await new Promise(setImmediate);
    expect(looks).toBe(0);
    waiting.tell({ collection, slot, destination: null });
    await new Promise(setImmediate);
    expect([attempts, looks]).toEqual([3, 1]);
    columns = at("OWNER", 6);
    waiting.tell({ collection, slot, destination: null });
    expect(await Promise.all(held)).toEqual([done, done, done]);
    expect([attempts, looks]).toEqual([6, 2]);
  });

  describe("news with the destination's columns", () => {
    /** `columns`: what looks find, null for nothing ever; `later`: what the second attempt meets. */
    interface HeldScene {
      readonly knownEpoch?: number;
      readonly columns?: Ownership | null;
      readonly later?: Ownership | Error;
      readonly waiting?: SlotWaiting;
    }

    /** One write is held; neither looks, nor questions, nor sleeps come to an end by themselves. */
    function holdOne(met: Ownership, scene: HeldScene = {}) {
      const { knownEpoch = 0, columns = null, later = met, waiting = new SlotWaiting(IDLE_CLOCK) } = scene;
      const seen = { attempts: 0, looks: 0, questions: 0 };
      const never = new Promise<never>(() => undefined);
      const store = {
        ownerships: () => ((seen.looks += 1), columns === null ? never : Promise.resolve([columns])),
      };
      const peers = { ownership: () => ((seen.questions += 1), never) };
      const log = () => undefined;
      const access = createSlotAccess({ clock: IDLE_CLOCK, store, peers, waiting, help: log, log });
      let answer: unknown = null;
      const held = access({ collection, intent: "write", knownEpoch }, async () => {
        seen.attempts += 1;
        const found = seen.attempts === 1 ? met : later;
        if (found instanceof Error) throw found;
        return { kind: "not-owned", slot, ownership: found } as const;
      }).then((given) => void (answer = given));
      held.catch(() => undefined);
      const hears = () => waiting.tell({ collection, slot, destination: null });
      const tell = async (destination: Ownership | null) => {
        waiting.tell({ collection, slot, destination });
        await new Promise(setImmediate);
        return answer;
      };
      return { tell, seen, held, hears };
    }

    test.each<[OwnState, object]>([
      ["FENCED", { attempts: 1, looks: 0, questions: 0 }],
      ["GONE", { attempts: 1, looks: 0, questions: 1 }],
    ])("redirect who met the slot %s: nothing is asked or looked at for it", async (state, expected) => {
      const { tell, seen } = holdOne(at(state, 5));
      await new Promise(setImmediate);
      expect(await tell(at("OWNER", 5))).toEqual(redirectTo(D, 5));
      expect(seen).toEqual(expected);
    });

    test("come while a look is under way: nobody waits for that", async () => {
      const { tell, seen } = holdOne(at("FENCED", 5));
      await new Promise(setImmediate);
      expect(await tell(null)).toBeNull();
      expect(seen.looks).toBe(1);
      expect(await tell(at("OWNER", 5))).toEqual(redirectTo(D, 5));
    });

    test("are heard by nobody once the request is answered", async () => {
      const { tell, hears } = holdOne(at("FENCED", 5));
      await new Promise(setImmediate);
      expect(hears()).toBe(1);
      await tell(at("OWNER", 5));
      expect(hears()).toBe(0);
      const waiting = new SlotWaiting(IDLE_CLOCK);
      const held = holdOne(at("FENCED", 5), { waiting, columns: at("ABORTED", 6), later: new Error("store is gone") });
      await new Promise(setImmediate);
      await held.tell(null);
      await expect(held.held).rejects.toThrow("store is gone");
      expect(held.hears()).toBe(0);
    });

    test("are those of the move that is met now, once the slot has gone on to another", async () => {
      const next = { ...at("FENCED", 7), move: "next" };
      const { tell, seen } = holdOne(at("FENCED", 5), { columns: next, later: next });
      await new Promise(setImmediate);
      expect(await tell(null)).toBeNull();
      expect(seen.attempts).toBe(2);
      expect(await tell(at("OWNER", 5))).toBeNull();
      expect(await tell({ ...at("OWNER", 7), move: "next" })).toEqual(redirectTo(D, 7));
    });

    test.each<[string, Ownership]>([
      ["of another move", { ...at("OWNER", 5), move: "other" }],
      ["of an earlier epoch", at("OWNER", 4)],
      ["of a later epoch: the one that was met may have been aborted", at("OWNER", 7)],
      ["before it has decided", at("RECEIVING", 5)],
      ["after it has aborted", at("ABORTED", 5)],
      ["of the source itself", at("GONE", 5)],
    ])("%s redirect nobody", async (_name, destination) => {
      const { tell, seen } = holdOne(at("FENCED", 5));
      await new Promise(setImmediate);
      expect(await tell(destination)).toBeNull();
      expect(seen.looks, "but are a reason to look").toBe(1);
    });

    test("are for whoever was held by the same move, also once it has met the slot in its next state", async () => {
      const { tell, seen } = holdOne(at("FENCED", 5), { columns: at("GONE", 5) });
      await new Promise(setImmediate);
      expect(await tell(null)).toBeNull();
      expect(seen).toEqual({ attempts: 1, looks: 1, questions: 1 });
      expect(await tell(at("OWNER", 5))).toEqual(redirectTo(D, 5));
    });

    test("that a request knew already are no reason to send it round in circles", async () => {
      const { tell, seen } = holdOne(at("FENCED", 5), { knownEpoch: 5 });
      await new Promise(setImmediate);
      expect(await tell(at("OWNER", 5))).toBeNull();
      expect(seen.looks).toBe(0);
      expect(await tell(null)).toBeNull();
      expect(seen.looks).toBe(1);
    });
  });

  test("while a GONE slot's destination has not decided, only that one is asked", async () => {
    const scene = { looks: [at("GONE", 5)], destination: [...Array(4).fill(at("RECEIVING", 5)), at("OWNER", 5)] };
    const { answer, looks, questions } = await play(scene);
    expect([answer, looks, questions]).toEqual([redirectTo(D, 5), 1, 5]);
  });

  test.each([
    { lookMs: 100, helpedAtMs: 800 },
    { lookMs: 400, helpedAtMs: 1000 },
  ])(
    "a store whose looks take $lookMs ms is looked at less often, and helped on later",
    async ({ lookMs, helpedAtMs }) => {
      let nowMs = 0;
      let looks = 0;
      const helped: number[] = [];
      const spend = async (ms: number): Promise<void> => {
        nowMs += ms;
      };
      const clock = { nowMs: () => nowMs, sleep: spend };
      const store = { ownerships: async () => (await spend(lookMs), (looks += 1), [at("FENCED", 5)]) };
      const peers = { ownership: () => Promise.reject(new Error("nobody asks")) };
      const log = () => undefined;
      const help = () => void helped.push(nowMs);
      const access = createSlotAccess({ clock, store, peers, waiting: new SlotWaiting(clock), help, log });
      const answer = await access({ collection, intent: "write", knownEpoch: 0 }, async () => {
        return { kind: "not-owned", slot, ownership: at("FENCED", 5) } as const;
      });
      expect(answer).toEqual({ kind: "moving" });
      // A pause is as long as a look.
      const looksMax = HOLD_MS_MAX / (2 * lookMs);
      expect(looks).toBeGreaterThan(looksMax - 2);
      expect(looks).toBeLessThanOrEqual(looksMax + 1);
      expect(helped[0]).toBeGreaterThanOrEqual(helpedAtMs);
      expect(helped[0]).toBeLessThan(helpedAtMs + 2 * lookMs);
    },
  );

  test("a slot that holds a request for long is helped on, one that settles soon is left alone", async () => {
    const soon = await play({ looks: [...Array.from({ length: 4 }, () => at("FENCED", 5)), "serve"] });
    expect(soon.helped).toEqual([]);
    const late = await play({ looks: [...Array.from({ length: 24 }, () => at("FENCED", 5)), "serve"] });
    expect(late.helped.length).toBeGreaterThan(0);
    expect(late.helped[0]).toBeGreaterThanOrEqual(200);
    expect(late.answer).toEqual(done);
  });

  test.each([300, 1000, 1450])(
    "a destination that is silent for %i ms a question makes nobody wait longer than that",
    async (silentMs) => {
      let nowMs = 0;
      const spend = async (ms: number): Promise<void> => {
        nowMs += ms;
      };
      const clock = { nowMs: () => nowMs, sleep: spend };
      const peers = { ownership: async () => (await spend(silentMs), Promise.reject(new Error("silent"))) };
      const store = { ownerships: () => Promise.resolve([at("GONE", 5)]) };
      const log = () => undefined;
      const access = createSlotAccess({ clock, store, peers, waiting: new SlotWaiting(clock), help: log, log });
      const answer = await access({ collection, intent: "read", knownEpoch: 0 }, async () => {
        return { kind: "not-owned", slot, ownership: at("GONE", 5) } as const;
      });
      expect(answer).toEqual({ kind: "moving" });
      expect(nowMs).toBeGreaterThanOrEqual(HOLD_MS_MAX);
      expect(nowMs).toBeLessThan(HOLD_MS_MAX + 300);
    },
  );

  test("a served slot is looked at once", async () => {
    expect(await play({ looks: ["serve"] })).toMatchObject({ answer: done, looks: 1, questions: 0 });
    expect(FIRST_OWNER.state).toBe("OWNER");
  });
});
