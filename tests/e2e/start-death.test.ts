// The violent ends of an instance: whatever is killed, nothing of it stays, and the next start works.
// Must not ask any part to be kind.
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { waitFor } from "../../cli/supervisor/process-group.ts";
import { createFolder, type ProcessTree, putAway, startUp, type UpProcess, zgate } from "./cli-process.ts";

const folder = createFolder();
const data = join(folder.path, "data");
let instance: UpProcess;

beforeEach(async () => {
  instance = await startUp(data, ["--empty"]);
});

afterEach(() => putAway(instance));
afterAll(() => folder.remove());

/** The first process whose command line holds `text`; the parent where a child has the same one. */
function victim(tree: ProcessTree, text: string): number {
  const [pid] = tree.find(text);
  if (pid === undefined) throw new Error(`no process of the instance is called ${text}`);
  return pid;
}

describe("kill -9", () => {
  it.each([
    ["a shard's primary", "--shard shard-2", "shard-2", "killed by SIGKILL"],
    ["the edge's guard", "edge-guard.ts", "edge", "killed by SIGKILL"],
    ["wrangler", "wrangler-dist/cli.js dev", "edge", "killed by SIGKILL"],
    ["workerd", "/workerd serve", "edge", "workerd crashed"],
  ])("of %s ends the whole instance with a line that says so", async (_name, text, part, how) => {
    const tree = instance.tree();
    // The guard's command line holds wrangler's, and comes before it.
    const pid = part === "edge" && text.includes("wrangler") ? tree.find(text)[1] : victim(tree, text);
    process.kill(pid ?? 0, "SIGKILL");
    const { code, stderr } = await instance.finished;
    expect(code).toBe(1);
    expect(stderr).toContain(`zgate: ${part} ended unexpectedly (`);
    expect(stderr).toContain(how);
    expect(stderr).toContain(`its log is ${join(data, "logs", part)}.log`);
    expect(await tree.survivors()).toEqual([]);
  });

  it("of the supervisor leaves nothing, no acknowledged write is lost, and the next start works at once", async () => {
    const key = `written-${Date.now()}`;
    expect((await zgate(["put", "products", key, "{}", "--data", data])).code).toBe(0);
    const tree = instance.tree();
    instance.child.kill("SIGKILL");
    await instance.finished;
    instance = await startUp(data, ["--empty"]);
    expect((await zgate(["get", "products", key, "--data", data])).stdout).toBe("{}\n");
    expect(await tree.survivors()).toEqual([]);
  });
});

it("a second Ctrl-C hurries and leaves nothing", async () => {
  const tree = instance.tree();
  instance.child.kill("SIGINT");
  await waitFor(() => instance.stderr().includes("stopping…"), 5000);
  const again = setTimeout(() => instance.child.kill("SIGINT"), 800);
  const { code } = await instance.finished;
  clearTimeout(again);
  expect(code).toBe(0);
  expect(await tree.survivors()).toEqual([]);
});
