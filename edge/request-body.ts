/**
 * A request body into memory up to a limit, so that it can be sent more than once.
 * It must not look inside: the shard judges what a document is.
 */
import { EdgeProblem } from "./edge-problem.ts";

/** The whole body. Rejects with 413 as soon as it is known to be longer than `bytesMax`, before reading where it says so. */
export async function readRequestBody(request: Request, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readBounded(request, bytesMax);
  } catch (cause) {
    if (cause instanceof EdgeProblem) throw cause;
    throw new EdgeProblem("INVALID_JSON", "the request body ended before its end", { cause });
  }
}

async function readBounded(request: Request, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const announced = request.headers.get("content-length");
  if (announced !== null && Number(announced) > bytesMax) throw await tooLarge(request.body, bytesMax);
  if (announced !== null || request.body === null) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (bytes.length > bytesMax) throw await tooLarge(null, bytesMax);
    return bytes;
  }
  return readChunks(request.body, bytesMax);
}

async function readChunks(body: ReadableStream, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const chunk: unknown = part.value;
    if (!(chunk instanceof Uint8Array)) throw new Error("broken assumption: a body of something else than bytes");
    length += chunk.length;
    if (length > bytesMax) {
      await reader.cancel();
      throw await tooLarge(null, bytesMax);
    }
    chunks.push(chunk);
  }
  return joinChunks(chunks);
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

async function tooLarge(body: ReadableStream | null, bytesMax: number): Promise<EdgeProblem> {
  await body?.cancel();
  const options = { extra: { bytesMax } };
  return new EdgeProblem("DOCUMENT_TOO_LARGE", `expected a body of at most ${bytesMax} bytes`, options);
}
