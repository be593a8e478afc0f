// Commands and options that the pages name: they exist. README and the pages of docs/ included.
import { describe, expect, it } from "vitest";
import type { CommandContext } from "../../../cli/command-context.ts";
import { createProgram } from "../../../cli/program.ts";
import { USAGE } from "../../../shards/options.ts";
import { markdownFiles, readText } from "./markdown.ts";

/** Nothing is printed: the commands are only looked at. */
const CONTEXT: CommandContext = { terminal: {} as CommandContext["terminal"], env: {} };

const PROGRAM = createProgram(CONTEXT);
const COMMANDS = new Map(PROGRAM.commands.map((command) => [command.name(), command]));

/** Options of other programs that the pages show in use. */
const OF_OTHERS = ["--ignore-scripts", "--dry-run", "--input-type", "--help", "--version", "--wait"];

const OPTIONS = new Set([
  ...[...COMMANDS.values()].flatMap((command) => command.options.map((option) => option.long ?? "")),
  ...optionsIn(USAGE),
  ...optionsIn(readText("bench/options.ts")),
  ...optionsIn(readText("tests/model/main.ts")),
  ...optionsIn(readText("tests/faults/main.ts")),
  ...optionsIn(readText("tests/chaos/main.ts")),
  ...optionsIn(readText("tests/crash/main.ts")),
  ...optionsIn(readText("tests/sim/main.ts")),
  ...OF_OTHERS,
]);

function optionsIn(text: string): readonly string[] {
  return [...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map((match) => match[0]);
}

/** What a page shows as code, where commands stand. */
function codeOf(page: string): readonly string[] {
  const text = readText(page);
  const fences = [...text.matchAll(/^```.*?\n(.*?)^```/gms)].map((match) => match[1] ?? "");
  const inline = [...text.replaceAll(/^```.*?^```/gms, "").matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? "");
  return [...fences, ...inline];
}

interface Call {
  readonly command: string;
  readonly options: readonly string[];
}

/** Calls of `zgate` and of `npm start`, which is `zgate up`. */
function callsIn(code: string): readonly Call[] {
  return [...code.matchAll(/(?:npx zgate|(?<=^|\$ )zgate|npm (?=start\b))\s?([a-z]+)([^\n|#;)"']*)/gm)].map(
    (match) => ({
      command: match[1] === "start" ? "up" : (match[1] ?? ""),
      options: optionsIn(match[2] ?? ""),
    }),
  );
}

function faultsOf({ command, options }: Call): readonly string[] {
  const known = COMMANDS.get(command);
  if (known === undefined) return command === "help" ? [] : [`there is no zgate ${command}`];
  const names = new Set(known.options.map((option) => option.long));
  return options
    .filter((option) => option !== "--help" && !names.has(option))
    .map((option) => `zgate ${command} ${option}`);
}

describe.each(markdownFiles())("%s", (page) => {
  it("names options that exist", () => {
    expect(
      codeOf(page)
        .flatMap(optionsIn)
        .filter((option) => !OPTIONS.has(option)),
    ).toEqual([]);
  });

  it("shows commands as they can be called", () => {
    expect(codeOf(page).flatMap(callsIn).flatMap(faultsOf)).toEqual([]);
  });
});

/** On PATH there is only the machine's Node, which may be too old for TypeScript and node:sqlite, and no wrangler. */
const NOT_ON_PATH = /^\s*(?:\$ )?(?:[A-Z_]+='[^']*' )?(?:wrangler |biome |tsc |node (?!cli\/launch\.mjs))/m;

describe.each(markdownFiles())("%s on a machine that has only Node 20 and npm", (page) => {
  it("calls no program that is not there", () => {
    expect(codeOf(page).filter((code) => code.includes("\n") && NOT_ON_PATH.test(code))).toEqual([]);
  });
});

describe("the search for programs that are not there", () => {
  it.each(["wrangler deploy\n", "ls\nnode shards/main.ts --help\n", "KEYS='k1:…' node x.ts\n"])("finds %j", (code) => {
    expect(NOT_ON_PATH.test(code)).toBe(true);
  });

  it.each(["npx wrangler deploy\n", "node cli/launch.mjs shards/main.ts\n", "node_modules/.bin/node -e ''\n"])(
    "passes %j",
    (code) => {
      expect(NOT_ON_PATH.test(code)).toBe(false);
    },
  );
});

describe("the search for commands", () => {
  it.each([
    { code: "npx zgate up --empty --data DIR", calls: [{ command: "up", options: ["--empty", "--data"] }] },
    { code: "$ zgate list products --limit 5", calls: [{ command: "list", options: ["--limit"] }] },
    { code: "npm start -- --port 9000", calls: [{ command: "up", options: ["--port"] }] },
    { code: 'curl -H "X: $(npx zgate token)" --data x', calls: [{ command: "token", options: [] }] },
  ])("finds them in $code", ({ code, calls }) => {
    expect(callsIn(code)).toEqual(calls);
  });

  it("objects to what there is not", () => {
    expect(callsIn("npx zgate fly").flatMap(faultsOf)).toEqual(["there is no zgate fly"]);
    expect(callsIn("npx zgate token --port 1").flatMap(faultsOf)).toEqual(["zgate token --port"]);
    expect(OPTIONS.has("--fly")).toBe(false);
  });
});
