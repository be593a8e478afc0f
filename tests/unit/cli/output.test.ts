// What people see: colours, bars, tables, times, values of options. It must not start a process.
import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { progressText, summaryLines, summaryOf } from "../../../cli/import/import-report.ts";
import { durationMs, folderPath, gatewayUrl, permissionList, wholeNumber } from "../../../cli/option-values.ts";
import { clockText, createProgress, groupDigits, progressBar } from "../../../cli/progress.ts";
import { systematicIndices } from "../../../cli/sample/draw.ts";
import { tableLines } from "../../../cli/table.ts";
import { createTerminal, takesColour } from "../../../cli/terminal.ts";

describe("colours", () => {
  it.each([
    ["on a terminal", true, {}, true],
    ["not in a file", false, {}, false],
    ["not with NO_COLOR", true, { NO_COLOR: "1" }, false],
    ["with an empty NO_COLOR", true, { NO_COLOR: "" }, true],
    ["not on a dumb terminal", true, { TERM: "dumb" }, false],
  ])("%s", (_name, isTTY, env, expected) => {
    expect(takesColour({ isTTY }, env)).toBe(expected);
  });
});

describe("progress", () => {
  function shown({ isInteractive }: { readonly isInteractive: boolean }) {
    let text = "";
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        text += chunk.toString();
        done();
      },
    });
    let nowMs = 0;
    const terminal = createTerminal({ stdout: process.stdout, stderr: process.stderr, env: {} });
    const progress = createProgress(
      { ...terminal, progress: { stream, isInteractive, columns: 20, rows: 24 } },
      () => nowMs,
    );
    return { progress, text: () => text, advance: (ms: number) => (nowMs += ms) };
  }

  it("rewrites one line on a terminal, cut to its width", () => {
    const { progress, text, advance } = shown({ isInteractive: true });
    progress.step("a".repeat(40));
    advance(200);
    progress.update("b");
    progress.clear();
    expect(text()).toBe(`\r\u001b[2K${"a".repeat(19)}\r\u001b[2Kb\r\u001b[2K`);
  });

  it("writes plain lines elsewhere, seldom", () => {
    const { progress, text, advance } = shown({ isInteractive: false });
    progress.step("begin");
    for (let count = 0; count < 12; count += 1) {
      advance(1000);
      progress.update(`after ${count + 1} s`);
    }
    progress.clear();
    expect(text()).toBe("begin\nafter 5 s\nafter 10 s\n");
  });
});

it("a bar is filled in proportion and never overflows", () => {
  expect([-1, 0, 0.5, 1, 2].map((fraction) => progressBar(fraction, 4))).toEqual([
    "[----]",
    "[----]",
    "[##--]",
    "[####]",
    "[####]",
  ]);
});

it.each([
  [0, "0 s"],
  [3.2, "4 s"],
  [77, "1:17"],
  [7389, "2:03:09"],
])("%d seconds are %s", (seconds, text) => {
  expect(clockText(seconds)).toBe(text);
});

it.each([
  [7, "7"],
  [1234, "1,234"],
  [113_663, "113,663"],
  [1_000_000, "1,000,000"],
])("%d is written %s", (count, text) => {
  expect(groupDigits(count)).toBe(text);
});

it("a table is aligned without trailing spaces", () => {
  expect(
    tableLines(
      ["keys", "shard"],
      [
        ["ü", "shard-1"],
        ["longer", ""],
      ],
    ),
  ).toEqual(["keys    shard", "ü       shard-1", "longer"]);
});

describe("the report of an import", () => {
  const result = {
    ...{ isComplete: true, rows: 2000, answered: 2000, startedAt: 1000, duplicates: 2, elapsedMs: 2000 },
    tally: { created: 1990, replaced: 5, refused: 5 },
  };

  it("counts this run's rows for the rate, all rows for the bar", () => {
    const text = progressText({ rows: 4000, answered: 2000, startedAt: 1000, elapsedMs: 2000 });
    expect(text).toBe("[############------------] 50 %  2,000 of 4,000 rows  500/s  4 s left");
  });

  it("says for people what came of every row", () => {
    expect(summaryLines(result, "x.ndjson")).toEqual([
      "2,000 of 2,000 rows: 1,990 created, 5 replaced, 5 refused",
      "2 s, 500 rows/s (went on after row 1,000)",
      "refused rows with reasons (2 because their key came before): x.ndjson",
    ]);
  });

  it("says the same to programs", () => {
    expect(summaryOf(result, null)).toEqual({
      ...{ complete: true, rows: 2000, answered: 2000, created: 1990, replaced: 5, refused: 5, duplicates: 2 },
      ...{ resumedAfter: 1000, seconds: 2, rowsPerSecond: 500, refusedFile: null },
    });
  });
});

describe("values of options", () => {
  it.each([
    ["30s", 30_000],
    ["10m", 600_000],
    ["12h", 43_200_000],
    ["7d", 604_800_000],
  ])("the duration %s is %d ms", (text, expected) => {
    expect(durationMs(text)).toBe(expected);
  });

  it.each(["", "10", "500ms", "-1s", "1 h"])("the duration %j is refused", (text) => {
    expect(() => durationMs(text)).toThrow("Expected a duration");
  });

  it.each(["", " "])("the folder %j is refused", (text) => {
    expect(() => folderPath(text)).toThrow("Expected the path of a folder");
  });

  it("permissions are separated by commas or spaces", () => {
    expect(permissionList("products:read, products:write zgate:operate")).toHaveLength(3);
  });

  it.each(["", "products", "products:", "Products:read"])("the permissions %j are refused", (text) => {
    expect(() => permissionList(text)).toThrow("Expected permissions");
  });

  it("a URL is an origin", () => {
    expect(gatewayUrl("http://127.0.0.1:8787/")).toBe("http://127.0.0.1:8787");
  });

  it.each(["127.0.0.1:8787", "ftp://a", "http://a/products"])("the URL %j is refused", (text) => {
    expect(() => gatewayUrl(text)).toThrow("Expected a URL");
  });

  it.each(["0", "65536", "1.5", "x", ""])("the port %j is refused", (text) => {
    expect(() => wholeNumber(1, 65_535)(text)).toThrow("Expected a whole number");
  });
});

it("the sample is evenly spaced, holds its pivot, and nothing twice", () => {
  const drawn = systematicIndices(113_618, 5000, 74_866);
  expect(drawn).toContain(74_866);
  expect(new Set(drawn).size).toBe(5000);
  expect(Math.max(...drawn.slice(1).map((index, at) => index - (drawn[at] ?? 0)))).toBe(23);
});
