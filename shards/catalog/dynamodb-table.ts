/**
 * Reads and conditional writes of one DynamoDB table, with bounded patience: what is throttled or lost is tried again with
 * growing, jittered delays until the time of the operation is over.
 * It must not know what the items mean.
 *
 * Every read is strongly consistent. A write is sent once at a time and never repeated blindly: `settle` reads back first.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { AttributeValue, DynamoDB, TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { type DynamodbAddress, REQUEST_MS_MAX } from "./dynamodb-client.ts";
import { type DynamodbFault, faultOf, toCatalogError } from "./dynamodb-fault.ts";
import type { Pacing } from "./pacing.ts";
import { CatalogError } from "./port.ts";

/** Attributes by name. */
export type Item = Readonly<Record<string, AttributeValue>>;

/** Partition and sort key of an item. */
export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

/** What must be true of the item that is there. */
export interface Condition {
  readonly expression: string;
  readonly names: Readonly<Record<string, string>>;
  readonly values: Item;
}

/** One item to write or to remove. */
export type ItemWrite =
  | { readonly kind: "put"; readonly item: Item; readonly condition: Condition }
  | { readonly kind: "delete"; readonly key: ItemKey; readonly condition: Condition };

/** Items of a partition whose sort keys lie between two (inclusive), in either order. */
export interface ItemQuery {
  readonly pk: string;
  readonly low: string;
  readonly high: string;
  readonly order: "ascending" | "descending";
  /** How many to read at once, so that no more are paid for than are wanted. */
  readonly limit?: number;
}

/** What became of one attempt to write. */
type WriteReply =
  | { readonly kind: "done" | "condition" }
  | { readonly kind: "busy" | "lost"; readonly error: CatalogError };

/** What to do, by what has been read. The items of one write are written together or not at all. */
export type Step<Value> =
  | { readonly kind: "answer"; readonly value: Value }
  | { readonly kind: "write"; readonly items: readonly ItemWrite[]; readonly value: Value };

/** Reads and decides. `attempts` counts the writes that this operation has sent before. */
export type Decide<Value> = (attempts: number) => Promise<Step<Value>>;

const DELAY_MS_FIRST = 25;
const DELAY_MS_MAX = 1000;
const BATCH_ITEMS_MAX = 100;

/** What a table stands on. */
export interface DynamodbTableOptions {
  readonly client: DynamoDB;
  readonly address: DynamodbAddress;
  readonly pacing: Pacing;
  /** How long an operation goes on trying, in milliseconds. */
  readonly patienceMs: number;
}

/** One operation of the catalog on the table: it has one deadline for everything it does. All reject with `CatalogError`. */
export class DynamodbOperation {
  readonly #client: DynamoDB;
  readonly #table: DynamodbTableOptions;
  readonly #deadline: number;

  constructor(table: DynamodbTableOptions) {
    this.#client = table.client;
    this.#table = table;
    this.#deadline = table.pacing.now() + table.patienceMs;
  }

  /** Any call that may be repeated without harm. */
  call<Reply>(work: (client: DynamoDB, abort: Abort) => Promise<Reply>): Promise<Reply> {
    return this.#patiently((abort) => work(this.#client, abort));
  }

