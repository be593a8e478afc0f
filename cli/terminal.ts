/**
 * Where a command writes: results to stdout, everything else to stderr, colours only for a person at a terminal.
 * It must not decide what is written.
 */
import type { Writable } from "node:stream";
import { styleText } from "node:util";
import { errorCode } from "./failure.ts";

/** A style that `paint` knows. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** The two outputs of a command. */
export interface Terminal {
  /** Writes one line of the result. */
  readonly out: (line: string) => void;
  /** Writes text of the result as it is, without a line break of its own. Resolves when more may be written. */
  readonly raw: (text: string) => Promise<void>;
  /** Writes one line for the person watching. */
  readonly note: (line: string) => void;
  /** Paints text for stdout, where colours are wanted. */
  readonly paint: (style: Style, text: string) => string;
  /** From now on the process does not end when nobody reads its output any more. */
  readonly stay: () => void;
  /** The stream that progress is shown on, whether its lines can be rewritten, and its size now: a window may change. */
  readonly progress: {
    readonly stream: Writable;
    readonly isInteractive: boolean;
    readonly columns: number;
    readonly rows: number;
  };
}

/** What of the process decides about colours and lines. */
export interface TerminalSource {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Whether a stream takes colours: a terminal that is not dumb, and nobody set NO_COLOR (no-color.org). */
export function takesColour(stream: { readonly isTTY?: boolean }, env: TerminalSource["env"]): boolean {
  return stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

/** What writing fails with when the reader of a pipe, or a terminal, is gone. */
const READER_GONE: ReadonlySet<string> = new Set(["EPIPE", "EIO"]);

/** The process's own outputs. A reader that has left (`| head`) ends the process quietly. */
export function createTerminal(source: TerminalSource): Terminal {
  const { stdout, stderr, env } = source;
  let stays = false;
  const onError = (error: Error): void => {
    if (!READER_GONE.has(errorCode(error))) throw error;
    if (!stays) process.exit(0);
  };
  for (const stream of [stdout, stderr]) stream.on("error", onError);
  const hasColour = takesColour(stdout, env);
  return {
    out: (line) => stdout.write(`${line}\n`),
    raw: (text) => writeAll(stdout, text),
    note: (line) => stderr.write(`${line}\n`),
    paint: (style, text) => (hasColour ? styleText(style, text, { validateStream: false }) : text),
    stay: () => {
      stays = true;
    },
    progress: {
      stream: stderr,
      isInteractive: stderr.isTTY === true && env["TERM"] !== "dumb",
      get columns() {
        return stderr.columns ?? 80;
      },
      get rows() {
        return stderr.rows ?? 24;
      },
    },
  };
}

function writeAll(stream: Writable, text: string): Promise<void> {
  return new Promise((settle) => {
    stream.write(text, () => settle());
  });
}
