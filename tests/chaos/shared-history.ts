/**
 * What the logs of all runners must agree on, in whatever order they are read: an epoch of a slot has one owner, a statement takes
 * effect once, a run token is asked for once.
 * It must not depend on times: clocks differ, and logs of several processes are not in order.
 */
import { quote } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { Side } from "../../router/slot-stand.ts";
import type { OwnershipEvent } from "../../router/slot-transition.ts";
import type { MoveTrace } from "../../shards/mover/move-trace.ts";

/** Statements of which a move needs one for a slot; begin and take-over come once for each run. */
const ONCE: ReadonlySet<OwnershipEvent["kind"]> = new Set(["fence", "seal", "go", "decide", "abort", "restore"]);

/** All that was said of owners, effects and runs. */
export class SharedHistory {
  readonly #owners = new Map<string, string>();
  readonly #effects = new Set<string>();
  readonly #runs = new Set<string>();
  /** Shards of a move by runner, from its start. */
  readonly #sides = new Map<string, Readonly<Record<Side, string>>>();

  /** What the step contradicts; null when it fits. */
  take(trace: MoveTrace): string | null {
    if (trace.step === "start") {
      const { source, destination } = trace.slotMove;
      this.#sides.set(trace.runner, { source, destination });
    }
    if (trace.step === "end" || trace.step === "stop") this.#sides.delete(trace.runner);
    if (trace.step === "look") return this.#seen(trace, trace.at, trace.ownership);
    if (trace.step === "send") return this.#asked(trace.event);
    if (trace.step !== "reply") return null;
    const seen = this.#seen(trace, trace.at, trace.reply.ownership);
    return seen ?? (trace.reply.kind === "changed" ? this.#changed(trace, trace.event) : null);
  }

  #seen({ runner, collection, slot }: MoveTrace, at: Side, { state, epoch }: Ownership): string | null {
    if (state !== "OWNER") return null;
    const shard = this.#sides.get(runner)?.[at] ?? "";
    const name = `${collection} ${slot} ${epoch}`;
    const owner = this.#owners.get(name) ?? shard;
    this.#owners.set(name, owner);
    return owner === shard ? null : `at epoch ${epoch} the slot was owned by ${owner} and by ${shard}`;
  }

  #asked(event: OwnershipEvent): string | null {
    if (event.kind !== "begin" && event.kind !== "take-over") return null;
    if (this.#runs.has(event.run)) return `run ${quote(event.run)} was asked for before`;
    this.#runs.add(event.run);
    return null;
  }

  #changed({ collection, slot, move }: MoveTrace, event: OwnershipEvent): string | null {
    if (!ONCE.has(event.kind)) return null;
    const name = `${collection} ${slot} ${move} ${event.kind}`;
    if (this.#effects.has(name)) return `${event.kind} had taken effect before`;
    this.#effects.add(name);
    return null;
  }
}
