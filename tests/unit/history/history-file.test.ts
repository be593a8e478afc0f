// What is written down comes back, also from a client that was killed in between.
// Must not need a server.
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { checkHistory } from "../../history/check-history.ts";
import { readHistory } from "../../history/history-file.ts";
import { Recorder } from "../../history/recorder.ts";
import { describeViolation } from "../../history/violation-text.ts";

const directory = mkdtempSync(join(tmpdir(), "zgate-history-"));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
const newFile = (): string => join(directory, `${(files += 1)}.jsonl`);

const put = (op: string) => ({ kind: "put", condition: { kind: "none" }, ops: [op] }) as const;
const base = { process: "c1", key: "lamp", isKeyed: true } as const;

describe("a recorded history", () => {
  it("is an operation from first start to last end, with the ops of all its repetitions", () => {
    const file = newFile();
    const recorder = new Recorder(file);
    recorder.start({ ...base, id: "1", request: put("a") });
    recorder.repeat("1", "b");
    recorder.end("1", { kind: "created", op: "b" });
    recorder.close();
    const [operation] = readHistory([file]);
    expect(operation).toMatchObject({ request: { ops: ["a", "b"] }, result: { kind: "created", op: "b" } });
    expect(operation?.endNs).toBeGreaterThan(operation?.startNs ?? 0);
  });

  it("holds what a killed client had under way as unknown, and no half line", () => {
    const file = newFile();
    const recorder = new Recorder(file);
    recorder.start({ ...base, id: "1", request: put("a") });
    recorder.close();
    appendFileSync(file, '{"line":"end","id":"1","at');
    expect(readHistory([file])).toMatchObject([{ result: { kind: "unknown" }, endNs: Number.POSITIVE_INFINITY }]);
  });

  it("is refused when a line does not fit", () => {
    const file = newFile();
    const recorder = new Recorder(file);
    recorder.end("1", { kind: "missing" });
    recorder.close();
    expect(() => readHistory([file])).toThrow(/does not fit/);
  });

  it("takes a list as a look at each key that it covered", () => {
    const file = newFile();
    const recorder = new Recorder(file);
    recorder.start({ ...base, id: "1", key: "lamp..sofa", isKeyed: false, request: { kind: "list" } });
    recorder.end("1", { kind: "listed", covered: ["lamp", "sofa"], found: { sofa: "s" } });
    recorder.close();
    expect(readHistory([file])).toMatchObject([
      { key: "lamp", request: { kind: "read" }, result: { kind: "missing" } },
      { key: "sofa", request: { kind: "read" }, result: { kind: "found", op: "s" } },
    ]);
  });

  it("of several files is checked whole, and what is wrong is told with what happened around it", async () => {
    const [one, two] = [newFile(), newFile()];
    const first = new Recorder(one);
    const second = new Recorder(two);
    first.start({ ...base, id: "1", request: put("a") });
    first.end("1", { kind: "created", op: "a" });
    first.start({ ...base, id: "2", key: "sofa", request: put("b") });
    first.end("2", { kind: "created", op: "b" });
    second.start({ ...base, id: "3", process: "c2", request: { kind: "read" } });
    second.end("3", { kind: "missing" });
    first.close();
    second.close();
    const verdict = await checkHistory(readHistory([one, two]));
    expect(verdict.keys).toHaveLength(2);
    expect(verdict.violations).toMatchObject([{ key: "lamp", operation: { id: "3" } }]);
    const [violation] = verdict.violations;
    if (violation === undefined) expect.fail("no violation");
    expect(describeViolation(violation)).toMatch(/lamp.*\n.*can have held: .*\n(.*\n)*-> .*read .*-> missing/);
  });
});
