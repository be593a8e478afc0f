/**
 * Puts one row into the gateway and stays with it until it has a final answer. It must not apply a row twice: every
 * attempt carries the same idempotency key.
 */
import { encodeKey } from "../../router/canonical-key.ts";
import { CliFailure, errorLine } from "../failure.ts";
import { type GatewayAnswer, type GatewayClient, problemOf, refusal } from "../gateway-client.ts";
import type { DocumentRow } from "./row.ts";

/** The final answer to a row. */
export type RowAnswer =
  | { readonly kind: "created" | "replaced" }
  | { readonly kind: "refused"; readonly code: string; readonly detail: string };

/** Waits, unless the import is stopped meanwhile. */
export type Pause = (ms: number) => Promise<void>;

/** The gateway takes no row of this import: no permission, no such collection. Nothing was stored by the request. */
export class TurnedAway extends CliFailure {
  constructor({ message, hint }: CliFailure) {
    super(message, hint === null ? {} : { hint });
    this.name = "TurnedAway";
  }
}

/** What a sender needs. `random` gives numbers in [0, 1), `now` a clock in milliseconds. */
export interface SenderOptions {
  readonly client: Pick<GatewayClient, "send">;
  readonly collection: string;
  readonly runId: string;
  readonly pause: Pause;
  readonly now: () => number;
  readonly random: () => number;
}

/** How long one row is tried before the whole import gives up. */
const ROW_TRIED_MS_MAX = 60_000;
const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 5000;
const RETRY_AFTER_MS_MAX = 10_000;

/** Sends a row until it is answered. Throws `CliFailure` when going on makes no sense: no permission, no gateway. */
export async function sendRow(row: DocumentRow, options: SenderOptions): Promise<RowAnswer> {
  const deadlineMs = options.now() + ROW_TRIED_MS_MAX;
  for (let attempt = 0; ; attempt += 1) {
    const answer = await tryRow(row, options);
    const final = finalAnswer(answer);
    if (final !== null) return final;
    if (options.now() >= deadlineMs) throw givenUp(row, answer);
    await options.pause(Math.max(retryAfterMs(answer), backoffMs(attempt, options.random())));
  }
}

/** Milliseconds to wait before attempt `attempt + 1`: doubled each time, bounded, the later half of it random. */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** attempt);
  return ceiling / 2 + (random * ceiling) / 2;
}

async function tryRow(row: DocumentRow, options: SenderOptions): Promise<GatewayAnswer | Error> {
  try {
    return await options.client.send({
      method: "PUT",
      path: `/${options.collection}/${encodeKey(row.key)}`,
      headers: { "content-type": "application/json", "idempotency-key": `"import-${options.runId}-${row.row}"` },
      body: row.json,
    });
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Null when the row is to be sent again. */
function finalAnswer(answer: GatewayAnswer | Error): RowAnswer | null {
  if (answer instanceof Error) return null;
  const { status } = answer;
  if (status === 201) return { kind: "created" };
  if (status >= 200 && status <= 299) return { kind: "replaced" };
  if (status === 401 || status === 403 || isWrongTarget(answer)) throw new TurnedAway(refusal(answer));
  if (status === 429 || status >= 500) return null;
  const { code, detail } = problemOf(answer);
  return { kind: "refused", code, detail };
}

function isWrongTarget(answer: GatewayAnswer): boolean {
  return (
    answer.status === 404 ||
    answer.status === 405 ||
    answer.status < 200 ||
    (answer.status >= 300 && answer.status < 400)
  );
}

function retryAfterMs(answer: GatewayAnswer | Error): number {
  const seconds = answer instanceof Error ? Number.NaN : Number(answer.headers["retry-after"]);
  return Number.isFinite(seconds) ? Math.min(RETRY_AFTER_MS_MAX, Math.max(0, seconds * 1000)) : 0;
}

function givenUp(row: DocumentRow, answer: GatewayAnswer | Error): CliFailure {
  const why = answer instanceof Error ? errorLine(answer) : `${answer.status} ${problemOf(answer).code}`;
  const seconds = ROW_TRIED_MS_MAX / 1000;
  return new CliFailure(`row ${row.row} got no final answer for ${seconds} s (last: ${why})`, {
    hint: "run the same command again when the gateway is well; the import goes on where it stopped",
  });
}
