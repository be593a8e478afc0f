// Chapter: edge, shard and command line read every path in the same way, or refuse it for the same reason.
// Must not judge what a key should be; tests/unit/router does.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Pool } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { routeKey } from "../../../cli/commands/route.ts";
import { canonicalKey, canonicalSegment } from "../../../cli/option-values.ts";
import { encodeKey, parsePathSegment } from "../../../router/canonical-key.ts";
import type { CanonicalKey } from "../../../router/ids.ts";
import { slotOf } from "../../../router/slot.ts";
import { SEED } from "../../unit/seed.ts";
import { HOSTILE_SEGMENTS, randomSegments } from "../hostile-paths.ts";
import { sendRaw } from "../raw-request.ts";
import { useSurface } from "./surface.ts";

const RANDOM_COUNT = 10_000;
const COMMANDS_AT_ONCE = 3;

/** What may stand in a segment (RFC 3986, section 3.3); a server may refuse a request line with anything else. */
const URI_CHARACTERS = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9a-fA-F]{2})*$/;

const REFUSED = "refused as a request";
const VAGUE: ReadonlySet<string> = new Set([
  REFUSED,
  "invalid URI",
  "the path holds a segment . or ..",
  "not a document's path any more",
]);

/** What a reader makes of a segment: a key, or why it is none. */
type Reading = { readonly key: string } | { readonly refusal: string };

