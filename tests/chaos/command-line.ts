/**
 * `zgate` as an operator types it, as processes that may be killed at any time. It must not know what a command does.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { SIGNING_KEYS_ENV } from "../../config/signing-keys.ts";
import type { OperatorOrder } from "./operator-message.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
const BOUND_LIFE = new URL("bound-life.ts", import.meta.url).href;

/** How a command ended. `code` null: it was killed. */
export interface CommandEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Command {
  readonly ended: Promise<CommandEnd>;
  hasEnded(): boolean;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts a command; `--json` and where the instance is come on top. */
export type CommandLine = (...args: readonly string[]) => Command;

/** The command line of the operator's own machine. */
export function createCommandLine({ configFile, catalogFile, signingKeys }: OperatorOrder): CommandLine {
  const where = ["--json", "--config", configFile, "--data", dirname(catalogFile)];
  const env = { ...process.env, [SIGNING_KEYS_ENV]: signingKeys };
  return (...args) => {
    const child = fork(MAIN, [...args, ...where], { env, execArgv: ["--import", BOUND_LIFE], silent: true });
    const output = { stdout: "", stderr: "" };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
    const ended = once(child, "close").then(() => ({ code: child.exitCode, ...output }));
    return {
      ended,
      hasEnded: () => child.exitCode !== null || child.signalCode !== null,
      async kill() {
        child.kill("SIGKILL");
        await ended;
      },
    };
  };
}
