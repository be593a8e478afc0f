/**
 * What the processes of one shard say to each other, and the shard to its parent.
 * It must not carry requests or data.
 */
import { FATAL_CODES, type FatalCode } from "../fatal-error.ts";
import { parseStanding, type Standing } from "../standing.ts";

/** Primary to worker: stop gracefully; the sweeping is yours from now on; or: this is how the shard stands. */
export type OrderMessage =
  | { readonly type: "stop" }
  | { readonly type: "sweep" }
  | { readonly type: "standing"; readonly standing: Standing };

/** Worker to primary, and primary to parent: taking requests; or: cannot start. */
export type ReportMessage =
  | { readonly type: "ready" }
  | { readonly type: "fatal"; readonly code: FatalCode; readonly message: string };

/** Untrusted data to an order; null for anything else (the cluster module sends messages of its own). */
export function parseOrder(input: unknown): OrderMessage | null {
  const { type, standing } = fieldsOf(input);
  if (type === "standing") return { type, standing: parseStanding(standing) };
  return type === "stop" || type === "sweep" ? { type } : null;
}

/** Untrusted data to a report; null for anything else. */
export function parseReport(input: unknown): ReportMessage | null {
  const { type, code, message } = fieldsOf(input);
  if (type === "ready") return { type };
  const known = FATAL_CODES.find((candidate) => candidate === code);
  if (type !== "fatal" || known === undefined || typeof message !== "string") return null;
  return { type, code: known, message };
}

/** Sends to the process that started this one; resolves when it is out, at once when there is none or it is gone. */
export function sendReport(message: ReportMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}

interface Fields {
  readonly type?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly standing?: unknown;
}

function fieldsOf(input: unknown): Fields {
  return typeof input === "object" && input !== null ? input : {};
}
