// What an operator does with ranges, against a running instance: plans, moves, takes back, looks, and mends what was left half-way.
// Must not look at anything but output, exit codes and documents, save for the statements that leave slots half-way and the rows that
// are planted where they may not lie.
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { instanceConfiguration } from "../../cli/configuration.ts";
import { dataDirectory } from "../../cli/data-directory.ts";
import { readSigningKeys } from "../../cli/keys.ts";
import { createShardClient, type ShardClient } from "../../cli/shard-client.ts";
import { parseSigningKeys } from "../../config/signing-keys.ts";
import type { CanonicalKey, CollectionName, ShardId, SlotId } from "../../router/ids.ts";
import { slotOf } from "../../router/slot.ts";
import type { OwnershipEvent } from "../../router/slot-transition.ts";
import { runCaptured } from "../unit/cli/captured-program.ts";
import { createFolder, type Finished, putAway, startUp, startZgate, type UpProcess, zgate } from "./cli-process.ts";
import { IS_ON_ENGINES, UP_MS_MAX, UP_OPTIONS } from "./storage.ts";

const folder = createFolder();
const data = join(folder.path, "data");
let instance: UpProcess;

/** Keys of the import, two letters each, so that each has its own slot. */
const LETTERS = [..."abcdefghijkl"];
const KEYS = LETTERS.flatMap((first) => LETTERS.map((second) => `${first}${second}-key`));

beforeAll(async () => {
  instance = await startUp(data, [...UP_OPTIONS, "--empty"], UP_MS_MAX);
  const file = join(folder.path, "rows.tsv");
  writeFileSync(file, `key\tn\n${KEYS.map((key, index) => `${key}\t${index}\n`).join("")}`);
  const imported = await zgate(["import", "products", file, "--data", data]);
  if (imported.code !== 0) throw new Error(imported.stderr);
}, UP_MS_MAX);

afterAll(async () => {
  await putAway(instance);
  folder.remove();
});

/** In this process, which saves the start of one; what commander itself says goes elsewhere. */
async function run(...args: string[]): Promise<Finished> {
  const { code, lines, notes } = await runCaptured(...args, "--data", data);
  const textOf = (all: readonly string[]): string => all.map((line) => `${line}\n`).join("");
  return { code, stdout: textOf(lines), stderr: textOf(notes) };
}

async function output(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("zgate:")]);
  return stdout;
}

const json = async (...args: string[]) => JSON.parse(await output(...args, "--json"));
const refusal = async (...args: string[]) => {
  const { code, stderr } = await run(...args);
  return [code, stderr];
};
const ranges = async () => (await json("map", "products")).ranges;

describe("split and merge", () => {
  it("cut the map and join it again, and its history says so", async () => {
    expect(await output("split", "products", "at", "g", "--dry-run")).toContain("nothing was changed");
    expect((await json("map", "products")).version).toBe(1);
    expect(await json("split", "products", "at", "g")).toMatchObject({ kind: "split", version: 2, parent: 1 });
    expect(await output("map", "products", "--diff", "1", "2")).toMatch(/version 1 -> 2\n {2}a range begins at "g"\n$/);
    await output("merge", "products", "at", "g");
    expect(await json("map", "products", "--diff", "1", "3")).toMatchObject({ changes: [], cuts: [], joins: [] });
    expect((await output("map", "products", "--history")).split("\n")).toHaveLength(5);
  });

  it.each([
    ["a key that is no boundary", ["split", "products", "at", "gat"], 1, '"ga" or "gb"'],
    ["a key in upper case", ["split", "products", "at", "G"], 1, 'write "g"'],
    ["two shards at once", ["merge", "products", "at", "m"], 1, "got shard-1 and shard-2"],
    ["a version that is not there", ["map", "products", "--diff", "1", "99"], 1, "no map version 99"],
  ])("refuse %s", async (_name, args, code, says) => {
    expect(await refusal(...args)).toEqual([code, expect.stringContaining(says)]);
  });
});

/** Starts a move, and stops waiting for it as soon as it is waited for. Resolves to its id. */
async function interruptedMove(...options: readonly string[]): Promise<string> {
  const waiting = startZgate(["move", "products", ...options, "--wait", "--json", "--data", data]);
  while (!/ running/.test(waiting.stderr())) await new Promise((settle) => waiting.child.stderr?.once("data", settle));
  waiting.child.kill("SIGINT");
  const { code, stdout, stderr } = await waiting.finished;
  const { id, ...rest } = JSON.parse(stdout);
  expect([code, rest]).toEqual([1, expect.objectContaining({ state: "running", start: "e", end: "h" })]);
  expect(stderr).toContain(`\`zgate watch ${id.slice(0, 8)}\` shows it`);
  return id;
}

