// When an instance is asked to stop, in processes of their own. It must not start an instance.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";

const MODULE = new URL("../../../cli/supervisor/stop-request.ts", import.meta.url).href;
const PROGRAM = `
  const { listenForStop } = await import(${JSON.stringify(MODULE)});
  const stop = listenForStop();
  const alive = setInterval(() => undefined, 1000);
  stop.requested.then(() => console.log("requested"));
  stop.hurried.then(() => { console.log("hurried"); clearInterval(alive); stop.release(); });
  console.log("pid " + process.pid);
`;
const NODE = `'${process.execPath}' --input-type=module -e '${PROGRAM}'`;

let shell: ChildProcess;
let pid = 0;

/** Starts the program below a shell, as npm does. Resolves to a function that waits for its next line. */
async function start(env: Readonly<Record<string, string>>) {
  const { npm_lifecycle_event: _unset, ...others } = process.env;
  shell = spawn("sh", ["-c", `${NODE}; true`], { env: { ...others, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  shell.stdout?.setEncoding("utf8").on("data", (text: string) => lines.push(...text.trim().split("\n")));
  const next = async (): Promise<string> => {
    while (lines.length === 0 && shell.stdout !== null) await once(shell.stdout, "data");
    return lines.shift() ?? "";
  };
  pid = Number((await next()).replace("pid ", ""));
  return next;
}

afterEach(() => {
  for (const id of [pid, shell.pid ?? 0]) {
    try {
      process.kill(id, "SIGKILL");
    } catch {
      // It is gone already.
    }
  }
});

describe("a stop is requested", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("by %s", async (signal) => {
    const next = await start({});
    process.kill(pid, signal);
    expect(await next()).toBe("requested");
  });

  it("by the death of the shell that npm has started it with", async () => {
    const next = await start({ npm_lifecycle_event: "start" });
    shell.kill("SIGKILL");
    expect(await next()).toBe("requested");
  });

  it("once by two signals at once, and with haste by a later one", async () => {
    const next = await start({});
    process.kill(pid, "SIGINT");
    process.kill(pid, "SIGINT");
    expect(await next()).toBe("requested");
    const again = setInterval(() => process.kill(pid, "SIGINT"), 250);
    const began = performance.now();
    expect(await next()).toBe("hurried");
    clearInterval(again);
    expect(performance.now() - began).toBeGreaterThan(400);
  });
});
