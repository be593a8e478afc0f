// What `zgate status` says of the engines of an instance.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDataDirectory, dataDirectory } from "../../../cli/data-directory.ts";
import { writeInstance } from "../../../cli/supervisor/instance-file.ts";
import { holdDirectory } from "../../../cli/supervisor/lock.ts";
import { freePort } from "../../../cli/supervisor/ports.ts";
import { runCaptured } from "./captured-program.ts";

const root = mkdtempSync(join(tmpdir(), "zgate-status-"));
const directory = dataDirectory(root);
const server = createServer();
const engines: Record<string, string> = {};
let release = (): void => undefined;

beforeAll(async () => {
  createDataDirectory(directory);
  const lock = holdDirectory(directory);
  release = () => lock.release();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  engines["cassandra-1"] = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  engines["dynamodb"] = `127.0.0.1:${await freePort()}`;
  const url = `http://127.0.0.1:${await freePort()}`;
  writeInstance(directory, { url, pid: process.pid, ports: {}, engines, startedAt: "2026-01-01T00:00:00.000Z" });
});

afterAll(() => {
  server.close();
  release();
  rmSync(root, { recursive: true });
});

test("an engine at whose address nobody listens is told from the others", async () => {
  const { code, lines } = await runCaptured("status", "--data", root);
  expect(code).toBe(0);
  const text = lines.join("\n");
  expect(text).toMatch(new RegExp(`cassandra-1 +${engines["cassandra-1"]}$`, "m"));
  expect(text).toMatch(new RegExp(`dynamodb +${engines["dynamodb"]}, does not answer$`, "m"));
});

test("programs are told of it beside the addresses", async () => {
  const { lines } = await runCaptured("status", "--json", "--data", root);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ engines, ready: false, silentEngines: ["dynamodb"] });
});
