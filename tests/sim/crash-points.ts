// Where runners were when their process was killed: what they had sent, and whether it had taken effect.
// Must not bring a crash about.
import type { ShardId } from "../../router/ids.ts";
import type { Ownership } from "../../router/ownership.ts";
import { transition } from "../../router/slot-transition.ts";
import type { MoveTrace } from "../../shards/mover/move-trace.ts";
import type { SlotAddress } from "../../shards/store/port.ts";
import type { Life } from "./life.ts";
import type { Stage } from "./stage.ts";

/** The columns of a slot at a shard, as they are. */
export type OwnershipAt = (shard: ShardId, address: SlotAddress) => Ownership | undefined;

interface OpenRun {
  readonly life: Life;
  readonly sides: { readonly source: ShardId; readonly destination: ShardId };
  latest: MoveTrace;
}

/** Lives as long as the run. */
export class CrashPoints {
  readonly #stage: Stage;
  readonly #ownershipAt: OwnershipAt;
  readonly #open = new Map<string, OpenRun>();

  constructor(stage: Stage, ownershipAt: OwnershipAt) {
    this.#stage = stage;
    this.#ownershipAt = ownershipAt;
  }

  took(life: Life, step: MoveTrace): void {
    if (step.step === "start") {
      const { source, destination } = step.slotMove;
      this.#open.set(step.runner, { life, sides: { source, destination }, latest: step });
    }
    const run = this.#open.get(step.runner);
    if (run !== undefined) run.latest = step;
    if (step.step === "end" || step.step === "stop") this.#open.delete(step.runner);
  }

  crashed(life: Life): void {
    for (const [runner, run] of this.#open) {
      if (run.life !== life) continue;
      this.#open.delete(runner);
      this.#stage.coverage.add(`crash ${this.#placeOf(run)}`);
    }
  }

  #placeOf({ sides, latest }: OpenRun): string {
    if (latest.step === "copy" || latest.step === "reconcile") return `in a ${latest.step}`;
    if (latest.step !== "send") return "between steps";
    const ownership = this.#ownershipAt(sides[latest.at], latest);
    const isDone = ownership !== undefined && transition(ownership, latest.event).kind === "done";
    return `${isDone ? "after" : "before"} ${latest.event.kind} takes effect`;
  }
}
