// The project's own tests on a machine that cannot run engines: what is skipped is said once, or is a failure where it must not be.
// Must not need engines, nor find those of this machine.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { PROJECT } from "./cli-process.ts";

const ON_ENGINES = [
  "tests/engines/dynamodb-cost.test.ts",
  "tests/e2e-engines/three-nodes.test.ts",
  "tests/faults/cassandra-faults.test.ts",
  "tests/chaos/chaos.test.ts",
];
const PROJECTS = ["engines", "e2e-engines", "faults", "chaos-cassandra"].flatMap((name) => ["--project", name]);
const WHY = "Java 17 is needed to run Cassandra and DynamoDB Local: neither JAVA_HOME nor the PATH has a java";

const nowhere = mkdtempSync(join(tmpdir(), "zgate-no-java-"));
afterAll(() => rmSync(nowhere, { recursive: true }));

function runTests(required: string) {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VITEST|ZGATE_|NODE_ENV$)/.test(name));
  const env = { ...Object.fromEntries(inherited), PATH: nowhere, JAVA_HOME: "", ZGATE_REQUIRE_ENGINES: required };
  const args = [join(PROJECT, "tests", "run.ts"), ...PROJECTS, ...ON_ENGINES];
  return spawnSync(process.execPath, args, { cwd: PROJECT, encoding: "utf8", env });
}

test("tests on engines are skipped, and one line at the end says which, why, and what to install", () => {
  const { status, stdout, stderr } = runTests("");
  const lines = `${stdout}${stderr}`.split("\n");
  expect(lines.filter((line) => line.includes("Java"))).toEqual([
    expect.stringMatching(
      /^Skipped are tests on real engines, faults on Cassandra, chaos with moves on Cassandra: .*apt-get install openjdk-17-jre-headless maven/,
    ),
  ]);
  expect(stdout).toContain(`: ${WHY}; `);
  expect(stdout).toMatch(/\n0 passed, 0 failed, [1-9]\d* skipped\n$/);
  expect(status).toBe(0);
});

test("with ZGATE_REQUIRE_ENGINES=1 that is a failure", () => {
  const { status, stdout, stderr } = runTests("1");
  expect(`${stdout}${stderr}`).toContain(`ZGATE_REQUIRE_ENGINES=1, but ${WHY}`);
  expect(stdout).toMatch(/\n0 passed, [1-9]\d* failed, 0 skipped\n$/);
  expect(stdout).not.toContain("Skipped are");
  expect(status).toBe(1);
});
