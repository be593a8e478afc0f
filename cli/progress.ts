/**
 * Progress for people: one line that is rewritten on a terminal, plain lines elsewhere.
 * It must not know what is in progress.
 */
import type { Terminal } from "./terminal.ts";

/** Shows what is going on. */
export interface Progress {
  /** A step has begun: a line of its own where lines cannot be rewritten. */
  readonly step: (text: string) => void;
  /** The step's state has changed; shown often on a terminal, seldom elsewhere. */
  readonly update: (text: string) => void;
  /** Removes the rewritten line, so that other output can follow. */
  readonly clear: () => void;
}

const REDRAW_MS_MIN = 100;
const PLAIN_LINE_MS_MIN = 5000;

/** Progress on the terminal's stderr. `now` is a clock in milliseconds. */
export function createProgress(terminal: Terminal, now: () => number = Date.now): Progress {
  const { progress } = terminal;
  const { stream, isInteractive } = progress;
  let lastAtMs = 0;
  const draw = (text: string): void => {
    lastAtMs = now();
    stream.write(isInteractive ? `\r\u001b[2K${text.slice(0, progress.columns - 1)}` : `${text}\n`);
  };
  return {
    step: draw,
    update: (text) => {
      if (now() - lastAtMs >= (isInteractive ? REDRAW_MS_MIN : PLAIN_LINE_MS_MIN)) draw(text);
    },
    clear: () => {
      if (isInteractive) stream.write("\r\u001b[2K");
    },
  };
}

/** `[#####-----]`, `width` characters between the brackets. */
export function progressBar(fraction: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return `[${"#".repeat(filled)}${"-".repeat(width - filled)}]`;
}

/** Seconds as `4 s`, `1:17` or `2:03:09`. */
export function clockText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  const pad = (value: number): string => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours === 0 ? `${minutes}:${pad(whole % 60)}` : `${hours}:${pad(minutes)}:${pad(whole % 60)}`;
}

/** `113663` as `113,663`. */
export function groupDigits(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}
