// One closed-loop client: chooses an operation, sends it through its edge, repeats it under its key while the outcome is unknown,
// writes down what it saw. Must not know what is being broken meanwhile.
import { readIsTrue } from "../../router/history-invariants.ts";
import { finding } from "../../router/move-invariants.ts";
import type { RowAddress } from "../../shards/store/port.ts";
import type { Condition, Operation, OperationRequest, OperationResult } from "../history/operation.ts";
import type { Life } from "./life.ts";
import type { EdgeAnswer, EdgeRequest, SimEdge } from "./sim-edge.ts";
import type { Stage } from "./stage.ts";
import type { Town } from "./town.ts";

/** What a client stands on. */
export interface ClientOptions {
  readonly stage: Stage;
  readonly town: Town;
  readonly life: Life;
  readonly name: string;
  /** The edge of now; a dead one is replaced. */
  readonly edge: () => SimEdge;
  readonly history: Operation[];
}

/** Repetitions while nothing is calm yet, and the pause before one, in milliseconds. */
const REPETITIONS_MAX = 12;
const REPEAT_MS = 150;

/** A client gives up an answer after this time, in milliseconds. */
const PATIENCE_MS = 15_000;

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

interface WantedWrite {
  readonly kind: "put" | "delete";
  readonly condition: Condition;
  readonly idempotencyKey: string | null;
}

/** Lives as long as the run. */
export class SimClient {
  readonly #options: ClientOptions;
  readonly #seen = new Map<string, string>();
  #count = 0;
  /** What it waits for; null when it is done. */
  waitsFor: string | null = "its turn";

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async run(operations: number): Promise<void> {
    const { stage, town, life } = this.#options;
    const { random } = stage.scheduler;
    const pauseMs = random.pick(stage.scenario.pausesMs);
    await life.clock.sleep(random.below(400));
    for (let done = 0; done < operations; done += 1) {
      const address = town.addresses[random.below(town.addresses.length)];
      if (address === undefined) throw new Error("broken assumption: there is a key");
      if (random.chance(0.3)) await this.#read(address);
      else await this.#write(address, this.#choose(address));
      await life.clock.sleep(random.below(pauseMs));
    }
    this.waitsFor = null;
  }

