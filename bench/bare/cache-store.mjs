/**
 * The far side of the Cache API for workerd: a Worker that keeps answers in memory, so that both sides of a comparison
 * have the same cheap cache. It must not be taken for Cloudflare's cache: no expiry, no limits, no revalidation.
 */

const entries = new Map();
const decoder = new TextDecoder("latin1");
const HEADER_END = "\r\n\r\n";

/** A `put` sends the whole answer as it would stand on the wire. */
function parseAnswer(bytes) {
  const text = decoder.decode(bytes);
  const bodyStart = text.indexOf(HEADER_END) + HEADER_END.length;
  const [statusLine, ...lines] = text.slice(0, bodyStart - HEADER_END.length).split("\r\n");
  const headers = new Headers([["cf-cache-status", "HIT"]]);
  let isChunked = false;
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    if (name === "transfer-encoding") isChunked = true;
    else headers.append(name, line.slice(colon + 1).trim());
  }
  const raw = bytes.slice(bodyStart);
  return { status: Number(statusLine.split(" ")[1]), headers, body: isChunked ? joinChunks(raw) : raw };
}

function joinChunks(bytes) {
  const text = decoder.decode(bytes);
  const parts = [];
  for (let at = 0; ; ) {
    const lineEnd = text.indexOf("\r\n", at);
    const length = Number.parseInt(text.slice(at, lineEnd), 16);
    if (!(length > 0)) break;
    parts.push(bytes.slice(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
  return new Blob(parts).arrayBuffer();
}

async function read(request) {
  const answer = parseAnswer(new Uint8Array(await request.arrayBuffer()));
  return { ...answer, body: await answer.body };
}

function miss() {
  return new Response(null, { status: 504, headers: { "cf-cache-status": "MISS" } });
}

/** Keeps everything. */
export const memoryStore = {
  async fetch(request) {
    const key = `${request.headers.get("cf-cache-namespace")} ${request.url}`;
    if (request.method === "PUT") {
      entries.set(key, await read(request));
      return new Response(null, { status: 204 });
    }
    if (request.method === "PURGE") return new Response(null, { status: entries.delete(key) ? 200 : 404 });
    const entry = entries.get(key);
    return entry === undefined ? miss() : new Response(entry.body, { status: entry.status, headers: entry.headers });
  },
};

/** Does the work of keeping and keeps nothing: as if every key were asked for the first time. */
export const forgetfulStore = {
  async fetch(request) {
    if (request.method !== "PUT") return miss();
    await read(request);
    return new Response(null, { status: 204 });
  },
};
