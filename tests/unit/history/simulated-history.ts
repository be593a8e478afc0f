// Histories of one key as a right system makes them: clients with delays, lost answers, late effects, repetitions.
// Must not contain a fault; planted-faults.ts adds those.
import type { Condition, Operation, OperationRequest, OperationResult } from "../../history/operation.ts";
import type { Random } from "../../history/random.ts";

/** How much happens, and how often an answer is lost. */
export interface SimulationOptions {
  readonly clients: number;
  readonly operations: number;
  /** Part of the writes whose answer never comes. */
  readonly lost: number;
  /** Part of the requests that write. */
  readonly writes: number;
}

/** A register whose clients' operations are remembered. `state` may be bent by whoever plants a fault. */
export interface Simulation {
  readonly operations: Operation[];
  state: string | null;
  nowNs: number;
  /** The last versions that the document had, the present one last. */
  readonly versions: string[];
  /** One operation alone: starts, takes effect and ends before the next. */
  serve(request: OperationRequest): Operation;
  newOp(): string;
}

/** A history that one register explains. */
export function simulate(random: Random, options: SimulationOptions): Simulation {
  const simulation = createSimulation();
  runClients(simulation, random, options);
  return simulation;
}

function createSimulation(): Simulation {
  let ops = 0;
  const simulation: Simulation = {
    operations: [],
    state: null,
    nowNs: 0,
    versions: [],
    newOp: () => `op-${(ops += 1)}`,
    serve(request) {
      simulation.nowNs += 1000;
      const started = start(simulation, { client: "solo", request });
      simulation.nowNs += 1000;
      takeEffect(simulation, started);
      simulation.nowNs += 1000;
      return finish(simulation, started);
    },
  };
  return simulation;
}

interface Started {
  readonly client: string;
  readonly request: OperationRequest;
  readonly startNs: number;
  readonly isKeyed: boolean;
  result: OperationResult | null;
}

function start(
  simulation: Simulation,
  asked: { readonly client: string; readonly request: OperationRequest },
): Started {
  const { request } = asked;
  const isKeyed = request.kind !== "read" && (request.ops.length > 1 || simulation.operations.length % 2 === 0);
  return { ...asked, startNs: simulation.nowNs, isKeyed, result: null };
}

function finish(simulation: Simulation, started: Started): Operation {
  const isKnown = started.result !== null && started.result.kind !== "unknown";
  const operation: Operation = {
    id: `o${simulation.operations.length}`,
    process: started.client,
    key: "key",
    startNs: started.startNs,
    endNs: isKnown ? simulation.nowNs : Number.POSITIVE_INFINITY,
    request: started.request,
    result: started.result ?? { kind: "unknown" },
    isKeyed: started.isKeyed,
  };
  simulation.operations.push(operation);
  return operation;
}

/** As a shard would: judge, apply, and keep what there is to say. */
function takeEffect(simulation: Simulation, started: Started): void {
  const { request } = started;
  const { state } = simulation;
  if (request.kind === "read") {
    started.result = state === null ? { kind: "missing" } : { kind: "found", op: state };
    return;
  }
  if (!isMet(request.condition, state)) {
    started.result = { kind: "conflict", currentOp: state };
    return;
  }
  if (state === null && request.kind !== "put") {
    started.result = { kind: "missing" };
    return;
  }
  if (request.kind === "delete") {
    started.result = { kind: "deleted" };
    simulation.state = null;
    return;
  }
  const op = request.ops.at(-1) ?? "";
  started.result = { kind: state === null ? "created" : "replaced", op };
  simulation.state = op;
  simulation.versions.push(op);
}

function isMet(condition: Condition, state: string | null): boolean {
  if (condition.kind === "none") return true;
  return condition.kind === "absent" ? state === null : state === condition.op;
}

interface Pending {
  readonly started: Started;
  readonly effectNs: number;
  readonly endNs: number;
  readonly isLost: boolean;
  isEffective: boolean;
}

const STEP_NS = 100;

function runClients(simulation: Simulation, random: Random, options: SimulationOptions): void {
  const busy = new Map<number, Pending>();
  const late: Pending[] = [];
  for (let begun = 0; begun < options.operations || busy.size > 0; ) {
    simulation.nowNs += STEP_NS;
    for (const pending of [...busy.values(), ...late]) applyWhenDue(simulation, pending);
    for (const [client, pending] of busy) {
      if (pending.endNs > simulation.nowNs) continue;
      busy.delete(client);
      if (pending.isLost) late.push(pending);
      else finish(simulation, pending.started);
    }
    const client = random.below(options.clients);
    if (begun >= options.operations || busy.has(client)) continue;
    begun += 1;
    busy.set(client, begin(simulation, random, { ...options, client: `c${client}` }));
  }
  for (const { started } of late) finish(simulation, { ...started, result: null });
}

function applyWhenDue(simulation: Simulation, pending: Pending): void {
  if (pending.isEffective || pending.effectNs > simulation.nowNs) return;
  pending.isEffective = true;
  takeEffect(simulation, pending.started);
}

function begin(simulation: Simulation, random: Random, options: SimulationOptions & { client: string }): Pending {
  const request = random.chance(options.writes) ? writeRequest(simulation, random) : ({ kind: "read" } as const);
  const started = start(simulation, { client: options.client, request });
  const isLost = request.kind !== "read" && random.chance(options.lost);
  const effectNs = simulation.nowNs + STEP_NS * (1 + random.below(8));
  const endNs = effectNs + STEP_NS * random.below(8);
  if (!isLost) return { started, effectNs, endNs, isLost, isEffective: false };
  const lateNs = simulation.nowNs + STEP_NS * random.below(200);
  return {
    started,
    effectNs: random.chance(0.3) ? Number.POSITIVE_INFINITY : lateNs,
    endNs,
    isLost,
    isEffective: false,
  };
}

function writeRequest(simulation: Simulation, random: Random): OperationRequest {
  const ops = random.chance(0.2) ? [simulation.newOp(), simulation.newOp()] : [simulation.newOp()];
  const version = simulation.versions.at(-1 - random.below(2));
  const matching: Condition = version === undefined ? { kind: "none" } : { kind: "match", op: version };
  if (random.chance(0.35)) {
    const kind = random.pick(["delete", "patch"] as const);
    return { kind, ops, condition: random.chance(0.3) ? matching : { kind: "none" } };
  }
  const condition = random.pick<Condition>([
    { kind: "none" },
    { kind: "none" },
    { kind: "absent" },
    matching,
    matching,
  ]);
  return { kind: "put", ops, condition };
}
