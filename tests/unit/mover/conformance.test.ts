// The checker of runners' logs: it explains what the model does, and refuses each log that was tampered with.
// Must not depend on the mover: the logs here are made by the model itself.
import { describe, expect, it } from "vitest";
import type { CollectionName, ShardId, SlotId } from "../../../router/ids.ts";
import { FIRST_OWNER, NEVER_HELD, type Ownership } from "../../../router/ownership.ts";
import {
  finishedCopy,
  foundEqual,
  type MoveGoal,
  nextStep,
  sawSide,
  sentStatement,
  startedCopy,
  startRunner,
} from "../../../router/slot-move.ts";
import type { Side, SlotMove } from "../../../router/slot-stand.ts";
import { transition } from "../../../router/slot-transition.ts";
import type { MoveTrace, TraceStep } from "../../../shards/mover/move-trace.ts";
import { Conformance } from "../../chaos/conformance.ts";

const MOVE: SlotMove = { move: "m", epoch: 2, source: "shard-1" as ShardId, destination: "shard-2" as ShardId };
const PLACE = { collection: "products" as CollectionName, slot: "aa" as SlotId };
const DIGEST = "3:abc";

const stepOf = (trace: MoveTrace): TraceStep => trace;
const indexOf = (log: readonly MoveTrace[], isIt: (step: TraceStep) => boolean): number => {
  const index = log.findIndex(isIt);
  if (index < 0) throw new Error("broken assumption: the log has such a step");
  return index;
};

/** What one runner logs that nobody disturbs. `sides` change as it goes. */
function logOf(runner: string, goal: MoveGoal, sides: Record<Side, Ownership>): readonly MoveTrace[] {
  const log: MoveTrace[] = [];
  const note = (step: TraceStep): void => void log.push({ ...step, atMs: 0, runner, move: MOVE.move, ...PLACE });
  let view = startRunner(MOVE, goal);
  note({ step: "start", goal, slotMove: MOVE });
  for (let serial = 0; ; serial += 1) {
    const step = nextStep(view, `${runner} run ${serial}`);
    if (step.kind === "look") {
      note({ step: "look", at: step.at, ownership: sides[step.at] });
      view = sawSide(view, step.at, sides[step.at]);
    } else if (step.kind === "send") {
      const { at, event } = step;
      note({ step: "send", at, event });
      const verdict = transition(sides[at], event);
      if (verdict.kind !== "change") throw new Error(`broken assumption: ${event.kind} changes something`);
      sides[at] = verdict.next;
      note({ step: "reply", at, event, reply: { kind: "changed", ownership: verdict.next } });
      view = sawSide(sentStatement(view, at, event), at, verdict.next);
    } else if (step.kind === "copy") {
      note({ step: "copy", run: step.run });
      note({ step: "copied", run: step.run });
      view = finishedCopy(startedCopy(view));
    } else if (step.kind === "reconcile") {
      note({ step: "reconcile", run: step.run });
      note({ step: "equal", run: step.run, digest: DIGEST });
      view = foundEqual(view, DIGEST);
    } else if (step.kind === "end") {
      note({ step: "end", outcome: step.outcome });
      return log;
    } else throw new Error(`broken assumption: the runner goes on, got ${step.reason}`);
  }
}

const fresh = (): Record<Side, Ownership> => ({ source: FIRST_OWNER, destination: NEVER_HELD });
const whole = (): readonly MoveTrace[] => logOf("r", "finish", fresh());

function faultsOf(...logs: readonly (readonly MoveTrace[])[]): readonly string[] {
  const conformance = new Conformance();
  for (const trace of logs.flat()) conformance.take(trace);
  return conformance.faults;
}

const without = (log: readonly MoveTrace[], index: number): readonly MoveTrace[] => log.toSpliced(index, 1);
const changed = (log: readonly MoveTrace[], index: number, step: object): readonly MoveTrace[] =>
  log.map((trace, at) => (at === index ? { ...trace, ...step } : trace));
const sends = (kind: string) => (step: TraceStep) => step.step === "send" && step.event.kind === kind;
const replies = (kind: string) => (step: TraceStep) => step.step === "reply" && step.event.kind === kind;

describe("a log that the model explains", () => {
  it("is one of a whole move, and of an abort", () => {
    expect(whole().map(stepOf).at(-1)).toMatchObject({ step: "end", outcome: "decided" });
    expect(faultsOf(whole())).toEqual([]);
    expect(faultsOf(logOf("r", "abort", fresh()))).toEqual([]);
  });

  it("may break off anywhere, as that of a process that was killed", () => {
    for (let length = 1; length <= whole().length; length += 1) expect(faultsOf(whole().slice(0, length))).toEqual([]);
  });

  it("may be told to stop between two steps, and another runner takes over", () => {
    const sides = fresh();
    const first = logOf("r", "finish", { ...sides });
    const cut = indexOf(first, replies("begin")) + 1;
    const begun = first[cut - 1];
    if (begun?.step === "reply") sides.destination = begun.reply.ownership;
    const stop = { ...first[0], step: "stop", reason: "interrupted", detail: "" } as MoveTrace;
    expect(faultsOf([...first.slice(0, cut), stop], logOf("s", "finish", sides))).toEqual([]);
  });

  it("may have lost a reply: the side is looked at again", () => {
    const log = whole();
    const at = indexOf(log, replies("go"));
    const go = log[at];
    if (go?.step !== "reply") throw new Error("broken assumption: a reply");
    const lost = { ...go, step: "reply-lost", error: "timeout" } as MoveTrace;
    const look = { ...go, step: "look", ownership: go.reply.ownership } as MoveTrace;
    expect(faultsOf([...log.slice(0, at), lost, look, ...log.slice(at + 1)])).toEqual([]);
  });
});

