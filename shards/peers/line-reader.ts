/**
 * Bytes as they come to whole lines.
 * It must not keep more than one unfinished line, nor take a last line without its end for one.
 */

/** Longest line, in characters: a document as JSON text within JSON, every character of it escaped, fits in. */
const LINE_LENGTH_MAX = 4 * 1024 * 1024;

/** The lines that each chunk completes. Rejects with an `Error` when a line is too long, is no UTF-8 or has no end. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly string[], void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let unfinished: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    const end = text.lastIndexOf("\n");
    if (end < 0) {
      unfinished.push(text);
      length += text.length;
    } else {
      const lines = `${unfinished.join("")}${text.slice(0, end)}`.split("\n");
      unfinished = [text.slice(end + 1)];
      length = text.length - end - 1;
      yield lines;
    }
    if (length > LINE_LENGTH_MAX) throw new Error(`expected lines of at most ${LINE_LENGTH_MAX} characters`);
  }
  if (length > 0) throw new Error("the answer is broken off inside a line");
}