  /** One item; null when there is none. */
  async get(key: ItemKey): Promise<Item | null> {
    const input = { TableName: this.#name, Key: keyOf(key), ConsistentRead: true };
    const { Item: item } = await this.#patiently((abort) => this.#client.getItem(input, abort));
    return item ?? null;
  }

  /** Those of the items that are there, in any order. */
  async getMany(keys: readonly ItemKey[]): Promise<readonly Item[]> {
    const items: Item[] = [];
    for (let from = 0; from < keys.length; from += BATCH_ITEMS_MAX) {
      items.push(...(await this.#getBatch(keys.slice(from, from + BATCH_ITEMS_MAX))));
    }
    return items;
  }

  /** The items in order. DynamoDB answers in pages of 1 MB at most; an empty page need not be the last. */
  async *query(query: ItemQuery): AsyncGenerator<Item, void> {
    const input = {
      TableName: this.#name,
      ConsistentRead: true,
      KeyConditionExpression: "pk = :pk AND sk BETWEEN :low AND :high",
      ExpressionAttributeValues: { ":pk": { S: query.pk }, ":low": { S: query.low }, ":high": { S: query.high } },
      ScanIndexForward: query.order === "ascending",
      ...(query.limit === undefined ? {} : { Limit: query.limit }),
    };
    let last: Record<string, AttributeValue> | undefined;
    do {
      if (last !== undefined && this.#isOver()) throw this.#tooLong();
      const from = last === undefined ? {} : { ExclusiveStartKey: last };
      const page = await this.#patiently((abort) => this.#client.query({ ...input, ...from }, abort));
      yield* page.Items ?? [];
      last = page.LastEvaluatedKey;
    } while (last !== undefined);
  }

  async #attempt(items: readonly ItemWrite[]): Promise<WriteReply> {
    try {
      await this.#bounded((abort) => this.#send(items, abort));
      return { kind: "done" };
    } catch (error) {
      const fault = faultOf(error);
      if (fault === "condition") return { kind: "condition" };
      const told = toCatalogError(error, this.#table.address);
      if (fault === "final") throw told;
      return { kind: fault, error: told };
    }
  }

  /**
   * Reads, decides and writes until the decision is an answer or its write is done. Whatever became of an attempt, the next
   * round reads what is there: only that tells an own success from a lost race.
   */
  async settle<Value>(decide: Decide<Value>): Promise<Value> {
    const past = { lost: false };
    for (let attempts = 0; ; attempts += 1) {
      const step: Step<Value> = await this.#telling(past, () => decide(attempts));
      if (step.kind === "answer") return step.value;
      const reply: WriteReply = await this.#telling(past, () => this.#attempt(step.items));
      if (reply.kind === "done") return step.value;
      past.lost ||= reply.kind === "lost";
      if (this.#isOver()) return this.#lastLook({ decide, attempts, past, reply });
      await this.#table.pacing.sleep(this.#delayMs(attempts));
    }
  }

  get #name(): string {
    return this.#table.address.table;
  }

  /** Out of time: an answer that can be read is still an answer. */
  async #lastLook<Value>(state: LastState<Value>): Promise<Value> {
    const { decide, attempts, past, reply } = state;
    const step = await this.#telling(past, () => decide(attempts + 1));
    if (step.kind === "answer") return step.value;
    const error = "error" in reply ? reply.error : new CatalogError("others kept changing the same; try again");
    throw past.lost ? unknownOutcome(error) : error;
  }

  /** A failure after a lost attempt leaves open what happened, and has to say so. */
  async #telling<Value>({ lost }: Past, work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      throw lost && error instanceof CatalogError ? unknownOutcome(error) : error;
    }
  }

  async #getBatch(keys: readonly ItemKey[]): Promise<readonly Item[]> {
    const items: Item[] = [];
    let wanted: Record<string, AttributeValue>[] = keys.map(keyOf);
    for (let attempt = 0; wanted.length > 0; attempt += 1) {
      const input = { RequestItems: { [this.#name]: { Keys: wanted, ConsistentRead: true } } };
      const reply = await this.#patiently((abort) => this.#client.batchGetItem(input, abort));
      items.push(...(reply.Responses?.[this.#name] ?? []));
      wanted = reply.UnprocessedKeys?.[this.#name]?.Keys ?? [];
      if (wanted.length === 0) break;
      if (this.#isOver()) throw this.#tooLong();
      await this.#table.pacing.sleep(this.#delayMs(attempt));
    }
    return items;
  }

  #send(items: readonly ItemWrite[], abort: Abort): Promise<unknown> {
    const [single] = items;
    if (single === undefined || items.length > 1) {
      return this.#client.transactWriteItems({ TransactItems: items.map((item) => this.#partOf(item)) }, abort);
    }
    const expression = expressionOf(this.#name, single);
    if (single.kind === "put") return this.#client.putItem({ ...expression, Item: single.item }, abort);
    return this.#client.deleteItem({ ...expression, Key: keyOf(single.key) }, abort);
  }

  #partOf(write: ItemWrite): TransactWriteItem {
    const expression = expressionOf(this.#name, write);
    return write.kind === "put"
      ? { Put: { ...expression, Item: write.item } }
      : { Delete: { ...expression, Key: keyOf(write.key) } };
  }

  async #patiently<Reply>(call: (abort: Abort) => Promise<Reply>): Promise<Reply> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#bounded(call);
      } catch (error) {
        if (!isTransient(faultOf(error)) || this.#isOver()) throw toCatalogError(error, this.#table.address);
      }
      await this.#table.pacing.sleep(this.#delayMs(attempt));
    }
  }

  /** Ends in time also where the SDK would wait for something else than the connection, as for credentials. */
  async #bounded<Reply>(call: (abort: Abort) => Promise<Reply>): Promise<Reply> {
    const abort = new AbortController();
    const ended = new AbortController();
    const late = sleep(REQUEST_MS_MAX, null, { signal: ended.signal }).then(() => {
      abort.abort();
      throw new Error(`no answer within ${REQUEST_MS_MAX} ms`);
    });
    try {
      return await Promise.race([call({ abortSignal: abort.signal }), late]);
    } finally {
      ended.abort();
    }
  }

  #tooLong(): CatalogError {
    return new CatalogError(`DynamoDB table "${this.#name}" left reads undone for too long`);
  }

  #isOver(): boolean {
    return this.#table.pacing.now() >= this.#deadline;
  }

  /** Full jitter: those who were turned away together do not come back together. */
  #delayMs(attempt: number): number {
    const ceiling = Math.min(DELAY_MS_MAX, DELAY_MS_FIRST * 2 ** Math.min(attempt, 10));
    return 1 + this.#table.pacing.random() * ceiling;
  }
}

/** Ends a request. */
export interface Abort {
  readonly abortSignal: AbortSignal;
}

/** Whether an attempt of this operation may have been applied without anybody knowing. */
interface Past {
  readonly lost: boolean;
}

interface LastState<Value> {
  readonly decide: Decide<Value>;
  readonly attempts: number;
  readonly past: Past;
  readonly reply: WriteReply;
}

function isTransient(fault: DynamodbFault): boolean {
  return fault === "busy" || fault === "lost";
}

function unknownOutcome(cause: CatalogError): CatalogError {
  return new CatalogError(`${cause.message}; the outcome is unknown: the change may have been made`, {
    cause,
    kind: "outcome-unknown",
  });
}

function keyOf({ pk, sk }: ItemKey): Record<string, AttributeValue> {
  return { pk: { S: pk }, sk: { S: sk } };
}

function expressionOf(table: string, { condition }: ItemWrite) {
  const hasValues = Object.keys(condition.values).length > 0;
  return {
    TableName: table,
    ConditionExpression: condition.expression,
    ExpressionAttributeNames: condition.names,
    ...(hasValues ? { ExpressionAttributeValues: condition.values } : {}),
  };
}
