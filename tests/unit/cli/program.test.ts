// The command line as a whole: help, usage errors, exit codes, completion scripts. It must not start an instance.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { completionScript } from "../../../cli/completion-script.ts";
import { createProgram, runProgram } from "../../../cli/program.ts";
import { createTerminal } from "../../../cli/terminal.ts";

function world() {
  const lines: string[] = [];
  const notes: string[] = [];
  const terminal = {
    ...createTerminal({ stdout: process.stdout, stderr: process.stderr, env: { NO_COLOR: "1" } }),
    out: (line: string) => lines.push(line),
    note: (line: string) => notes.push(line),
  };
  return { context: { terminal, env: {} }, lines, notes };
}

const program = createProgram(world().context);

describe.each(program.commands.map((command) => ({ name: command.name(), command })))("zgate $name", ({ command }) => {
  it("has help with examples", () => {
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    expect(help).toContain("Usage: zgate");
    expect(help).toContain("Examples:");
    expect(command.description()).not.toBe("");
  });
});

describe("the completion script", () => {
  const script = completionScript("bash", program, ["products", "carts"]);

  const completed = (words: readonly string[]) => {
    const line = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _zgate; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync("bash", ["-c", `${script}\n${line}`], { encoding: "utf8" });
    return stdout.split("\n").filter((word) => word !== "");
  };

  it.each([
    ["commands", ["zgate", ""], program.commands.map((command) => command.name())],
    ["a command that was begun", ["zgate", "imp"], ["import"]],
    ["options of a command", ["zgate", "up", "--sh"], ["--shard-port", "--shards"]],
    ["collections", ["zgate", "map", "pro"], ["products"]],
    ["a verb beside them", ["zgate", "map", ""], ["products", "carts", "diff"]],
    ["collections behind a verb", ["zgate", "map", "diff", ""], ["products", "carts"]],
    ["shells", ["zgate", "completion", ""], ["bash", "zsh", "fish"]],
    ["files", ["zgate", "import", "products", "/etc/host"], ["/etc/hosts"]],
  ])("of bash offers %s", (_name, words, expected) => {
    expect(completed(words)).toEqual(expect.arrayContaining([...expected]));
  });

  it.each(["bash", "zsh", "fish"] as const)("of %s lets zgate stand for npx zgate where there is none", (shell) => {
    expect(completionScript(shell, program, [])).toMatch(/zgate.*\bnpx zgate ("\$@"|\$argv); ?(\}|end)/);
  });

  it("of bash leaves a zgate alone that there is", () => {
    const calls = `eval "$SCRIPT"; zgate one two`;
    const env = { PATH: "/usr/bin:/bin", SCRIPT: script };
    const npx = 'npx() { echo "npx $*"; };';
    const own = 'zgate() { echo "own $*"; };';
    const output = (text: string) => spawnSync("bash", ["-c", text], { encoding: "utf8", env }).stdout;
    expect(output(`${npx} ${calls}`)).toBe("npx zgate one two\n");
    expect(output(`${npx} ${own} ${calls}`)).toBe("own one two\n");
  });

  it.each(["zsh", "fish"] as const)("of %s names every command and option", (shell) => {
    const text = completionScript(shell, program, ["products"]);
    for (const command of program.commands) {
      expect(text).toContain(command.name());
      for (const option of command.options) expect(text).toContain(option.long?.replace(/^--/, ""));
    }
    const checker = ["/bin", "/usr/bin"].map((folder) => `${folder}/${shell}`).find((path) => existsSync(path));
    if (checker !== undefined) expect(spawnSync(checker, ["-n"], { input: text }).status).toBe(0);
  });
});

describe("a failure", () => {
  it("of a command is exit code 1 with what to do next", async () => {
    const { context, notes } = world();
    expect(await runProgram(["get", "products", "react", "--data", "/nowhere"], context)).toBe(1);
    expect(notes).toEqual([
      "zgate: no instance is running in /nowhere — start one with `npm start -- --data /nowhere`",
    ]);
  });

  it("of an empty --data is exit code 2 for every command: it would be the current folder", async () => {
    const complaints = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const { context } = world();
    const commands = program.commands.filter(({ options }) => options.some(({ long }) => long === "--data"));
    for (const command of commands) {
      const values = command.registeredArguments.map((argument) => `${argument.name()}s`);
      expect([command.name(), await runProgram([command.name(), ...values, "--data", ""], context)]).toEqual([
        command.name(),
        2,
      ]);
    }
    expect(complaints.mock.calls.join()).toContain("Expected the path of a folder");
    complaints.mockRestore();
    expect(commands.length).toBeGreaterThan(9);
  });

  it("of a key is exit code 1 with the reason", async () => {
    const { context, notes } = world();
    expect(await runProgram(["route", "products", "a/b"], context)).toBe(1);
    expect(notes.join()).toContain("SLASH");
  });
});