describe("a move", () => {
  it("is carried out as its dry run says, and ends with one document", async () => {
    const range = ["--start", "b", "--end", "d", "--to", "shard-2"];
    const plan = await json("move", "products", ...range, "--dry-run");
    expect(plan).toMatchObject({
      from: "shard-1",
      to: "shard-2",
      slots: 80,
      // A document and the record of its import each.
      rows: 48,
      epochs: [{ slots: 80, epoch: 2 }],
      expected: null,
    });
    expect(await output("move", "products", ...range, "--dry-run")).toContain(
      "expected time: unknown (no move of products ",
    );
    const limited = await json("move", "products", ...range, "--dry-run", "--rate", "4");
    expect(limited.expected).toEqual({ ms: 12_000, basis: { kind: "limits" } });
    expect(await output("moves", "--json")).toBe("");
    const { stdout, code } = await zgate(["move", "products", ...range, "--wait", "--json", "--data", data]);
    const lines = stdout.trimEnd().split("\n");
    expect([code, lines.length]).toEqual([0, 1]);
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      ...{ id: expect.any(String), state: "done", collection: "products", start: "b", end: "d" },
      ...{ from: "shard-1", to: "shard-2", slots: 80, rows: 48, bytes: plan.bytes },
      pauseMs: { p50: expect.any(Number), p99: expect.any(Number), max: expect.any(Number), cutovers: 80 },
      durationMs: expect.any(Number),
    });
    expect(await ranges()).toEqual([
      { start: "", end: "b", shard: "shard-1" },
      { start: "b", end: "d", shard: "shard-2" },
      { start: "d", end: "m", shard: "shard-1" },
      { start: "m", end: null, shard: "shard-2" },
    ]);
    for (const key of ["bb-key", "cl-key", "da-key"]) expect(await output("get", "products", key)).toContain('{"n":');
  });

  it("goes back by reverse, with all that was written since", async () => {
    const { id } = await json("moves", "products");
    expect(await output("reverse", id.slice(0, 8), "--dry-run")).toMatch(
      /expected time: about \d+ s, by the last move of products between any shards\n/,
    );
    const again = await json("move", "products", "--start", "e", "--end", "f", "--to", "shard-2", "--dry-run");
    expect(again.expected).toEqual({ ms: expect.any(Number), basis: { kind: "same-shards", moves: 1 } });
    await output("put", "products", "bb-key", '{"n":"later"}');
    expect(await output("reverse", id.slice(0, 8), "--wait")).toMatch(/from shard-2 to shard-1: done\n/);
    expect(await output("get", "products", "bb-key")).toBe('{"n":"later"}\n');
    expect(await output("verify", "products")).toMatch(
      /^products: 1,526 slots checked, [3-9]\d\d rows in them, 48 rows left behind in 24 slots/,
    );
  });

  it("goes back by reverse part by part, where only parts are still there", async () => {
    const go = (start: string, end: string, to: string) =>
      output("move", "products", "--start", start, "--end", end, "--to", to, "--wait");
    await go("b", "e", "shard-2");
    const { id } = (await json("moves", "products", "--limit", "1")) as { readonly id: string };
    await go("c", "d", "shard-1");
    const plans = (await output("reverse", id, "--dry-run", "--json")).trimEnd().split("\n");
    expect(plans.map((line) => JSON.parse(line)).map(({ start, end, to }) => [start, end, to])).toEqual([
      ["b", "c", "shard-1"],
      ["d", "e", "shard-1"],
    ]);
    const ended = (await output("reverse", id, "--wait", "--json")).trimEnd().split("\n");
    expect(ended.map((line) => JSON.parse(line)).map(({ start, state }) => [start, state])).toEqual([
      ["b", "done"],
      ["d", "done"],
    ]);
    const below = (await ranges()).filter(({ start }: { readonly start: string }) => start < "m");
    expect(new Set(below.map(({ shard }: { readonly shard: string }) => shard))).toEqual(new Set(["shard-1"]));
    expect(await output("verify", "products")).toContain("1,526 slots checked");
  });

  it("can be slowed down, looked at and taken back; what went over stays", async () => {
    const id = await interruptedMove("--start", "e", "--end", "h", "--to", "shard-2", "--rate", "2");
    const short = id.slice(0, 10);
    expect(await refusal("move", "products", "--start", "f", "--to", "shard-2", "--end", "g")).toEqual([
      1,
      expect.stringContaining(`move ${id.slice(0, 8)} of ["e", "h") to shard-2 is under way`),
    ]);
    expect(await refusal("reverse", short)).toEqual([1, expect.stringContaining("only what has ended")]);
    expect(await output("throttle", short, "--rate", "1", "--byte-rate", "1MiB")).toContain("at most 1 rows/s and");
    expect(await output("throttle", short, "--byte-rate", "none")).toMatch(/at most 1 rows\/s\n$/);
    const watching = startZgate(["watch", short, "--data", data]);
    while (!/ of 120 slots/.test(watching.stdout()))
      await new Promise((settle) => watching.child.stdout?.once("data", settle));
    watching.child.kill("SIGINT");
    expect(await watching.finished).toMatchObject({ code: 0, stderr: expect.stringContaining("the move goes on") });
    expect(await output("resume", short)).toContain("shard-2 is at it");
    expect(await output("verify", "products")).toContain("1,526 slots checked");
    expect(await output("doctor", "products")).toMatch(/^products: nothing waits/);
    expect(await json("abort", short)).toEqual({ id, state: "aborting" });
    expect(await output("watch", short)).toMatch(/from shard-1 to shard-2: aborted\n {2}\d+ slots/);
    expect(await refusal("resume", short)).toEqual([1, expect.stringContaining("it is aborted")]);
    const resumed = await run("resume", short, "--json");
    expect(resumed.code).toBe(1);
    expect(JSON.parse(resumed.stdout)).toEqual({ id, state: "aborted", driven: false, waitsFor: [] });
    expect(await refusal("abort", short)).toEqual([1, expect.stringContaining("has ended")]);
    expect(await output("verify", "products")).toContain("1,526 slots checked");
    expect(await output("doctor")).toBe("products: nothing waits\ncarts: nothing waits\n");
    for (const key of KEYS) expect(await documentOf(key)).toBe(200);
  });

  it.each([
    ["an unknown shard", ["--start", "b", "--to", "shard-9"], 1, "expected one of shard-1, shard-2"],
    ["two sources", ["--start", "b", "--end", "n", "--to", "shard-2"], 1, "move its parts one by one"],
    ["no range at all", ["--to", "shard-2"], 2, "--start, --end or both"],
  ])("is refused with the reason: %s", async (_name, args, code, says) => {
    expect(await refusal("move", "products", ...args)).toEqual([code, expect.stringContaining(says)]);
  });

  it.each([
    ["that is not there", "0000aaaa", "there is no move 0000aaaa"],
    ["that is no id", "xyz", "expected the id of a move"],
  ])("%s is named", async (_name, id, says) => {
    expect((await refusal("moves", "show", id))[1]).toContain(says);
  });
});

