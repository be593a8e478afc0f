// Faults a broken system could have, each planted at the end of a right history.
// Must not plant anything that a right system could answer too.
import type { Operation, OperationRequest } from "../../history/operation.ts";
import type { Random } from "../../history/random.ts";
import type { Simulation } from "./simulated-history.ts";

/** One kind of fault. `lost`: how many answers the history before may have lost; where such a write could explain the fault, none. */
export interface PlantedFault {
  readonly name: string;
  readonly lost: number;
  plant(simulation: Simulation, random: Random): void;
}

const READ: OperationRequest = { kind: "read" };

/** Every fault that the checker has to find. */
export const PLANTED: readonly PlantedFault[] = [
  {
    name: "a lost update: a replacement goes through although the version it names was replaced",
    lost: 0.1,
    plant(simulation) {
      const first = putPlain(simulation);
      replace(simulation, first);
      bend(simulation, first);
      replace(simulation, first);
    },
  },
  {
    name: "two replacements of the same version, both acknowledged",
    lost: 0.1,
    plant(simulation) {
      const first = putPlain(simulation);
      simulation.serve(READ);
      const state = replace(simulation, first);
      bend(simulation, first);
      replace(simulation, first);
      bend(simulation, state);
      simulation.serve(READ);
    },
  },
  {
    name: "a stale read",
    lost: 0.1,
    plant(simulation) {
      const old = putPlain(simulation);
      const current = putPlain(simulation);
      simulation.serve(READ);
      bend(simulation, old);
      simulation.serve(READ);
      bend(simulation, current);
    },
  },
  {
    name: "a lost acknowledged write",
    lost: 0.1,
    plant(simulation) {
      const before = putPlain(simulation);
      simulation.serve(READ);
      putPlain(simulation);
      bend(simulation, before);
      simulation.serve(READ);
    },
  },
  {
    name: "a lost acknowledged creation",
    lost: 0,
    plant(simulation) {
      simulation.serve({ kind: "delete", condition: { kind: "none" }, ops: [simulation.newOp()] });
      putPlain(simulation);
      bend(simulation, null);
      simulation.serve(READ);
    },
  },
  {
    name: "a write applied a second time, after another one",
    lost: 0.1,
    plant(simulation) {
      const twice = putPlain(simulation);
      simulation.serve(READ);
      putPlain(simulation);
      simulation.serve(READ);
      bend(simulation, twice);
      simulation.serve(READ);
    },
  },
  {
    name: "a repetition applied under its own op as well",
    lost: 0.1,
    plant(simulation) {
      const ops = [simulation.newOp(), simulation.newOp()] as const;
      simulation.serve({ kind: "put", condition: { kind: "none" }, ops });
      simulation.serve(READ);
      bend(simulation, ops[0]);
      simulation.serve(READ);
    },
  },
  {
    name: "a deletion applied a second time",
    lost: 0,
    plant(simulation) {
      putPlain(simulation);
      simulation.serve({ kind: "delete", condition: { kind: "none" }, ops: [simulation.newOp()] });
      putPlain(simulation);
      bend(simulation, null);
      simulation.serve(READ);
    },
  },
  {
    name: "a deleted document that is back",
    lost: 0.1,
    plant(simulation) {
      const deleted = putPlain(simulation);
      simulation.serve({ kind: "delete", condition: { kind: "match", op: deleted }, ops: [simulation.newOp()] });
      bend(simulation, deleted);
      simulation.serve(READ);
    },
  },
  {
    name: "a refused write that was applied",
    lost: 0.1,
    plant(simulation) {
      const op = putPlain(simulation);
      answerLast(simulation, { kind: "refused" });
      bend(simulation, op);
      simulation.serve(READ);
    },
  },
  {
    name: "201 for a document that was there",
    lost: 0,
    plant(simulation) {
      putPlain(simulation);
      simulation.serve(READ);
      answerLast(simulation, { kind: "created", op: putPlain(simulation) });
    },
  },
  {
    name: "200 for a document that was not there",
    lost: 0,
    plant(simulation) {
      putPlain(simulation);
      simulation.serve({ kind: "delete", condition: { kind: "none" }, ops: [simulation.newOp()] });
      answerLast(simulation, { kind: "replaced", op: putPlain(simulation) });
    },
  },
  {
    name: "a creation acknowledged although the document was there",
    lost: 0,
    plant(simulation) {
      const state = putPlain(simulation);
      bend(simulation, null);
      simulation.serve({ kind: "put", condition: { kind: "absent" }, ops: [simulation.newOp()] });
      bend(simulation, state);
    },
  },
  {
    name: "412 with a version that was replaced before",
    lost: 0.1,
    plant(simulation) {
      const old = putPlain(simulation);
      putPlain(simulation);
      bend(simulation, old);
      simulation.serve({ kind: "put", condition: { kind: "absent" }, ops: [simulation.newOp()] });
    },
  },
  {
    name: "a version that nobody wrote",
    lost: 0.1,
    plant(simulation) {
      bend(simulation, "op-of-nobody");
      simulation.serve(READ);
    },
  },
];

function putPlain(simulation: Simulation): string {
  const op = simulation.newOp();
  simulation.serve({ kind: "put", condition: { kind: "none" }, ops: [op] });
  return op;
}

function replace(simulation: Simulation, version: string): string {
  const op = simulation.newOp();
  simulation.serve({ kind: "put", condition: { kind: "match", op: version }, ops: [op] });
  return op;
}

/** What the broken system makes of its state. */
function bend(simulation: Simulation, state: string | null): void {
  simulation.state = state;
}

function answerLast(simulation: Simulation, result: Operation["result"]): void {
  changeLast(simulation, { result });
}

function changeLast({ operations }: Simulation, change: Partial<Operation>): void {
  const last = operations.pop();
  if (last !== undefined) operations.push({ ...last, ...change });
}
