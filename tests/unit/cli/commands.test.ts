// Commands against a gateway that gives one answer, in this process. It must not start an instance.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDataDirectory, dataDirectory } from "../../../cli/data-directory.ts";
import { ensureKeys } from "../../../cli/keys.ts";
import { createProgram } from "../../../cli/program.ts";
import type { Terminal } from "../../../cli/terminal.ts";
import { runCaptured as run } from "./captured-program.ts";

let folder: string;
let server: Server;
let url: string;
/** Status of the answer to each method. */
let statuses: Readonly<Record<string, number>>;
let requests: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "zgate-commands-"));
  requests = [];
  server = createServer(({ method = "", url: path = "" }, response) => {
    requests.push(`${method} ${path}`);
    response.writeHead(statuses[method] ?? 200, { "content-type": "application/problem+json" });
    response.end('{"code":"SOME_CODE","detail":"why"}');
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((settle) => server.close(settle));
  rmSync(folder, { recursive: true });
});

describe("put --if-none-match '*'", () => {
  it("of a key that is taken says so", async () => {
    statuses = { PUT: 412 };
    const { code, notes } = await run("put", "products", "react", "{}", "--if-none-match", "*", "--url", url);
    expect([code, notes[0]]).toEqual([1, "zgate: there is already a document products/react (412 SOME_CODE)"]);
    expect(notes[1]).toContain("leave out --if-none-match");
  });

  it("is not what a failed --if-match says", async () => {
    statuses = { PUT: 412 };
    const { notes } = await run("put", "products", "react", "{}", "--if-match", "x", "--url", url);
    expect(notes[0]).toBe("zgate: why (412 SOME_CODE)");
  });
});

describe("an import that is turned away", () => {
  it.each([
    ["there is no such collection", { GET: 404 }, /^zgate: there is no collection "products" at http/, 0],
    ["nobody may read without a token", { GET: 401 }, /^zgate: why \(401/, 0],
    ["the first row may not be written", { PUT: 401 }, /^zgate: why \(401/, 1],
    ["only others may write", { GET: 403, PUT: 403 }, /^zgate: why \(403/, 1],
  ])("because %s leaves no checkpoint", async (_name, given, message, writes) => {
    statuses = given;
    const file = join(folder, "rows.tsv");
    writeFileSync(file, "key\nb\n");
    const { code, notes } = await run("import", "products", file, "--url", url, "--concurrency", "1");
    expect([code, notes[0]]).toEqual([1, expect.stringMatching(message)]);
    expect(requests.filter((request) => request.startsWith("PUT"))).toHaveLength(writes);
    expect(readdirSync(folder)).toEqual(["rows.tsv"]);
  });
});

describe("a token", () => {
  it("for a collection that is not configured comes with a warning", async () => {
    const directory = dataDirectory(folder);
    createDataDirectory(directory);
    await ensureKeys(directory);
    const asked = await run("token", "--data", folder, "--permissions", "produkts:read,carts:read,zgate:operate");
    expect([asked.code, asked.lines.length]).toEqual([0, 1]);
    expect(asked.notes).toEqual(["zgate: not configured: produkts; the collections are products, carts"]);
    expect((await run("token", "--data", folder, "--permissions", "carts:read")).notes).toEqual([]);
  });
});

describe("the help", () => {
  const { terminal, env } = { terminal: {} as Terminal, env: {} };
  const program = createProgram({ terminal, env });
  const helpOf = (command: typeof program) => {
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    return help;
  };

  it("of the program has examples", () => {
    expect(helpOf(program)).toMatch(/Examples:\n {2}npm start/);
  });

  it.each([
    ["put", true],
    ["patch", true],
    ["delete", false],
  ])("of %s speaks of creating: %j", (name, expected) => {
    const command = program.commands.find((candidate) => candidate.name() === name);
    expect(helpOf(command ?? program).includes("create only")).toBe(expected);
  });
});