async function documentOf(key: string): Promise<number> {
  return (await fetch(`${instance.url}/products/${key}`)).status;
}

describe("doctor", () => {
  const [S, D] = ["shard-1", "shard-2"].map((id) => id as ShardId) as [ShardId, ShardId];
  const collection = "products" as CollectionName;
  let shards: ShardClient;

  beforeAll(() => {
    const directory = dataDirectory(data);
    const keys = () => parseSigningKeys(readSigningKeys(directory));
    const { config } = instanceConfiguration(directory);
    shards = createShardClient({ shards: config.shards, keys, nowMs: Date.now });
  });

  afterAll(() => shards.close());

  /** Leaves an empty slot of shard-1 as a runner leaves it that dies after `steps` statements of a move nobody knows. */
  async function leave(slot: string, kinds: readonly OwnershipEvent["kind"][]): Promise<void> {
    const place = { collection, slot: slot as SlotId };
    const move = { move: randomUUID(), epoch: 2 };
    const events = {
      begin: [D, { kind: "begin", ...move, run: "r", seenEpoch: 0, source: S }],
      fence: [S, { kind: "fence", ...move, destination: D }],
      seal: [D, { kind: "seal", ...move, run: "r", digest: "d" }],
      go: [S, { kind: "go", ...move }],
      abort: [D, { kind: "abort", ...move }],
    } as const satisfies { readonly [kind: string]: readonly [ShardId, OwnershipEvent] };
    for (const kind of kinds) {
      const [shard, event] = events[kind as keyof typeof events];
      expect(await shards.send(shard, place, event)).toMatchObject({ kind: "changed" });
    }
  }

  it("names owner, wait and next command of each slot that was left half-way, and ends them", async () => {
    await leave("0a", ["begin"]);
    await leave("0b", ["begin", "fence"]);
    await leave("0c", ["begin", "fence", "seal"]);
    await leave("0d", ["begin", "fence", "seal", "go"]);
    await leave("0e", ["begin", "fence", "abort"]);
    expect(await refusal("verify", "products", "--start", "0", "--end", "1")).toEqual([
      1,
      expect.stringContaining("5 differences"),
    ]);
    const { code, stdout } = await run("doctor", "products", "--json");
    const { complaints } = JSON.parse(stdout);
    expect(code).toBe(3);
    expect(
      complaints.map(({ slot, owner, serves, remedy, next }: { [name: string]: string }) => [
        slot,
        owner,
        serves,
        remedy,
        next,
      ]),
    ).toEqual([
      ["0a", S, "everything", "abort", "zgate doctor products --fix"],
      ["0b", S, "reads", "abort", "zgate doctor products --fix"],
      ["0c", S, "reads", "help", "zgate doctor products --fix"],
      ["0d", S, "nothing", "help", "zgate doctor products --fix"],
      ["0e", S, "reads", "help", "zgate doctor products --fix"],
    ]);
    const before = (await json("map", "products")).version;
    const fixed = await output("doctor", "products", "--fix");
    const ends = ["aborted", "aborted", "decided", "decided", "aborted"];
    // The catalog never knew these moves, so nobody but the doctor tells the map of those that went over.
    const lines = [...ends, ...["", ""].map(() => `map version ${before + 1}`)].map((end) => `now: ${end}`);
    expect(fixed.match(/now: .*/g)).toEqual(lines);
    expect(await output("doctor", "products")).toBe("products: nothing waits\n");
    expect(await output("verify", "products")).toContain("1,526 slots checked");
    expect(await ranges()).toContainEqual({ start: "0c", end: "0e", shard: "shard-2" });
    for (const slot of ["0a", "0b", "0c", "0d", "0e"]) {
      expect(await output("put", "products", `${slot}-late`, "{}")).toMatch(/^created/);
    }
  });
});