describe("paths that are meant to confuse", () => {
  const surface = useSurface();
  let pool: Pool;

  beforeAll(() => {
    pool = new Pool(surface().client.url, { connections: 64 });
  });

  afterAll(() => pool.destroy());

  test.for(HOSTILE_SEGMENTS)("%s", async ([, segment]) => {
    expect(await disagreements(segment)).toEqual([]);
  });

  test(`${RANDOM_COUNT} random ones (ZGATE_SEED=${SEED})`, { timeout: 120_000 }, async () => {
    const segments = randomSegments(RANDOM_COUNT);
    const found: string[] = [];
    const left = segments.values();
    const worker = async (): Promise<void> => {
      for (const segment of left) found.push(...(await disagreements(segment)));
    };
    await Promise.all(Array.from({ length: 48 }, worker));
    expect(found.slice(0, 10)).toEqual([]);
    // Otherwise the random paths would be no test: neither all refused nor all taken.
    const taken = segments.filter((segment) => parsePathSegment(segment).ok).length;
    expect(taken).toBeGreaterThan(RANDOM_COUNT / 10);
    expect(taken).toBeLessThan((RANDOM_COUNT * 9) / 10);
  });

  test("paths around documents: empty segments, dots, parameters, fragments", async () => {
    const { client } = surface();
    for (const path of [
      "//",
      "//products",
      "/products//a",
      "/products/a/",
      "/products/./a/b",
      "/;/a",
      "/products;v=1/a",
    ]) {
      const answer = await client.get(path);
      expect([400, 404], path).toContain(answer.status);
    }
    for (const path of ["/PRODUCTS/a", "/pro%64ucts/a", "/products%2Fa", "/products%00/a", "/__proto__/a"]) {
      expect((await client.get(path)).json().code, path).toBe("ROUTE_NOT_FOUND");
    }
    const raw = await sendRaw(client.url, "GET /products/no#ne HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(raw.status).toBeLessThan(500);
  });

  test.for([
    "GET http://elsewhere.example/products/a",
    "GET products/a",
    "GET /products/a b",
    "GET \\products",
    "GET *",
  ])("the request line %s is no failure", async (line) => {
    const { client, gateway } = surface();
    const bytes = `${line} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n`;
    expect([400, 401]).toContain((await sendRaw(gateway.shardOrigin("shard-1"), bytes)).status);
    // The proxy that wrangler puts before the edge fails at "*" by itself; the edge never sees it.
    if (line !== "GET *") expect((await sendRaw(client.url, bytes)).status).toBeLessThan(500);
  });

  test("`zgate route` itself says the same", { timeout: 120_000 }, async () => {
    const { gateway } = surface();
    const collection = surface().gateway.config.collections.get("prices");
    if (collection === undefined) throw new Error("no such collection");
    const some = HOSTILE_SEGMENTS.filter(([, segment]) => /^[\x20-\x7e]{1,40}$/.test(segment));
    const chosen = some.filter((_, index) => index % Math.ceil(some.length / 12) === 0);
    const left = chosen.values();
    const worker = async (): Promise<void> => {
      for (const [name, segment] of left) {
        const told = await runRoute(gateway.directory.root, segment);
        const parsed = parsePathSegment(segment);
        if (!parsed.ok) expect(told, name).toContain(`(${parsed.reason})`);
        else {
          const slot = slotOf(collection.placement, parsed.value);
          expect(JSON.parse(told), name).toMatchObject({ key: parsed.value, slot });
        }
      }
    };
    await Promise.all(Array.from({ length: COMMANDS_AT_ONCE }, worker));
  });

  /** Where edge, shards or command line differ about a segment, a line each. */
  async function disagreements(segment: string): Promise<readonly string[]> {
    const [edge, shard] = await Promise.all([readAtEdge(segment), readAtShard(segment)]);
    const model = readingOf(inUtf8(segment));
    const normalised = asUrl(segment);
    const atEdge = normalised === null ? { refusal: "not a document's path any more" } : readingOf(normalised);
    const readings: readonly (readonly [string, Reading, Reading])[] = [
      ["the command line", readAtCommandLine(inUtf8(segment)), model],
      ["the shard", shard, model],
      ["the edge", edge, atEdge],
      // A URL parser removes dot segments and turns backslashes, but it must not make another key of a key.
      ["the URL", "key" in model ? atEdge : model, model],
    ];
    const mayRefuse = !URI_CHARACTERS.test(segment);
    return readings
      .filter(([, seen, expected]) => !agrees(seen, expected, { mayRefuse }))
      .map(([who, seen, expected]) => JSON.stringify({ segment, who, seen, expected }));
  }

  async function readAtEdge(segment: string): Promise<Reading> {
    const headers = { "content-type": "application/json", authorization: `Bearer ${surface().token}` };
    const path = `/prices/${segment}`;
    const { statusCode, body } = await pool.request({ method: "PUT", path, headers, body: "1" });
    return readingOfAnswer(statusCode, await body.text());
  }

  /** A shard takes the canonical spelling only, and names it when it refuses another. */
  async function readAtShard(segment: string): Promise<Reading> {
    const parsed = parsePathSegment(segment);
    if (parsed.ok && encodeKey(parsed.value) === segment) return readSlot(parsed.value);
    const answer = await surface()
      .gateway.shard("shard-1")
      .send({ path: `/prices/${segment}` });
    const spelled = /^expected the canonical spelling (.*), got /s.exec(answer.json().detail ?? "")?.[1];
    if (spelled === undefined) return readingOfAnswer(answer.status, answer.text);
    return readSlot(decodeURIComponent(spelled) as CanonicalKey);
  }

  /** The shard that does not own a key names its slot: it must be the one that the command line names. */
  async function readSlot(key: CanonicalKey): Promise<Reading> {
    const { gateway } = surface();
    const config = gateway.config.collections.get("prices");
    if (config === undefined) throw new Error("no such collection");
    const { shard, slot } = routeKey(key, { config, map: config.initialMap });
    const other = shard === "shard-1" ? "shard-2" : "shard-1";
    const answer = await gateway.shard(other).send({ path: `/prices/${encodeKey(key)}` });
    const isSame = answer.status === 421 && answer.json().slot === slot;
    return isSame ? { key } : { refusal: `slot ${slot}: ${answer.status} ${answer.text}` };
  }
});

function readingOf(segment: string): Reading {
  const parsed = parsePathSegment(segment);
  return parsed.ok ? { key: parsed.value } : { refusal: parsed.detail };
}

/** Refusals are told apart by their reason; those of the runtime in front of a Worker, and of a shard's HTTP, have none. */
function readingOfAnswer(status: number, text: string): Reading {
  if (text === "invalid URI") return { refusal: text };
  if (status >= 500) return { refusal: `${status} ${text}` };
  const { key, code, detail } = JSON.parse(text);
  if (status === 200 || status === 201) return { key };
  return { refusal: code === "INVALID_KEY" ? detail : REFUSED };
}

/** Whether two readers agree: on the key, or that there is none; and why, where both say so. */
function agrees(seen: Reading, expected: Reading, { mayRefuse }: { readonly mayRefuse: boolean }): boolean {
  if ("key" in seen) return "key" in expected && seen.key === expected.key;
  if (/^5\d\d /.test(seen.refusal)) return false;
  if ("key" in expected) return mayRefuse;
  return seen.refusal === expected.refusal || VAGUE.has(seen.refusal) || VAGUE.has(expected.refusal);
}

function readAtCommandLine(segment: string): Reading {
  try {
    const key = canonicalSegment(segment);
    // As people write it the key must be the same again.
    return { key: canonicalKey(key) };
  } catch (error) {
    const parsed = parsePathSegment(segment);
    const detail = parsed.ok ? "" : parsed.detail;
    return { refusal: error instanceof Error && error.message.includes(detail) ? detail : String(error) };
  }
}

/** The text that a segment's bytes are, for a reader of text. */
function inUtf8(segment: string): string {
  return Buffer.from(segment, "latin1").toString("utf8");
}

/** The segment as a URL parser leaves it; null when it is no single segment any more. */
function asUrl(segment: string): string | null {
  const { pathname } = new URL(`http://gateway/prices/${inUtf8(segment)}`);
  const parts = pathname.split("/");
  return parts.length === 3 && parts[1] === "prices" ? (parts[2] ?? null) : null;
}

async function runRoute(data: string, segment: string): Promise<string> {
  const main = new URL("../../../cli/main.ts", import.meta.url).pathname;
  const args = [main, "route", "prices", "--encoded", "--json", "--data", data, "--", segment];
  const run = promisify(execFile)(process.execPath, args).catch(
    (error: unknown) => error as { stdout: string; stderr: string },
  );
  const { stdout, stderr } = await run;
  return stdout + stderr;
}
