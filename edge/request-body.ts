/**
 * A request body into memory up to a limit, so that it can be sent more than once.
 * It must not look inside: the shard judges what a document is.
 */
import { EdgeProblem } from "./edge-problem.ts";
import type { Clock } from "./ports.ts";
import { TIRED, waitAtMost } from "./single-flight.ts";

/**
 * How much of a body is read, in bytes and milliseconds, before it is refused. To cancel it at once would break the
 * connection under a client, or a proxy in front, that is still sending and would never see the answer.
 */
const DISCARDED_BYTES_MAX = 32 * 1024 * 1024;
const DISCARD_PATIENCE_MS = 5000;

/** How long a refused body may pause, in milliseconds: its client may wait for the answer before it sends any of it. */
const PAUSE_MAX_MS = 500;

type BodyReader = ReadableStreamDefaultReader<unknown>;

/** The whole body. Rejects with 413 when it is longer than `bytesMax`, without keeping what is beyond it. */
export async function readRequestBody(
  clock: Clock,
  request: Request,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readBounded(clock, request, bytesMax);
  } catch (cause) {
    if (cause instanceof EdgeProblem) throw cause;
    throw new EdgeProblem("INVALID_JSON", "the request body ended before its end", { cause });
  }
}

async function readBounded(clock: Clock, request: Request, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const { body, headers } = request;
  const announced = headers.get("content-length");
  if (announced !== null && Number(announced) > bytesMax) {
    if (body !== null) await discard(clock, body.getReader());
    throw tooLarge(bytesMax);
  }
  if (announced !== null || body === null) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (bytes.length > bytesMax) throw tooLarge(bytesMax);
    return bytes;
  }
  return readChunks(clock, body, bytesMax);
}

async function readChunks(clock: Clock, body: ReadableStream, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader: BodyReader = body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const chunk: unknown = part.value;
    if (!(chunk instanceof Uint8Array)) throw new Error("broken assumption: a body of something else than bytes");
    length += chunk.length;
    if (length > bytesMax) {
      await discard(clock, reader);
      throw tooLarge(bytesMax);
    }
    chunks.push(chunk);
  }
  return joinChunks(chunks);
}

/** Reads what still comes, up to its bounds; what comes after that is cancelled. Never rejects. */
async function discard(clock: Clock, reader: BodyReader): Promise<void> {
  const untilMs = clock.nowMs() + DISCARD_PATIENCE_MS;
  let left = DISCARDED_BYTES_MAX;
  try {
    while (left > 0 && clock.nowMs() < untilMs) {
      const part = await waitAtMost(clock, PAUSE_MAX_MS, reader.read());
      if (part === TIRED) break;
      if (part.done) return;
      if (part.value instanceof Uint8Array) left -= part.value.length;
    }
    await reader.cancel();
  } catch {
    // The client has gone; nobody is left to hear the refusal.
  }
}

/** All chunks as one. */
export function joinChunks(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}

function tooLarge(bytesMax: number): EdgeProblem {
  const options = { extra: { bytesMax } };
  return new EdgeProblem("DOCUMENT_TOO_LARGE", `expected a body of at most ${bytesMax} bytes`, options);
}