describe("verify", () => {
  it.skipIf(IS_ON_ENGINES)("finds a row that lies in a slot of another key, and nothing once it is away", async () => {
    const clean = await json("verify", "carts");
    expect(clean).toMatchObject({ slots: 1024, findings: [], next: null });
    const db = new DatabaseSync(join(data, "shard-1", "store.db"));
    const plant = db.prepare("INSERT INTO documents VALUES ('carts', ?, 'op', 1, '{}')");
    for (const sortKey of ["00my-cart", "00My-Cart"]) plant.run(sortKey);
    const { code, stdout } = await run("verify", "carts", "--json");
    const slot = slotOf({ kind: "hash", stripes: 1 }, "my-cart" as CanonicalKey);
    const detail = `2 rows at shard-1: "My-Cart" is not canonical, "my-cart" belongs to the slot "${slot}"`;
    expect([code, JSON.parse(stdout)]).toEqual([
      1,
      { ...clean, rows: clean.rows + 2, findings: [{ slot: "00", kind: "misplaced-rows", detail }] },
    ]);
    const said = await run("verify", "carts");
    expect(said).toMatchObject({ code: 1, stderr: expect.stringContaining("1 difference\n") });
    expect(said.stdout).toBe(
      `"00"  misplaced-rows: ${detail}\ncarts: 1,024 slots checked, ${clean.rows + 2} rows in them, 0 rows left behind in 0 slots compared\n`,
    );
    db.exec("DELETE FROM documents WHERE collection = 'carts' AND sort_key LIKE '00my-cart'");
    db.close();
    expect(await json("verify", "carts")).toEqual(clean);
  });
});

describe("a command line that cannot work", () => {
  it.each([
    ["a word too little", ["split", "products", "g"], "missing required argument .key"],
    ["no destination", ["move", "products", "--start", "b"], "'--to <shard>' not specified"],
    ["a rate of nothing", ["move", "products", "--to", "shard-2", "--rate", "0"], 'such as "5000"'],
  ])("is refused at once: %s", async (_name, args, says) => {
    expect(await zgate(args)).toMatchObject({ code: 2, stderr: expect.stringMatching(new RegExp(says, "i")) });
  });
});

describe("shard", () => {
  it("says what to configure for a new one, and that a known one answers", async () => {
    expect(await refusal("shard", "add", "shard-3")).toEqual([
      3,
      expect.stringContaining("not in the configuration yet"),
    ]);
    expect((await run("shard", "add", "shard-3")).stdout).toContain('id = "shard-3"');
    expect(await json("shard", "add", "shard-2")).toMatchObject({ shard: "shard-2", configured: true });
  });

  it("refuses to remove one that owns something, and plans what would empty it", async () => {
    const { code, stdout } = await run("shard", "remove", "shard-2");
    expect([code, stdout]).toEqual([3, expect.stringMatching(/products: the map gives it \["m", ∞\)\n/)]);
    const plans = (await output("shard", "drain", "shard-2", "--dry-run", "--json")).trimEnd().split("\n");
    const targets = plans.map((line) => JSON.parse(line)).map(({ collection, to }) => [collection, to]);
    expect(targets.at(-1)).toEqual(["carts", "shard-1"]);
    const unknown = (await refusal("shard", "drain", "shard-2", "--to", "shard-9"))[1];
    expect(unknown).toContain('there is no shard "shard-9" in the configuration');
    expect(unknown).toContain("configured are: shard-1, shard-2");
    expect((await refusal("shard", "drain", "shard-2", "--to", "shard-2"))[1]).toContain(
      "expected another shard than shard-2",
    );
  });
});