  /** Until there is an answer: workers that died last may still be on their way back. */
  async readInTheEnd(address: RowAddress): Promise<void> {
    while (!(await this.#read(address))) await this.#options.life.clock.sleep(REPEAT_MS);
  }

  /** Whether there was an answer that says something. */
  async #read(address: RowAddress): Promise<boolean> {
    const operation = this.#begin(address, { request: { kind: "read" }, isKeyed: false });
    const answer = await this.#send({
      method: "GET",
      address,
      op: this.#options.stage.newToken(),
      headers: {},
      body: null,
    });
    const result = meaningOf(answer, "read");
    const isOpen = result.kind === "unknown" || result.kind === "refused";
    this.#end(operation, isOpen ? { kind: "refused" } : result);
    if (result.kind === "found" && answer !== null) this.#checkContent(result.op, answer.text);
    return !isOpen;
  }

  #choose({ key }: RowAddress): WantedWrite {
    const { stage } = this.#options;
    const { random } = stage.scheduler;
    const seen = this.#seen.get(key);
    const match: Condition = seen === undefined ? { kind: "none" } : { kind: "match", op: seen };
    const kind = random.chance(0.3) ? "delete" : "put";
    const absent: Condition = kind === "put" ? { kind: "absent" } : { kind: "none" };
    const condition = random.pick<Condition>([{ kind: "none" }, { kind: "none" }, match, absent]);
    return { kind, condition, idempotencyKey: random.chance(0.55) ? stage.newToken() : null };
  }

  async #write(address: RowAddress, write: WantedWrite): Promise<void> {
    const { stage, life } = this.#options;
    const { kind, condition, idempotencyKey } = write;
    const ops = [stage.newToken()];
    const operation = this.#begin(address, { request: { kind, condition, ops }, isKeyed: idempotencyKey !== null });
    const body = kind === "put" ? JSON.stringify({ by: operation.id }) : null;
    const attempt = (op: string): Promise<EdgeAnswer | null> =>
      this.#send({ method: kind === "put" ? "PUT" : "DELETE", address, op, headers: headersOf(write), body });
    let result = meaningOf(await attempt(operation.ops[0] ?? ""), kind);
    let wasUnknown = result.kind === "unknown";
    for (
      let count = 0;
      idempotencyKey !== null && wasUnknown && isOpen(result) && count < REPETITIONS_MAX;
      count += 1
    ) {
      stage.coverage.add("write is repeated by its client");
      await life.clock.sleep(REPEAT_MS);
      const op = stage.newToken();
      operation.ops.push(op);
      result = meaningOf(await attempt(op), kind);
      wasUnknown ||= result.kind === "unknown";
    }
    // A refusal speaks of its own attempt only.
    this.#end(operation, wasUnknown && isOpen(result) ? { kind: "unknown" } : result);
  }

  async #send(request: EdgeRequest): Promise<EdgeAnswer | null> {
    const { stage, life, edge } = this.#options;
    const { station, scheduler } = stage;
    const to = edge();
    const answer = await new Promise<EdgeAnswer | null>((resolve) => {
      to.life.whenDead(() => life.after(station.delayMs(), () => resolve(null)));
      life.after(PATIENCE_MS, () => resolve(null));
      scheduler.after(station.delayMs(), () =>
        to.life.hear(() => {
          to.answer(request).then(
            (got) => life.after(station.delayMs(), () => resolve(got)),
            (error: unknown) => stage.find([finding("I10", `an edge fails: ${String(error)}`)]),
          );
        }),
      );
    });
    stage.coverage.add(`answer: ${answer === null ? "none" : `${answer.status} ${answer.code}`.trim()}`);
    return answer;
  }

  #begin({ key }: RowAddress, { request, isKeyed }: Pick<Operation, "request" | "isKeyed">): OpenOperation {
    const { stage, name } = this.#options;
    this.#count += 1;
    const id = `${name}.${this.#count}`;
    const ops = request.kind === "read" ? [] : [...request.ops];
    stage.say(() => `${id} begins: ${request.kind} ${key} ${isKeyed ? "keyed " : ""}${describe(request)}`);
    this.waitsFor = id;
    return { id, key, isKeyed, ops, request, startNs: stage.tick() };
  }

  #end({ id, key, isKeyed, ops, request, startNs }: OpenOperation, result: OperationResult): void {
    const { stage, name, history } = this.#options;
    stage.say(() => `${id} ends: ${JSON.stringify(result)}`);
    stage.scheduler.note(result.kind);
    stage.coverage.add(`operation: ${request.kind} ${result.kind}`);
    if ("op" in result) this.#seen.set(key, result.op);
    const asked = request.kind === "read" ? request : { ...request, ops };
    const endNs = result.kind === "unknown" ? Number.POSITIVE_INFINITY : stage.tick();
    history.push({ id, process: name, key, isKeyed, startNs, endNs, request: asked, result });
  }

  /** The content names its writer, the history the op of each. */
  #checkContent(op: string, text: string): void {
    const { stage, history } = this.#options;
    const writer = history.find(({ request }) => request.kind === "put" && request.ops.includes(op));
    const { by } = JSON.parse(text) as { readonly by: string };
    if (writer !== undefined) stage.find(readIsTrue(by, writer.id));
  }
}

interface OpenOperation extends Mutable<Pick<Operation, "id" | "key" | "isKeyed" | "startNs">> {
  readonly request: OperationRequest;
  readonly ops: string[];
}

function isOpen({ kind }: OperationResult): boolean {
  return kind === "unknown" || kind === "refused";
}

function headersOf({ kind, condition, idempotencyKey }: WantedWrite): Readonly<Record<string, string>> {
  return {
    ...(kind === "put" ? { "content-type": "application/json" } : {}),
    ...(condition.kind === "absent" ? { "if-none-match": "*" } : {}),
    ...(condition.kind === "match" ? { "if-match": `"${condition.op}"` } : {}),
    ...(idempotencyKey === null ? {} : { "idempotency-key": idempotencyKey }),
  };
}

function describe(request: OperationRequest): string {
  return request.kind === "read" ? "" : `${JSON.stringify(request.condition)} ${request.ops.join(" ")}`;
}

/** A write answered with 4xx or a 503 of another code was not applied, as docs/guarantees.md says. */
function meaningOf(answer: EdgeAnswer | null, kind: OperationRequest["kind"]): OperationResult {
  if (answer === null) return { kind: "unknown" };
  const { status, code, op } = answer;
  if (status === 404) return { kind: "missing" };
  if (status === 412 && kind !== "read") return { kind: "conflict", currentOp: op };
  if (status === 204 && kind === "delete") return { kind: "deleted" };
  if (status === 200 && op !== null) return kind === "read" ? { kind: "found", op } : { kind: "replaced", op };
  if (status === 201 && op !== null) return { kind: "created", op };
  const isRefused = status < 500 || (status === 503 && code !== "OUTCOME_UNKNOWN");
  return isRefused ? { kind: "refused" } : { kind: "unknown" };
}
