// Whole imports against a gateway in memory: interruption, continuation, never twice. It must not use a network.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { GatewayAnswer, GatewayRequest } from "../../../cli/gateway-client.ts";
import { type ImportPlan, runImport } from "../../../cli/import/importer.ts";
import { surveyFile } from "../../../cli/import/survey.ts";

const folder = mkdtempSync(join(tmpdir(), "zgate-import-"));
afterAll(() => rmSync(folder, { recursive: true }));

const ROWS = 200;
const file = join(folder, "rows.tsv");
writeFileSync(file, `key\tn\n${Array.from({ length: ROWS }, (_, index) => `k${index}\t${index}\n`).join("")}K5\t0\n`);

/** Keeps documents and idempotency keys as a gateway does; counts how often a row was really applied. */
class MemoryGateway {
  readonly documents = new Map<string, string>();
  readonly applied = new Map<string, number>();
  readonly #answers = new Map<string, GatewayAnswer>();
  onRequest: (count: number) => void = () => undefined;
  #count = 0;

  async send(request: GatewayRequest): Promise<GatewayAnswer> {
    this.#count += 1;
    this.onRequest(this.#count);
    const id = request.headers?.["idempotency-key"] ?? "";
    const known = this.#answers.get(id);
    if (known !== undefined) return known;
    const answer = { status: this.documents.has(request.path) ? 200 : 201, headers: {}, body: "" };
    this.documents.set(request.path, request.body ?? "");
    this.applied.set(request.path, (this.applied.get(request.path) ?? 0) + 1);
    this.#answers.set(id, answer);
    await Promise.resolve();
    return answer;
  }
}

async function planFor(gateway: MemoryGateway, change: Partial<ImportPlan> = {}): Promise<ImportPlan> {
  return {
    survey: await surveyFile({ path: file, format: "tsv", keyColumn: null }),
    collection: "products",
    client: gateway,
    concurrency: 8,
    checkpointPath: join(folder, "checkpoint.json"),
    refusedPath: join(folder, "refused.ndjson"),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...change,
  };
}

beforeEach(() => {
  for (const name of ["checkpoint.json", "refused.ndjson"]) rmSync(join(folder, name), { force: true });
});

describe("an import", () => {
  it("stores every row, reports the duplicate, and leaves no checkpoint", async () => {
    const gateway = new MemoryGateway();
    const result = await runImport(await planFor(gateway));
    expect(result).toMatchObject({ isComplete: true, rows: ROWS + 1, duplicates: 1 });
    expect(result.tally).toEqual({ created: ROWS, replaced: 0, refused: 1 });
    expect(gateway.documents.get("/products/k5")).toBe('{"n":5}');
    expect(readFileSync(join(folder, "refused.ndjson"), "utf8")).toContain('"code":"DUPLICATE_KEY"');
    const [refused = ""] = readFileSync(join(folder, "refused.ndjson"), "utf8").split("\n");
    expect(JSON.parse(refused)).toMatchObject({ row: ROWS + 1, line: ROWS + 2, text: "K5\t0" });
    expect(existsSync(join(folder, "checkpoint.json"))).toBe(false);
  });

  it("goes on where it was stopped", async () => {
    const gateway = new MemoryGateway();
    const stop = new AbortController();
    gateway.onRequest = (count) => count === 60 && stop.abort();
    const first = await runImport(await planFor(gateway, { signal: stop.signal }));
    expect(first.isComplete).toBe(false);
    expect(first.answered).toBeGreaterThanOrEqual(50);
    const second = await runImport(await planFor(gateway));
    expect(second).toMatchObject({ isComplete: true, startedAt: first.answered });
    expect(second.tally).toEqual({ created: ROWS, replaced: 0, refused: 1 });
    expect(new Set(gateway.applied.values())).toEqual(new Set([1]));
  });

  it("applies no row twice when it was killed behind its last checkpoint", async () => {
    const gateway = new MemoryGateway();
    const stop = new AbortController();
    gateway.onRequest = (count) => count === 40 && stop.abort();
    await runImport(await planFor(gateway, { signal: stop.signal }));
    const early = readFileSync(join(folder, "checkpoint.json"), "utf8");
    gateway.onRequest = () => undefined;
    await runImport(await planFor(gateway));
    // As if the process had died long after this checkpoint was written.
    writeFileSync(join(folder, "checkpoint.json"), early);
    const result = await runImport(await planFor(gateway));
    expect(result.tally).toEqual({ created: ROWS, replaced: 0, refused: 1 });
    expect(new Set(gateway.applied.values())).toEqual(new Set([1]));
  });

  it("keeps its checkpoint when the gateway turns it away", async () => {
    const gateway = new MemoryGateway();
    const send = gateway.send.bind(gateway);
    let count = 0;
    const closing = {
      send: (request: GatewayRequest) => {
        count += 1;
        return count > 30 ? Promise.resolve({ status: 403, headers: {}, body: "" }) : send(request);
      },
    };
    await expect(runImport(await planFor(gateway, { client: closing }))).rejects.toThrow("403");
    const result = await runImport(await planFor(gateway));
    expect(result.startedAt).toBeGreaterThan(0);
    expect(result.isComplete).toBe(true);
  });
});
