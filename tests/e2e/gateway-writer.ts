// A client that counts up in one document, each step conditional on the one before and repeated until it is answered:
// a lost step or one applied twice breaks the chain.
// Must not decide whether a failure was allowed; it reports them.
import { randomUUID } from "node:crypto";
import type { GatewayClient } from "./gateway-client.ts";

/** Where the writer counts. */
export interface WriterOptions {
  readonly client: GatewayClient;
  readonly token: string;
  readonly path: string;
}

/** What is to be found in the document after the end. `unexpected`: answers that no failure explains. */
export interface WriterReport {
  readonly path: string;
  readonly count: number;
  readonly unexpected: readonly string[];
}

/** A writer that counts until it is stopped. */
export interface Writer {
  /** Acknowledged steps. */
  done(): number;
  /** Answers 503 and broken connections; each was followed by a repetition. */
  failures(): number;
  stop(): Promise<WriterReport>;
}

/** Starts counting from 1. */
export function startWriter({ client, token, path }: WriterOptions): Writer {
  let [count, failures, isStopping] = [0, 0, false];
  let etag: string | null = null;
  const unexpected: string[] = [];

  /** One step, repeated with its key until there is an answer. */
  async function step(): Promise<void> {
    const condition: Record<string, string> = etag === null ? { "if-none-match": "*" } : { "if-match": etag };
    const headers = { ...condition, "idempotency-key": randomUUID() };
    for (;;) {
      const answer = await client.put(path, { count: count + 1 }, { token, headers }).catch(() => null);
      if (answer?.status === 200 || answer?.status === 201) {
        count += 1;
        etag = answer.header("etag");
        return;
      }
      if (answer !== null && answer.status !== 503) {
        unexpected.push(`step ${count + 1}: ${answer.status} ${answer.text}`);
        return;
      }
      failures += 1;
    }
  }

  async function run(): Promise<void> {
    while (!isStopping && unexpected.length === 0) await step();
  }

  const running = run();
  return {
    done: () => count,
    failures: () => failures,
    async stop() {
      isStopping = true;
      await running;
      return { path, count, unexpected };
    },
  };
}
