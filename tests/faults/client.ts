/**
 * One closed-loop client: chooses an operation, sends it, repeats it under its idempotency key while the outcome is unknown,
 * writes down what it saw. It must not know what is being broken meanwhile.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { HEADER } from "../../router/contract.ts";
import type { Condition, OperationResult } from "../history/operation.ts";
import type { Random } from "../history/random.ts";
import type { ListResult, Recorder } from "../history/recorder.ts";
import { type Meaning, meaningOf } from "./answer-meaning.ts";
import type { KeySet, LoadKey } from "./key-set.ts";
import type { WireAnswer, WireOutcome } from "./shard-wire.ts";
import type { SignedRequest } from "./signed-request.ts";
import type { Way } from "./way.ts";

/** What all clients of one process share. */
export interface ClientWorld {
  readonly keySet: KeySet;
  readonly recorder: Recorder;
  /** The op last seen of each key. */
  readonly seen: Map<string, string>;
  /** Mean pause between two operations of a client, in milliseconds. */
  readonly thinkMs: number;
  /** Whether a client uses the op that a 412 names: not where nobody may be able to tell whose it is. */
  readonly learnsFromConflicts: boolean;
  count(label: string): void;
  odd(text: string): void;
  isStopping(): boolean;
  newId(): string;
}

/** One client. */
export interface ClientOptions {
  readonly world: ClientWorld;
  readonly name: string;
  readonly random: Random;
  /** Its own; closed in the end. */
  readonly way: Way;
}

/** Repetitions of a write whose outcome stays unknown. */
const REPETITIONS_MAX = 12;
const REPEAT_PAUSE_MS = 250;

/** After a refusal, so that nobody spins; a little different each time. */
const REFUSED_PAUSE_MS = 40;

/** An answer that takes longer is counted as late, whatever it says: a shard asks another node of its database by then. */
const LATE_MS = 2000;

/** Now and then a new connection, so that a worker that was replaced gets its share. */
const RECONNECT_PART = 0.02;

const LISTED_KEYS = 8;

/** Runs until the world stops. */
export async function runClient(options: ClientOptions): Promise<void> {
  const client = new Client(options);
  const { world, random } = options;
  while (!world.isStopping()) {
    await client.doOne();
    if (world.thinkMs > 0) await sleep(random.below(2 * world.thinkMs));
  }
  await client.close();
}

const METHODS = { put: "PUT", patch: "PATCH", delete: "DELETE" } as const;

interface Write {
  readonly id: string;
  readonly key: LoadKey;
  readonly kind: "put" | "patch" | "delete";
  readonly condition: Condition;
  readonly idempotencyKey: string | null;
  /** The same bytes at every repetition: a key stands for one request. */
  readonly body: string;
}

class Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  close(): Promise<void> {
    return this.#options.way.close();
  }

  async doOne(): Promise<void> {
    const { random, world, way } = this.#options;
    if (random.chance(RECONNECT_PART)) await way.reconnect();
    const kind = random.below(100);
    const key = world.keySet.pick(random);
    if (kind < 46) await this.#read(key);
    else if (kind < 50) await this.#list();
    else await this.#write(this.#chooseWrite(key));
  }

  async #read(key: LoadKey): Promise<void> {
    const { world } = this.#options;
    const id = this.#begin(key, { isKeyed: false, request: { kind: "read" } });
    const outcome = await this.#send(key, { path: key.path });
    const meaning = meaningOf(outcome, "read");
    this.#remember(key, meaning.result);
    // A read without an answer has no effect: nothing to be unknown.
    world.recorder.end(
      id,
      meaning.result.kind === "unknown" ? { kind: "refused" } : withWriter(meaning.result, outcome),
    );
    this.#countAnswer(meaning);
    await this.#pause(meaning.result);
  }

  async #list(): Promise<void> {
    const { world, random } = this.#options;
    const run = world.keySet.runs[random.below(world.keySet.runs.length)] ?? [];
    const start = random.below(Math.max(1, run.length - LISTED_KEYS));
    const asked = run.slice(start, start + LISTED_KEYS);
    const [first] = asked;
    if (first === undefined) return;
    const id = world.newId();
    world.recorder.start({
      id,
      process: this.#options.name,
      key: first.path,
      isKeyed: false,
      request: { kind: "list" },
    });
    const end = run[start + LISTED_KEYS];
    const bound = end === undefined ? "" : `&to=${encodeURIComponent(end.sortKey)}`;
    const query = `from=${encodeURIComponent(first.sortKey)}${bound}&limit=1000`;
    const outcome = await this.#send(first, { path: `/${first.collection}`, query });
    if (outcome.kind === "answer" && outcome.status === 200) {
      world.recorder.end(id, listResult(outcome, asked));
      world.count("list");
      return;
    }
    const meaning = meaningOf(outcome, "read");
    world.recorder.end(id, { kind: "refused" });
    this.#countAnswer(meaning);
    await this.#pause(meaning.result);
  }

  #chooseWrite(key: LoadKey): Write {
    const { random, world } = this.#options;
    const known = world.seen.get(key.path);
    const matching: Condition = known === undefined ? { kind: "none" } : { kind: "match", op: known };
    const choice = random.below(100);
    const isKeyed = random.chance(0.5);
    const id = world.newId();
    const fill = { body: JSON.stringify({ by: id, fill: "x".repeat(random.below(400)) }), key, id };
    const write = { ...fill, idempotencyKey: isKeyed ? randomUUID() : null };
    if (choice < 9) return { ...write, kind: "delete", condition: { kind: "none" } };
    if (choice < 16) return { ...write, kind: "delete", condition: matching };
    // It names the whole content, so that what is found tells whose it is.
    if (choice < 24) return { ...write, kind: "patch", condition: choice < 20 ? matching : { kind: "none" } };
    if (choice < 36) return { ...write, kind: "put", condition: { kind: "absent" } };
    return { ...write, kind: "put", condition: choice < 62 ? matching : { kind: "none" } };
  }

  async #write(write: Write): Promise<void> {
    const { world } = this.#options;
    const { kind, condition, key } = write;
    let op: string = randomUUID();
    const isKeyed = write.idempotencyKey !== null;
    const { id } = write;
    world.recorder.start({
      id,
      process: this.#options.name,
      key: key.path,
      isKeyed,
      ...(this.#options.way.hasServerOps === true ? { hasServerOps: true } : {}),
      request: { kind, condition, ops: [op] },
    });
    let meaning = await this.#attempt(write, op);
    let isUnknown = meaning.result.kind === "unknown";
    const needsRepetition = (): boolean => isUnknown && isOpen(meaning.result) && isKeyed;
    for (let repetition = 1; repetition <= REPETITIONS_MAX && needsRepetition(); repetition += 1) {
      world.count("repetition");
      await sleep(REPEAT_PAUSE_MS);
      op = randomUUID();
      world.recorder.repeat(id, op);
      meaning = await this.#attempt(write, op);
      isUnknown ||= meaning.result.kind === "unknown";
    }
    // A refusal speaks of its own attempt only.
    const result: OperationResult = isUnknown && isOpen(meaning.result) ? { kind: "unknown" } : meaning.result;
    this.#remember(key, result);
    world.recorder.end(id, result);
    world.count(`write ${result.kind}`);
    await this.#pause(result);
  }

  async #attempt(write: Write, op: string): Promise<Meaning> {
    const { kind, key, condition, idempotencyKey } = write;
    const headers: Record<string, string> = { [HEADER.op]: op };
    if (kind === "patch") headers["content-type"] = "application/merge-patch+json";
    if (condition.kind === "absent") headers["if-none-match"] = "*";
    if (condition.kind === "match") headers["if-match"] = `"${condition.op}"`;
    if (idempotencyKey !== null) headers["idempotency-key"] = idempotencyKey;
    const body = kind === "delete" ? {} : { body: write.body };
    const outcome = await this.#send(key, {
      method: METHODS[kind],
      path: key.path,
      headers,
      ...body,
    });
    const meaning = meaningOf(outcome, kind);
    this.#countAnswer(meaning);
    return meaning;
  }

  async #send(key: LoadKey, asked: Pick<SignedRequest, "path"> & Partial<SignedRequest>): Promise<WireOutcome> {
    const { way, world } = this.#options;
    const startedMs = performance.now();
    const outcome = await way.send(key, { method: "GET", query: "", headers: {}, body: null, ...asked });
    if (performance.now() - startedMs > LATE_MS) world.count("late");
    // Its clock and this one do not agree; another worker's may.
    if (outcome.kind === "answer" && outcome.status === 401) await way.reconnect();
    return outcome;
  }

  #begin(key: LoadKey, start: { readonly isKeyed: boolean; readonly request: { readonly kind: "read" } }): string {
    const { world, name } = this.#options;
    const id = world.newId();
    world.recorder.start({ id, process: name, key: key.path, ...start });
    return id;
  }

  #remember(key: LoadKey, result: OperationResult): void {
    const { seen, learnsFromConflicts } = this.#options.world;
    if (result.kind === "found" || result.kind === "created" || result.kind === "replaced")
      seen.set(key.path, result.op);
    if (learnsFromConflicts && result.kind === "conflict" && result.currentOp !== null)
      seen.set(key.path, result.currentOp);
  }

  #countAnswer({ label, oddity }: Meaning): void {
    const { world } = this.#options;
    world.count(label);
    if (oddity !== null) world.odd(oddity);
  }

  async #pause(result: OperationResult): Promise<void> {
    if (isOpen(result)) await sleep(REFUSED_PAUSE_MS + this.#options.random.below(REFUSED_PAUSE_MS));
  }
}

/** The content says which operation it is of. */
function withWriter(result: OperationResult, outcome: WireOutcome): OperationResult {
  if (result.kind !== "found" || outcome.kind !== "answer") return result;
  return { ...result, writer: String(JSON.parse(outcome.text).by) };
}

function isOpen({ kind }: OperationResult): boolean {
  return kind === "unknown" || kind === "refused";
}

/** A page of lines to what it says of the keys that were asked for. */
function listResult(answer: WireAnswer, asked: readonly LoadKey[]): ListResult {
  const coveredTo = answer.header(HEADER.listCovered);
  const limit = coveredTo === null ? null : decodeURIComponent(coveredTo);
  const covered = asked.filter(({ sortKey }) => limit === null || sortKey < limit);
  const found = new Map<string, ListedLine>();
  for (const text of answer.text.split("\n").filter(Boolean)) {
    const line = JSON.parse(text) as ListedLine;
    found.set(line.key, line);
  }
  const shown = covered.flatMap(({ path, sortKey }) => {
    const line = found.get(sortKey);
    return line === undefined ? [] : [{ path, op: line.etag.replaceAll('"', ""), writer: line.value.by }];
  });
  return {
    kind: "listed",
    covered: covered.map(({ path }) => path),
    found: Object.fromEntries(shown.map(({ path, op }) => [path, op])),
    writers: Object.fromEntries(shown.map(({ path, writer }) => [path, writer])),
  };
}

interface ListedLine {
  readonly key: string;
  readonly etag: string;
  readonly value: { readonly by: string };
}
