/**
 * Stands in for shards/mover/slot-runner.ts in the processes of a crash test: the same runner, whose calls of both sides and of its own
 * store pass the gates of its cell. It must not change a call, beyond losing the reply that the cell is about.
 */
import type { RowsAhead, StatementAnswer } from "../../shards/mover/reply-lines.ts";
import { runSlot as runRealSlot, type SlotEnd, type SlotRunOptions } from "../../shards/mover/slot-runner.ts";
import type { SlotSide } from "../../shards/mover/slot-side.ts";
import type { SlotPart } from "../../shards/mover/slot-stream.ts";
import type { SlotFill } from "../../shards/store/transfer.ts";
import type { Moment, PlannedCell } from "./control.ts";
import { cellOfSlot, isAwaited, reach, stage, waitBeside } from "./gates.ts";
import { plantedIn } from "./planted-bugs.ts";
import { AT_SOURCE, type CrashStep } from "./steps.ts";

export { sleepUntilAborted } from "../../shards/mover/slot-runner.ts";

/** Drives the slot, with gates until the test has struck. A helper before that would move on what stands still. */
export async function runSlot(options: SlotRunOptions): Promise<SlotEnd> {
  const cell = cellOfSlot(options.address.slot);
  const planted = plantedIn(options);
  if (cell === null || stage().isStruck) return runRealSlot(planted);
  if (options.goal === "help") return { kind: "stop", reason: "nothing-to-help", detail: "the test stands still" };
  return new GatedRun(cell, planted).run();
}

type At = "source" | "destination";

class GatedRun {
  readonly #cell: PlannedCell;
  readonly #options: SlotRunOptions;
  #work: "copy" | "reconcile" = "copy";
  /** The step whose end has been seen last: what comes next is after it. */
  #ended: CrashStep | null = null;

  constructor(cell: PlannedCell, options: SlotRunOptions) {
    this.#cell = cell;
    this.#options = options;
  }

  async run(): Promise<SlotEnd> {
    const { sides, copying, trace } = this.#options;
    const end = await runRealSlot({
      ...this.#options,
      sides: {
        source: this.#gatedSide("source", sides.source),
        destination: this.#gatedSide("destination", sides.destination),
      },
      copying: copying === null ? null : { ...copying, store: this.#gatedStore(copying.store) },
      trace: (step) => {
        if (step.step === "copy" || step.step === "reconcile") this.#work = step.step;
        if (step.step === "look") this.#ended = lookAt(step.at);
        if (step.step === "reply" && step.event.kind !== "claim") this.#ended = step.event.kind;
        trace(step);
      },
    });
    await this.#afterLast();
    return end;
  }

  #gatedSide(at: At, side: SlotSide): SlotSide {
    return {
      look: () => this.#call(lookAt(at), () => side.look()),
      send: async (event, terms) => {
        if (event.kind === "claim") throw new Error("broken assumption: a move claims nothing");
        await this.#failHeld(event.kind);
        const { reply, rows } = await this.#call(event.kind, () =>
          this.#sendTo(event.kind, () => side.send(event, terms)),
        );
        return { reply, rows: rows === null ? null : this.#gatedAhead(rows) };
      },
      rows: (question) => this.#gatedParts(side.rows(question)),
    };
  }

  /**
   * The source itself stands between the effect and its answer; whatever comes of it, nothing goes on here before the test has struck. Rows
   * are lost with the reply.
   */
  async #sendTo(step: CrashStep, send: () => Promise<StatementAnswer>): Promise<StatementAnswer> {
    const isThere =
      isAwaited(this.#cell, { step, point: "reply-lost" }) || isAwaited(this.#cell, { step, point: "unanswered" });
    if (!AT_SOURCE.has(step) || !isThere) return send();
    const [sent] = await Promise.all([Promise.allSettled([send()]), waitBeside(this.#cell)]);
    const [outcome] = sent;
    if (outcome.status === "rejected") throw outcome.reason;
    outcome.value.rows?.drop();
    throw new Error("the reply is lost");
  }

  async #call<Value>(step: CrashStep, call: () => Promise<Value>): Promise<Value> {
    await this.#afterLast();
    await this.#at(step, "before");
    const value = await call();
    if (!AT_SOURCE.has(step)) await this.#lose(step);
    return value;
  }

  /** The step begins when the rows are read, not when they were sent for. */
  #gatedAhead({ parts, drop }: RowsAhead): RowsAhead {
    return { parts: this.#gatedParts(parts), drop };
  }

  async *#gatedParts(parts: AsyncIterable<SlotPart>): AsyncGenerator<SlotPart, void, undefined> {
    const step: CrashStep = `${this.#work}-rows`;
    await this.#afterLast();
    await this.#at(step, "before");
    for await (const part of parts) {
      if (part.kind === "rows" || part.kind === "digests") await this.#lose(step);
      if (part.kind === "end") await this.#at(step, "after");
      yield part;
    }
  }

  #gatedStore(store: NonNullable<SlotRunOptions["copying"]>["store"]): typeof store {
    return {
      slotPage: (request) => store.slotPage(request),
      fillSlot: async (fill: SlotFill) => {
        const step: CrashStep = `${this.#work}-fill`;
        const filled = await this.#call(step, async () => {
          await this.#at(step, "unanswered");
          return store.fillSlot(fill);
        });
        this.#ended = step;
        return filled;
      },
    };
  }

  /** A slot that was to be aborted while it is fenced: its runner fails once it was told, and comes again to abort. */
  async #failHeld(step: CrashStep): Promise<void> {
    const { hold } = this.#cell;
    if (hold?.step !== "seal" || step !== "seal" || stage().isStruck) return;
    await reach(this.#cell, hold);
    while (!stage().isStruck && !this.#options.signal.aborted) await this.#options.clock.sleep(10);
    throw new Error("the connection broke, says the test");
  }

  async #afterLast(): Promise<void> {
    const step = this.#ended;
    this.#ended = null;
    if (step !== null) await this.#at(step, "after");
  }

  async #lose(step: CrashStep): Promise<void> {
    if (await this.#at(step, "reply-lost")) throw new Error("the reply is lost");
  }

  #at(step: CrashStep, point: Moment["point"]): Promise<boolean> {
    return reach(this.#cell, { step, point });
  }
}

function lookAt(at: At): CrashStep {
  return `look-${at}`;
}
