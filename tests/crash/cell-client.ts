// One client of one cell's slot: it writes, reads and deletes one key all the time, finds the owner by the answers it gets, and repeats what
// had no answer under the same Idempotency-Key. It notes what is not as it was acknowledged. Must not look into a store.
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { HEADER } from "../../router/contract.ts";
import type { ShardAnswer, ShardClient } from "../e2e/shard-client.ts";
import { DESTINATION, type ShardName, SOURCE } from "./crash-pair.ts";

/** Between two operations. */
const PAUSE_MS = 250;
/** Longer than a shard holds a request of a slot that moves. */
const ANSWER_MS_MAX = 3500;
/** Between two attempts. */
const AGAIN_MS = 100;

export type Clients = Readonly<Record<ShardName, ShardClient>>;
type Asked = Parameters<ShardClient["send"]>[0];

/** Lives as long as its cell. */
export class CellClient {
  readonly #prefix: string;
  readonly #clients: Clients;
  readonly #patienceMs: number;
  readonly faults: string[] = [];
  readonly #over = new AbortController();
  readonly #firstKey = randomUUID();
  #running: Promise<void> = Promise.resolve();
  #owner: ShardName = SOURCE;
  #epoch = 0;
  #last: string | null = null;
  #settled = '{"settled":false}';
  #count = 0;

  /** `patienceMs`: how long to go on trying for an answer. */
  constructor(prefix: string, clients: Clients, patienceMs: number) {
    this.#prefix = prefix;
    this.#clients = clients;
    this.#patienceMs = patienceMs;
  }

  get count(): number {
    return this.#count;
  }

  /** A document that stays, a deleted one, and one whose first write is to be repeated at the end. */
  async prepare(): Promise<void> {
    await this.#demand(201, this.#put("kept", '{"kept":true}'));
    await this.#demand(201, this.#put("gone", "{}"));
    await this.#demand(204, this.#delete("gone"));
    await this.#demand(201, this.#put("keyed", '{"first":true}', this.#firstKey));
    await this.#demand(200, this.#put("keyed", '{"second":true}'));
    await this.#demand(201, this.#put("late-gone", "{}"));
    await this.#demand(201, this.#put("settled", this.#settled));
    await this.#demand(201, this.#put("busy", '{"n":0}'));
    this.#last = '{"n":0}';
  }

  /** What comes between the copy and the fence. */
  async writeLate(): Promise<void> {
    await this.#demand(201, this.#put("late", '{"late":true}'));
    await this.#demand(204, this.#delete("late-gone"));
  }

  /** What is written once the move has ended, and never again: whatever of the first copy comes later is seen at the end for certain. */
  async settle(): Promise<void> {
    const settled = '{"settled":true}';
    const answer = await this.#follow(this.#put("settled", settled));
    if (answer.status === 200) this.#settled = settled;
    else this.faults.push(`the write after the move was answered with ${answer.status}, not 200`);
  }

  start(): void {
    this.#running = this.#live().catch((error: unknown) => void this.faults.push(String(error)));
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#running;
  }

  /** Everything that was acknowledged is at the owner, and nothing is served by the other one. */
  async judge(owner: ShardName, wasWrittenLate: "written-late" | "not-written-late"): Promise<void> {
    await this.#expectAll(owner, wasWrittenLate).catch((error: unknown) => void this.faults.push(String(error)));
  }

  async #expectAll(owner: ShardName, wasWrittenLate: "written-late" | "not-written-late"): Promise<void> {
    await this.#expectRead("kept", '{"kept":true}');
    await this.#expectRead("gone", null);
    await this.#expectRead("busy", this.#last);
    await this.#expectRead("settled", this.#settled);
    const isLate = wasWrittenLate === "written-late";
    await this.#expectRead("late", isLate ? '{"late":true}' : null);
    await this.#expectRead("late-gone", isLate ? null : "{}");
    const again = await this.#follow(this.#put("keyed", '{"first":true}', this.#firstKey));
    if (again.status !== 201 || again.headers["idempotency-replayed"] !== "true") {
      this.faults.push(`the repetition of the first write was answered with ${again.status}, not as a repetition`);
    }
    await this.#expectRead("keyed", '{"second":true}');
    if (this.#owner !== owner) this.faults.push(`the client was sent to ${this.#owner}, the owner is ${owner}`);
    await this.#expectSentAway(owner);
  }

