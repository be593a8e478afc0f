/**
 * What the processes of one shard say to each other, and the shard to its parent.
 * It must not carry requests or data; commit-message.ts does.
 */
import { parseOwnership } from "../../router/ownership-wire.ts";
import { FATAL_CODES, type FatalCode } from "../fatal-error.ts";
import type { SlotNews } from "../http/slot-waiting.ts";
import { parseStanding, type Standing } from "../standing.ts";
import type { CommitMessage, CommittedMessage } from "./commit-message.ts";

/** Worker to primary, and primary to all other workers: requests need not wait for this slot any more. */
export interface NewsMessage extends SlotNews {
  readonly type: "news";
}

/** Primary to worker: stop gracefully; the sweeping is yours from now on; this is how the shard stands; or news. */
export type OrderMessage =
  | { readonly type: "stop" }
  | { readonly type: "sweep" }
  | { readonly type: "standing"; readonly standing: Standing }
  | NewsMessage;

/** Worker to primary, and but for news primary to parent: taking requests; or: cannot start. */
export type ReportMessage =
  | { readonly type: "ready" }
  | { readonly type: "fatal"; readonly code: FatalCode; readonly message: string }
  | NewsMessage;

/** Untrusted data to an order; null for anything else (the cluster module sends messages of its own). */
export function parseOrder(input: unknown): OrderMessage | null {
  const { type, standing } = fieldsOf(input);
  if (type === "standing") return { type, standing: parseStanding(standing) };
  if (type === "news") return parseNews(input);
  return type === "stop" || type === "sweep" ? { type } : null;
}

/** Untrusted data to a report; null for anything else. */
export function parseReport(input: unknown): ReportMessage | null {
  const { type, code, message } = fieldsOf(input);
  if (type === "ready") return { type };
  if (type === "news") return parseNews(input);
  const known = FATAL_CODES.find((candidate) => candidate === code);
  if (type !== "fatal" || known === undefined || typeof message !== "string") return null;
  return { type, code: known, message };
}

function parseNews(input: unknown): NewsMessage | null {
  const { collection, slot, destination } = fieldsOf(input);
  if (typeof collection !== "string" || typeof slot !== "string") return null;
  const columns = parseOwnership(destination);
  return { type: "news", collection, slot, destination: columns.ok ? columns.value : null };
}

/** Sends to the process that started this one; resolves when it is out, at once when there is none or it is gone. */
export function sendReport(message: ReportMessage | CommitMessage | CommittedMessage): Promise<void> {
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
  readonly collection?: unknown;
  readonly slot?: unknown;
  readonly destination?: unknown;
}

function fieldsOf(input: unknown): Fields {
  return typeof input === "object" && input !== null ? input : {};
}
