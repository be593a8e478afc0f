/**
 * Log lines of a shard: one JSON object per line on stderr.
 * It must never be given tokens, bodies or secrets; callers pass named plain fields only.
 */

/** How much a line matters. */
export type LogLevel = "info" | "warn" | "error";

/** What a line says besides its event. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** Writes one line. `event` is a stable word for programs, e.g. "worker-exit". */
export type Logger = (level: LogLevel, event: string, fields?: LogFields) => void;

/** A logger whose lines all carry `base`. */
export function createLogger(base: LogFields, write: (line: string) => void = writeToStderr): Logger {
  return (level, event, fields) => {
    write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...base, ...fields })}\n`);
  };
}

/** An exception as log fields, causes included. */
export function describeError(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: String(error) };
  const cause = error.cause instanceof Error ? ` (cause: ${error.cause.message})` : "";
  return { error: `${error.name}: ${error.message}${cause}`, stack: error.stack ?? "" };
}

/** So many bytes go into a pipe in one piece; beyond, lines of other processes may come in between. */
const WRITE_BYTES_MAX = 4096;

/** Gathers lines and writes those of one turn of the event loop together: each write stops the process for a moment. */
export class LineBuffer {
  readonly #write: (text: string) => void;
  #lines: string[] = [];

  constructor(write: (text: string) => void = writeToStderr) {
    this.#write = write;
  }

  readonly add = (line: string): void => {
    if (this.#lines.length === 0) setImmediate(() => this.flush());
    this.#lines.push(line);
  };

  /** Writes what there is now: before something that must not be done unsaid. */
  flush(): void {
    const lines = this.#lines;
    this.#lines = [];
    let text = "";
    let bytes = 0;
    for (const line of lines) {
      const length = Buffer.byteLength(line);
      if (text !== "" && bytes + length > WRITE_BYTES_MAX) {
        this.#write(text);
        [text, bytes] = ["", 0];
      }
      text += line;
      bytes += length;
    }
    if (text !== "") this.#write(text);
  }
}

function writeToStderr(text: string): void {
  process.stderr.write(text);
}
