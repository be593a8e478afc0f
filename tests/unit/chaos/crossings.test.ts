// Which cutovers clients of edges have crossed, by their own histories.
// Must not need a shard.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { findCrossings } from "../../chaos/crossings.ts";
import type { DecidedCutover } from "../../chaos/trace-log.ts";
import type { OperationResult } from "../../history/operation.ts";

const directory = mkdtempSync(join(tmpdir(), "zgate-crossings-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** Both clocks at the same moment. */
const [wallMs, monotonicMs] = [Date.now(), Number(process.hrtime.bigint()) / 1e6];

interface Request {
  readonly from: number;
  readonly to: number;
  readonly result?: OperationResult;
}

let files = 0;

/** Requests to one key, at milliseconds from now. */
function historyOf(requests: readonly Request[]): string {
  const file = join(directory, `${(files += 1)}.jsonl`);
  const atNs = (ms: number): number => (monotonicMs + ms) * 1e6;
  const lines = requests.flatMap(({ from, to, result = { kind: "missing" } }, index) => {
    const id = String(index);
    const request = { kind: "read" };
    return [
      { line: "start", id, process: "c", key: "/products/ma", isKeyed: false, request, atNs: atNs(from) },
      { line: "end", id, atNs: atNs(to), result },
    ];
  });
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return file;
}

const cutover = (fencedAt: number, decidedAt: number, slot = "ma"): DecidedCutover => ({
  ...{ collection: "products", slot },
  fencedAtMs: wallMs + fencedAt,
  decidedAtMs: wallMs + decidedAt,
});

function crossings(requests: readonly Request[], ...cutovers: readonly DecidedCutover[]) {
  const placeOf = (): string => "products ma";
  return findCrossings({ histories: [historyOf(requests)], cutovers, placeOf });
}

const BEFORE = { from: 0, to: 100 };
const AFTER = { from: 900, to: 1000 };

describe("a cutover", () => {
  it("is crossed by a request that was answered before it, and one that was sent after it", () => {
    expect(crossings([BEFORE, AFTER], cutover(400, 500))).toEqual([{ tookMs: null }]);
  });

  it.each([
    { name: "nobody had used the slot before", requests: [AFTER] },
    { name: "nobody has used it since", requests: [BEFORE] },
    { name: "what was sent since was refused", requests: [BEFORE, { ...AFTER, result: { kind: "refused" } as const }] },
  ])("is not crossed where $name", ({ requests }) => {
    expect(crossings(requests, cutover(400, 500))).toEqual([]);
  });

  it("of another slot is nobody's", () => {
    expect(crossings([BEFORE, AFTER], cutover(400, 500, "mb"))).toEqual([]);
  });

  it("is not crossed by a request after the next one of its slot", () => {
    expect(crossings([BEFORE, AFTER], cutover(400, 500), cutover(600, 700))).toHaveLength(1);
  });

  it("has the longest request that was under way in its pause", () => {
    const long = { from: 350, to: 800 };
    const [found] = crossings([BEFORE, { from: 390, to: 420 }, long, AFTER], cutover(400, 500));
    expect(found?.tookMs).toBeGreaterThanOrEqual(449);
    expect(found?.tookMs).toBeLessThanOrEqual(452);
  });
});
