// One step of the modelled world.
// Must not know who takes it.
import type { Finding } from "../../router/move-invariants.ts";

/** What happened, and what it broke. `name` is counted, `detail` is made only for a trace. */
export interface Step {
  readonly name: string;
  readonly detail: () => string;
  readonly findings: readonly Finding[];
}

/** Takes a following state and the step to it. The state is the receiver's to keep. */
export type Emit = (next: Int32Array, step: Step) => void;
