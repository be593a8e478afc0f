/**
 * Writes down what a client does, a line for each start, repetition and end, so that whoever is killed in between leaves
 * what was under way as an operation without an end. It must not lose a line once the request it speaks of was sent.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import type { OperationRequest, OperationResult } from "./operation.ts";

/** A list: one look at each of some keys, in one request. */
export interface ListRequest {
  readonly kind: "list";
}

/** What a list showed: every key it covered that has a document, with its op, and with the write that its content names. */
export interface ListResult {
  readonly kind: "listed";
  readonly covered: readonly string[];
  readonly found: Readonly<Record<string, string>>;
  readonly writers?: Readonly<Record<string, string>>;
}

/** A line of a history file. Times are nanoseconds of the machine's monotonic clock. */
export type HistoryLine =
  | {
      readonly line: "start";
      readonly id: string;
      readonly process: string;
      readonly key: string;
      readonly atNs: number;
      readonly isKeyed: boolean;
      readonly hasServerOps?: true;
      readonly request: OperationRequest | ListRequest;
    }
  | { readonly line: "repeat"; readonly id: string; readonly op: string }
  | { readonly line: "end"; readonly id: string; readonly atNs: number; readonly result: OperationResult | ListResult };

/** What is known of an operation when it starts. */
export type OperationStart = Omit<Extract<HistoryLine, { readonly line: "start" }>, "line" | "atNs">;

/** Nanoseconds, comparable between processes of one machine. */
function monotonicNs(): number {
  return Number(process.hrtime.bigint());
}

/** The file of one process. */
export class Recorder {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  /** Before the first byte is sent. */
  start(start: OperationStart): void {
    this.#write({ line: "start", atNs: monotonicNs(), ...start });
  }

  /** Before a repetition with another op is sent. */
  repeat(id: string, op: string): void {
    this.#write({ line: "repeat", id, op });
  }

  /** After the whole answer is there. */
  end(id: string, result: OperationResult | ListResult): void {
    this.#write({ line: "end", id, atNs: monotonicNs(), result });
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(line: HistoryLine): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}
