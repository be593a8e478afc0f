// What programs get of a command that fails with --json: one document that says so, whatever the command. Must not start an instance.
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { carryOut, type MoveFlags } from "../../../cli/moves/carry-out.ts";
import { createProgram } from "../../../cli/program.ts";
import type { Terminal } from "../../../cli/terminal.ts";
import type { Catalog } from "../../../shards/catalog/port.ts";
import { author, mapOf, moveOf, PRODUCTS, SHARD_2 } from "../../contract/catalog-fixture.ts";
import { type CapturedRun, createCapture, runCaptured } from "./captured-program.ts";
import { operatorOver } from "./operator-fixture.ts";
import { openTestCatalog } from "./test-catalog.ts";

let directory: string;
let catalog: Catalog;

beforeEach(async () => {
  const opened = await openTestCatalog(mapOf(1));
  ({ directory, catalog } = opened);
  return opened.dispose;
});

const documentsOf = ({ lines }: Pick<CapturedRun, "lines">) =>
  lines.flatMap((text) => text.trimEnd().split("\n")).map((line) => JSON.parse(line));

/** What people are told: the sentence, and what to do next. */
const toldPeople = ([sentence, hint]: readonly string[]) => ({
  message: sentence?.replace("zgate: ", ""),
  hint: hint?.trim() ?? null,
});

/** Words that make each command with --json go as far as it gets without an instance. */
const WORDS: { readonly [command: string]: readonly string[] } = {
  ...{ status: [], token: [], moves: [], doctor: [] },
  ...{ map: ["products"], route: ["products", "react"], get: ["products", "react"], list: ["products"] },
  ...{ put: ["products", "react", "{}"], patch: ["products", "react", "{}"], delete: ["products", "react"] },
  ...{ import: ["products", "rows.tsv"], move: ["products", "--start", "g", "--to", "shard-2"] },
  ...{ watch: ["1f3a"], resume: ["1f3a"], abort: ["1f3a"], reverse: ["1f3a"], throttle: ["1f3a", "--rate", "5"] },
  ...{ split: ["products", "at", "g"], merge: ["products", "at", "g"], verify: ["products"] },
  ...{ shard: ["drain", "shard-1"], schema: ["plan"] },
};

const commands = createProgram({ terminal: {} as Terminal, env: {} }).commands.filter(({ options }) =>
  options.some(({ long }) => long === "--json"),
);

describe.each(commands.map((command) => ({ name: command.name(), command })))(
  "$name --json where nothing is",
  ({ name, command }) => {
    const nowhere = (...more: readonly string[]) => {
      const place = command.options.some(({ long }) => long === "--data") ? "--data" : "--config";
      return runCaptured(name, ...(WORDS[name] ?? []), place, join(directory, "nowhere"), ...more);
    };

    it("prints one document that says what people are told", async () => {
      expect(WORDS[name], `words for ${name}`).toBeDefined();
      const run = await nowhere("--json");
      expect([run.code, documentsOf(run)]).toEqual([1, [{ error: { ...toldPeople(run.notes), reason: null } }]]);
    });

    it("prints nothing on stdout without --json", async () => {
      const run = await nowhere();
      expect([run.code, run.lines, run.notes.length > 0]).toEqual([1, [], true]);
    });
  },
);

describe("the reason of a failure", () => {
  it.each([
    ["NOT_CANONICAL", ["split", "products", "at", "G"]],
    ["NOT_A_BOUNDARY", ["split", "products", "at", "gat"]],
    ["ALREADY_SPLIT", ["split", "products", "at", "m"]],
    ["NOT_SPLIT", ["merge", "products", "at", "g"]],
    ["SHARDS_DIFFER", ["merge", "products", "at", "m"]],
    ["EMPTY_RANGE", ["verify", "products", "--start", "h", "--end", "g"]],
    ["UNKNOWN_SHARD", ["move", "products", "--start", "g", "--to", "shard-9"]],
    ["NOTHING_TO_MOVE", ["move", "products", "--start", "m", "--to", "shard-2"]],
    ["SEVERAL_SOURCES", ["move", "products", "--start", "g", "--to", "shard-1"]],
    ["SLASH", ["get", "products", "a/b"]],
  ])("is %s of %j", async (reason, args) => {
    const run = await runCaptured(...args, "--data", directory, "--json");
    expect([run.code, documentsOf(run)]).toEqual([1, [{ error: { ...toldPeople(run.notes), reason } }]]);
    expect(run.notes[0]).toContain(`(${reason})`);
  });
});

describe("a command that cannot work", () => {
  let complaints: ReturnType<typeof vi.spyOn>;

  beforeEach(() => {
    complaints = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  });

  afterEach(() => complaints.mockRestore());

  it.each([
    ["of a word too little", ["split", "products", "g"], "missing required argument 'key'"],
    ["of no destination", ["move", "products"], "required option '--to <shard>' not specified"],
    ["of an option that there is not", ["list", "products", "--al"], "unknown option '--al' (Did you mean --all?)"],
    ["of no range", ["move", "products", "--to", "shard-2"], "expected --start, --end or both"],
  ])("because %s says so with exit code 2", async (_name, args, message) => {
    const run = await runCaptured(...args, "--json");
    const error = { message, hint: run.notes[1]?.trim() ?? null, reason: null };
    expect([run.code, documentsOf(run)]).toEqual([2, [{ error }]]);
  });

  it.each([
    ["the value of another option", ["list", "products", "--start", "--json", "--data", "/nowhere"], 1],
    ["an argument", ["get", "products", "--", "--json", "two", "three"], 2],
  ])("prints no document where --json is %s", async (_name, args, code) => {
    expect(await runCaptured(...args)).toMatchObject({ code, lines: [] });
  });

  it("prints the help as ever when asked for it", async () => {
    const printed = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    expect(await runCaptured("move", "--json", "--help")).toEqual({ code: 0, lines: [], notes: [] });
    printed.mockRestore();
  });
});