  async #live(): Promise<void> {
    while (!this.#over.signal.aborted) {
      // First of all: what came over it meanwhile must not be hidden by the next write.
      await this.#expectRead("busy", this.#last);
      const isDeletion = this.#count % 5 === 4 && this.#last !== null;
      const wanted = isDeletion ? null : `{"n":${this.#count + 1}}`;
      const answer = await this.#follow(wanted === null ? this.#delete("busy") : this.#put("busy", wanted));
      const expected = wanted === null ? 204 : this.#last === null ? 201 : 200;
      if (answer.status !== expected) this.faults.push(`a write was answered with ${answer.status}, not ${expected}`);
      this.#last = wanted;
      this.#count += 1;
      await this.#expectRead("busy", this.#last);
      await delay(PAUSE_MS, undefined, { signal: this.#over.signal }).catch(() => undefined);
    }
  }

  async #expectRead(name: string, expected: string | null): Promise<void> {
    const answer = await this.#follow({ method: "GET", path: this.#path(name) });
    const found = answer.status === 404 ? null : answer.text;
    if (found !== expected) this.faults.push(`${name}: read ${answer.status} ${found}, acknowledged was ${expected}`);
  }

  async #expectSentAway(owner: ShardName): Promise<void> {
    const other = owner === SOURCE ? DESTINATION : SOURCE;
    for (const asked of [{ method: "GET", path: this.#path("kept") }, this.#put("kept", '{"stray":true}')]) {
      const answer = await this.#askPlainly(other, asked);
      const named = answer.status === 421 ? (answer.json() as { readonly owner: string }).owner : null;
      if (named !== owner)
        this.faults.push(`${other}, no owner, answered ${asked.method} with ${answer.status} ${answer.text}`);
    }
  }

  /** A shard whose database has just come back may say so for a while, and nothing is served by that. */
  async #askPlainly(shard: ShardName, asked: Asked): Promise<ShardAnswer> {
    const deadlineMs = performance.now() + this.#patienceMs;
    for (;;) {
      const headers = { ...asked.headers, [HEADER.slotEpoch]: "0" };
      const answer = await this.#clients[shard].send({ ...asked, headers });
      if (answer.status < 500 || performance.now() >= deadlineMs) return answer;
      await delay(AGAIN_MS);
    }
  }

  async #demand(status: number, asked: Asked): Promise<void> {
    const answer = await this.#follow(asked);
    if (answer.status !== status) throw new Error(`${asked.method} ${asked.path}: ${answer.status} ${answer.text}`);
  }

  /** The answer of whoever owns the slot, however long that takes. */
  async #follow(asked: Asked): Promise<ShardAnswer> {
    const deadlineMs = performance.now() + this.#patienceMs;
    let last = "nothing";
    while (performance.now() < deadlineMs) {
      const answer = await this.#attempt(asked).catch((error: unknown) => String(error));
      if (typeof answer === "string") last = answer;
      else if (answer.status === 421) this.#learn(answer);
      else if (answer.status < 500) return answer;
      else last = `${answer.status} ${answer.text}`;
      if (typeof answer === "string" || answer.status !== 421) await delay(AGAIN_MS);
    }
    throw new Error(
      `${asked.method} ${asked.path}: no answer from ${this.#owner} in ${this.#patienceMs} ms, last ${last}`,
    );
  }

  async #attempt(asked: Asked): Promise<ShardAnswer> {
    const headers = { ...asked.headers, [HEADER.slotEpoch]: String(this.#epoch) };
    const sent = this.#clients[this.#owner].send({ ...asked, headers });
    // What nobody waits for any more may still be answered.
    sent.catch(() => undefined);
    const late = new AbortController();
    const timeout = delay(ANSWER_MS_MAX, null, { signal: late.signal }).catch(() => null);
    const answer = await Promise.race([sent, timeout]).finally(() => late.abort());
    if (answer === null) throw new Error(`no answer in ${ANSWER_MS_MAX} ms`);
    return answer;
  }

  #learn(answer: ShardAnswer): void {
    const { owner, epoch } = answer.json() as { readonly owner: ShardName | null; readonly epoch: number };
    if (owner === null || epoch <= this.#epoch) return;
    this.#owner = owner;
    this.#epoch = epoch;
  }

  #put(name: string, body: string, key: string = randomUUID()): Asked {
    return { method: "PUT", path: this.#path(name), body, headers: { "idempotency-key": key } };
  }

  #delete(name: string): Asked {
    return { method: "DELETE", path: this.#path(name), headers: { "idempotency-key": randomUUID() } };
  }

  #path(name: string): string {
    return `/products/${this.#prefix}-${name}`;
  }
}
