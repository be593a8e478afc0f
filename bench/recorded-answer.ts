/**
 * Answers of a server, recorded so that a bare one can give the same bytes.
 * It must not change what came, save for the headers that every server adds itself.
 */
import type { PlainRequest } from "./load-plan.ts";

/** One answer. `headers` alternate name and value, as node:http takes them. */
export interface RecordedAnswer {
  readonly status: number;
  readonly headers: string[];
  readonly body: Buffer;
}

interface StoredAnswer {
  readonly path: string;
  readonly status: number;
  readonly headers: string[];
  readonly bodyBase64: string;
}

/** What node:http writes without being told. */
const ADDED_BY_SERVER: ReadonlySet<string> = new Set(["connection", "keep-alive", "date", "transfer-encoding"]);

/** Sends each request once; the answers as JSON text for `parseRecordedAnswers`. Throws unless all are 200. */
export async function recordAnswers(origin: string, requests: readonly PlainRequest[]): Promise<string> {
  const stored: StoredAnswer[] = [];
  for (const { method, path, headers } of requests) {
    const answer = await fetch(origin + path, { method, headers });
    const bodyBase64 = Buffer.from(await answer.arrayBuffer()).toString("base64");
    if (answer.status !== 200) throw new Error(`${method} ${path} was answered with ${answer.status}, expected 200`);
    const kept = [...answer.headers].filter(([name]) => !ADDED_BY_SERVER.has(name));
    stored.push({ path, status: answer.status, headers: kept.flat(), bodyBase64 });
  }
  return JSON.stringify(stored);
}

/** Recorded answers by path and query. */
export function parseRecordedAnswers(text: string): ReadonlyMap<string, RecordedAnswer> {
  const stored = JSON.parse(text) as readonly StoredAnswer[];
  return new Map(
    stored.map(({ path, status, headers, bodyBase64 }) => [
      path,
      { status, headers, body: Buffer.from(bodyBase64, "base64") },
    ]),
  );
}