describe("a command that has printed what it found", () => {
  const { id, ...intent } = { ...moveOf("g", "h"), id: "1f3a0000-0000-4000-8000-000000000000" };

  it.each([
    ["resume of an ended move", ["resume", "1f3a"], 1, [{ id, state: "aborted", driven: false, waitsFor: [] }]],
    ["shard add of a new one", ["shard", "add", "shard-9"], 3, [{ shard: "shard-9", configured: false }]],
    ["doctor without shards", ["doctor", "products"], 1, [{ collection: "products" }]],
    ["verify without shards", ["verify", "products"], 1, [{ collection: "products", slots: 0, next: "" }]],
  ])("prints nothing more: %s", async (_name, args, code, documents) => {
    await catalog.createMove({ id, ...intent }, author());
    await catalog.updateMove(id, { expectedRevision: 1, state: "aborted" }, author());
    const run = await runCaptured(...args, "--data", directory, "--json");
    expect([run.code, documentsOf(run)]).toEqual([code, documents.map((each) => expect.objectContaining(each))]);
    expect(run.notes.at(0)).toMatch(/^zgate: /);
  });

  it("tells of a collection that it could not look at in that one's own document", async () => {
    const run = await runCaptured("doctor", "--data", directory, "--json");
    const failure = 'the collection "carts" has no map yet';
    expect(documentsOf(run)).toMatchObject([
      { collection: "products" },
      { collection: "carts", complaints: [], failure },
    ]);
  });
});

describe("requests", () => {
  let server: Server;
  let url: string;
  /** Bodies of the answers to come, 200 each; then there are 503s. */
  let pages: string[];

  beforeEach(async () => {
    pages = [];
    server = createServer((_request, response) => {
      const page = pages.shift();
      response.writeHead(page === undefined ? 503 : 200, { "content-type": "application/json" });
      response.end(page ?? '{"code":"SLOT_MOVING","detail":"why","requestId":"r1"}');
    });
    await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((settle) => server.close(settle));
  });

  const error = { message: "why (503 SLOT_MOVING, request r1)", hint: "try again in a moment", reason: "SLOT_MOVING" };

  it.each([["get"], ["put"], ["delete"]])("that are refused bring the gateway's code: %s", async (name) => {
    const run = await runCaptured(name, ...(WORDS[name] ?? []), "--url", url, "--json");
    expect([run.code, documentsOf(run)]).toEqual([1, [{ error }]]);
  });

  it("that are refused in the middle of a list end it with the document", async () => {
    pages.push('{"items":[{"key":"a","etag":"1","value":{}}],"next":"c"}');
    const run = await runCaptured("list", "products", "--all", "--url", url, "--json");
    expect([run.code, documentsOf(run)]).toEqual([1, [expect.objectContaining({ key: "a" }), { error }]]);
  });

  it("of an import that refuses rows end with its summary alone", async () => {
    const file = join(directory, "rows.tsv");
    writeFileSync(file, "key\nb\nb\n");
    pages.push('{"items":[],"next":null}', "{}");
    const run = await runCaptured("import", "products", file, "--url", url, "--strict", "--json");
    expect([run.code, documentsOf(run)]).toEqual([1, [expect.objectContaining({ rows: 2, refused: 1 })]]);
  });
});

describe("move --wait that is interrupted", () => {
  async function interrupted(flags: Partial<MoveFlags>) {
    const captured = createCapture();
    const listeners = process.listenerCount("SIGINT");
    const wanted = { collection: PRODUCTS, start: "g", end: "h", to: SHARD_2, settings: moveOf("g", "h").settings };
    const given = { data: directory, parallel: 4, rate: "none", byteRate: "none", retention: 0, wait: true } as const;
    const world = { flags: { ...given, ...flags }, terminal: captured.terminal };
    const outcome = carryOut(operatorOver(catalog), wanted, world).catch((error: unknown) => error);
    await vi.waitFor(() => expect(process.listenerCount("SIGINT")).toBe(listeners + 1));
    const before = [...captured.lines];
    process.listeners("SIGINT").at(-1)?.("SIGINT");
    const error = await outcome;
    const [move] = await catalog.moves(PRODUCTS, { limit: 1 });
    return { ...captured, before, error, id: move?.id };
  }

  it("ends with the move as it is then", async () => {
    const { lines, before, error, id } = await interrupted({ json: true });
    const document = { id, state: "running", collection: "products", start: "g", end: "h", slots: 0, rows: 0 };
    expect([before, documentsOf({ lines })]).toEqual([[], [expect.objectContaining(document)]]);
    expect(error).toMatchObject({ message: expect.stringContaining("the move goes on"), exitCode: 1, isTold: true });
  });

  it("has told people the id before it waited", async () => {
    const { lines, before, error, id } = await interrupted({});
    expect(before.at(-1)).toMatch(new RegExp(`^move ${id} is in the catalog: shard-2 carries it out by itself`));
    expect([lines, error]).toEqual([before, expect.objectContaining({ exitCode: 1 })]);
  });
});
