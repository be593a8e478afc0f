// The command line in this process, with what it prints kept. Must not start a process or read the environment.
import { Writable } from "node:stream";
import { runProgram } from "../../../cli/program.ts";
import type { Terminal } from "../../../cli/terminal.ts";

/** How a command ended. `lines` went to stdout, `notes` to stderr. */
export interface CapturedRun {
  readonly code: number;
  readonly lines: readonly string[];
  readonly notes: readonly string[];
}

/** A terminal that is none, and what has been printed to it so far. */
export function createCapture(): Omit<CapturedRun, "code"> & { readonly terminal: Terminal } {
  const lines: string[] = [];
  const notes: string[] = [];
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal: Terminal = {
    out: (line) => lines.push(line),
    note: (line) => notes.push(line),
    raw: (text) => Promise.resolve(void lines.push(text)),
    paint: (_style, text) => text,
    stay: () => undefined,
    progress: { stream, isInteractive: false, columns: 80, rows: 24 },
  };
  return { terminal, lines, notes };
}

/** Runs a command on a terminal that is none. */
export async function runCaptured(...args: readonly string[]): Promise<CapturedRun> {
  const { terminal, lines, notes } = createCapture();
  return { code: await runProgram(args, { terminal, env: {} }), lines, notes };
}