describe("a log that was tampered with is refused", () => {
  it("whatever step is left out but the last", () => {
    const log = whole();
    for (let index = 0; index < log.length - 1; index += 1) {
      expect(faultsOf(without(log, index)), JSON.stringify(log[index])).not.toEqual([]);
    }
  });

  it("any two neighbours in the other order", () => {
    const log = whole();
    for (const [index, trace] of log.slice(0, -1).entries()) {
      const next = log[index + 1];
      const swapped = next === undefined ? [] : log.toSpliced(index, 2, next, trace);
      expect(faultsOf(swapped), JSON.stringify(trace)).not.toEqual([]);
    }
  });

  it("another digest than the one that both sides were found to have", () => {
    const log = whole();
    const at = indexOf(log, ({ step }) => step === "equal");
    expect(faultsOf(changed(log, at, { digest: "4:def" }))).not.toEqual([]);
    const seal = log[indexOf(log, sends("seal"))];
    if (seal?.step !== "send") throw new Error("broken assumption: a seal");
    const other = { event: { ...seal.event, digest: "4:def" } };
    expect(faultsOf(changed(log, indexOf(log, sends("seal")), other))).not.toEqual([]);
  });

  it("a decision before the source has gone", () => {
    const log = whole();
    const [go, decide] = [indexOf(log, sends("go")), indexOf(log, sends("decide"))];
    const early = [
      ...log.slice(0, go),
      ...log.slice(decide, decide + 2),
      ...log.slice(go, decide),
      ...log.slice(decide + 2),
    ];
    expect(faultsOf(early)[0]).toContain('expected {"kind":"send","at":"source","event":{"kind":"go"');
  });

  it.each(["copy", "copied", "reconcile", "equal"])("another run at %s", (name) => {
    const log = whole();
    const at = indexOf(log, ({ step }) => step === name);
    expect(faultsOf(changed(log, at, { run: "another" }))).not.toEqual([]);
  });

  it("a run that somebody asked for before", () => {
    const [first] = [whole()];
    const [event] = first.flatMap((trace) => (sends("begin")(trace) && trace.step === "send" ? [trace.event] : []));
    const slot = "ab" as SlotId;
    const again = first.map((trace) => ({ ...trace, runner: "s", slot }));
    expect(event?.kind).toBe("begin");
    expect(faultsOf(first, again)[0]).toContain("was asked for before");
  });

  it("a reply that the table does not give", () => {
    const log = whole();
    const at = indexOf(log, replies("fence"));
    const reply = log[at]?.step === "reply" ? log[at].reply : null;
    for (const columns of [{ state: "OWNER" }, { epoch: 3 }, { move: "other" }, { run: "r" }, { digest: DIGEST }]) {
      const ownership = { ...reply?.ownership, ...columns };
      expect(
        faultsOf(changed(log, at, { reply: { kind: "changed", ownership } })),
        JSON.stringify(columns),
      ).not.toEqual([]);
    }
    const refused = { kind: "refused", reason: "wrong-state", detail: "", ownership: reply?.ownership };
    expect(faultsOf(changed(log, at, { reply: refused }))).not.toEqual([]);
  });

  it("an end that the columns do not show", () => {
    const log = whole();
    expect(faultsOf(changed(log, log.length - 1, { outcome: "aborted" }))).not.toEqual([]);
    expect(faultsOf(changed(log, log.length - 1, { step: "stop", reason: "taken-over" }))).not.toEqual([]);
  });
});

describe("logs that contradict each other are refused", () => {
  it("two owners at one epoch", () => {
    const owner = { ...FIRST_OWNER, epoch: 3 };
    const seenAt = (runner: string, at: Side): readonly MoveTrace[] => {
      const sides = { ...fresh(), [at]: owner };
      const log = whole().map((trace) => ({ ...trace, runner }));
      const looks = (["source", "destination"] as const).map(
        (side) => ({ ...log[0], step: "look", at: side, ownership: sides[side] }) as MoveTrace,
      );
      return [...log.slice(0, 1), ...looks];
    };
    expect(faultsOf(seenAt("r", "source"), seenAt("s", "source"))).toEqual([]);
    expect(faultsOf(seenAt("r", "source"), seenAt("s", "destination"))[0]).toContain("owned by shard-1 and by shard-2");
  });

  it("a statement that took effect twice", () => {
    const other = logOf("s", "finish", fresh());
    expect(faultsOf(whole(), other)[0]).toContain("had taken effect before");
  });

  it("a runner that goes on after its end", () => {
    const log = whole();
    expect(faultsOf(log, log.slice(1, 2))[0]).toContain("the runner had ended");
  });
});
