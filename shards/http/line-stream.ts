/**
 * An answer of many lines that is made while it is sent: only as fast as its reader takes it, and no longer than there is a reader.
 * It must not hold more than one chunk.
 */
import { describeError, type Logger } from "../log.ts";
import type { Exchange } from "./exchange.ts";

/** Media type of lines of JSON. */
export const LINES_TYPE = "application/x-ndjson";

/** What an answer of lines stands on. */
export interface LineStream {
  readonly exchange: Pick<Exchange, "requestId">;
  readonly log: Logger;
  /** Texts of whole lines. When it throws, the answer is broken off: its reader misses the last line. */
  readonly texts: AsyncGenerator<string, void, undefined>;
}

/** 200 with the texts as they come. */
export function answerLines({ exchange, log, texts }: LineStream): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await texts.next();
          if (next.done === true) controller.close();
          else controller.enqueue(encoder.encode(next.value));
        } catch (error) {
          log("warn", "answer-broken-off", { requestId: exchange.requestId, ...describeError(error) });
          controller.error(error);
        }
      },
      async cancel() {
        await texts.return();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { status: 200, headers: { "Content-Type": LINES_TYPE } });
}
