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

function writeToStderr(line: string): void {
  process.stderr.write(line);
}
