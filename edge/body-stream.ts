/**
 * A shard's body on its way to the client, so that it cannot stall for ever.
 * It must not wait for the client: a slow one must not use up the time that the shard has.
 */
import { DOCUMENT_BYTES_MAX } from "../router/contract.ts";

/**
 * Longest announced body that goes straight through, in bytes. A shard sends one of this size together with its head, so
 * whoever has the head has the body; to pass it by the edge would cost a tenth of the time of a read.
 */
const STRAIGHT_BYTES_MAX = 8 * 1024;

/** Room for any document: the shard is done with it however slowly the client reads. */
const WHOLE_DOCUMENT = { highWaterMark: DOCUMENT_BYTES_MAX } as const;

/**
 * The body to answer with. A longer or unannounced one passes through a stream of the edge: only that keeps the request,
 * and with it the timer of its call (shard/timed-call.ts), alive until the body has ended. Then a stall becomes an error.
 */
export function streamToClient(response: Response): ReadableStream<Uint8Array> | null {
  const { body, headers } = response;
  if (body === null) return null;
  const length = headers.has("content-encoding") ? null : headers.get("content-length");
  if (length === null) return body.pipeThrough(new IdentityTransformStream(WHOLE_DOCUMENT));
  const byteLength = Number(length);
  return byteLength <= STRAIGHT_BYTES_MAX ? body : body.pipeThrough(new FixedLengthStream(byteLength, WHOLE_DOCUMENT));
}
