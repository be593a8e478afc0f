// `zgate import` into a running instance: what it stores, what it refuses, and that it goes on where it was interrupted. On
// real engines where the run has them; the instance runs its own.
// Must not look at anything but output and exit codes, and the files that an import writes.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../../cli/supervisor/process-group.ts";
import { createFolder, putAway, startUp, startZgate, type UpProcess, zgate } from "./cli-process.ts";
import { UP_MS_MAX, UP_OPTIONS } from "./storage.ts";

const folder = createFolder();
const data = join(folder.path, "data");
let instance: UpProcess | undefined;

beforeAll(async () => {
  instance = await startUp(data, [...UP_OPTIONS, "--empty"], UP_MS_MAX);
}, UP_MS_MAX);

afterAll(async () => {
  await putAway(instance);
  folder.remove();
});

const run = (...args: string[]) => zgate([...args, "--data", data]);

async function output(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("zgate:")]);
  return stdout;
}

const json = async (...args: string[]) => JSON.parse(await output(...args, "--json"));

describe("an import", () => {
  const file = join(folder.path, "rows.tsv.gz");
  const rows = ["key\tcount\tnote", "Apple\t1\tone", "pear\t2\t", "apple\t3\tthree", "a/b\t4\tfour"];

  it("stores rows, reports duplicates and refusals, and is done", async () => {
    writeFileSync(file, gzipSync(`${rows.join("\n")}\n`));
    expect(await json("import", "products", file)).toMatchObject({
      ...{ complete: true, rows: 4, created: 2, replaced: 0, refused: 2, duplicates: 1 },
      refusedFile: `${file}.refused.ndjson`,
    });
    expect(await output("get", "products", "apple")).toBe('{"count":1,"note":"one"}\n');
    const refused = readFileSync(`${file}.refused.ndjson`, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(refused.map(({ row, code }) => [row, code])).toEqual([
      [3, "DUPLICATE_KEY"],
      [4, "SLASH"],
    ]);
  });

  it("is a failure with --strict, and replaces when it is run again", async () => {
    const { code, stdout, stderr } = await run("import", "products", file, "--strict");
    expect([code, stdout]).toEqual([1, expect.stringContaining("0 created, 2 replaced, 2 refused")]);
    expect(stderr).toContain("2 rows were refused");
  });

  it("reads what list prints", async () => {
    const saved = join(folder.path, "saved.ndjson");
    writeFileSync(saved, await output("list", "products", "--prefix", "apple", "--all", "--json"));
    expect(await json("import", "carts", saved)).toMatchObject({ created: 1, refused: 0 });
    expect(await output("get", "carts", "apple")).toBe('{"count":1,"note":"one"}\n');
  });

  it.each(["SIGINT", "SIGKILL"] as const)("goes on where it was after %s", async (signal) => {
    const many = join(folder.path, `${signal}.csv`);
    const lines = Array.from({ length: 1000 }, (_, index) => `${signal}-${index},${index}`);
    writeFileSync(many, `name,n\n${lines.join("\n")}\n`);
    const first = startZgate(["import", "products", many, "--data", data, "--concurrency", "1"]);
    await waitFor(() => rowsAnswered(join(data, "imports")) > 0, 30_000);
    first.child.kill(signal);
    const { code, stderr } = await first.finished;
    expect(code).toBe(signal === "SIGINT" ? 1 : null);
    if (signal === "SIGINT") expect(stderr).toContain("run the same command again");
    const summary = await json("import", "products", many);
    expect(summary).toMatchObject({ complete: true, rows: 1000, created: 1000, replaced: 0, refused: 0 });
    expect(summary.resumedAfter).toBeGreaterThan(0);
  });

  it("of a file that is not there says so", async () => {
    const { code, stderr } = await run("import", "products", join(folder.path, "none.tsv"));
    expect([code, stderr]).toEqual([1, expect.stringMatching(/zgate: cannot read .*none\.tsv/)]);
  });
});

/** What the only checkpoint there is counts; 0 while there is none. */
function rowsAnswered(directory: string): number {
  const [checkpoint] = globSync(join(directory, "*.checkpoint.json"));
  return checkpoint === undefined ? 0 : (JSON.parse(readFileSync(checkpoint, "utf8")) as { rows: number }).rows;
}
