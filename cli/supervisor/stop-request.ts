/**
 * Why an instance should stop: a signal, or whoever started it has died. The first request asks for an orderly stop, a
 * further one for haste. It must not stop anything itself.
 */

import { isAlive, parentOf } from "./process-group.ts";

/** A launcher may pass on the Ctrl-C that the terminal has sent already: that is one request, not two. */
const SAME_REQUEST_MS = 700;

/** Set by npm for the scripts it runs: such an instance is not meant to outlive npm, even if that is killed. */
const NPM_SCRIPT_ENV = "npm_lifecycle_event";
const PARENT_POLL_MS = 500;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Requests as promises; `signal` for whatever can be aborted. */
export interface StopRequest {
  readonly requested: Promise<void>;
  readonly hurried: Promise<void>;
  readonly signal: AbortSignal;
  readonly release: () => void;
}

/** Listens for requests until released. */
export function listenForStop(): StopRequest {
  const first = new AbortController();
  const second = new AbortController();
  let firstAtMs = 0;
  const onRequest = (): void => {
    if (!first.signal.aborted) {
      firstAtMs = performance.now();
      first.abort();
    } else if (performance.now() - firstAtMs > SAME_REQUEST_MS) second.abort();
  };
  for (const name of SIGNALS) process.on(name, onRequest);
  process.on("disconnect", onRequest);
  const parentWatch = process.env[NPM_SCRIPT_ENV] === undefined ? null : watchParents(onRequest);
  return {
    requested: aborted(first.signal),
    hurried: aborted(second.signal),
    signal: first.signal,
    release: () => {
      for (const name of SIGNALS) process.off(name, onRequest);
      process.off("disconnect", onRequest);
      clearInterval(parentWatch ?? undefined);
    },
  };
}

/** Calls once when npm, or the shell between npm and this process, is gone. */
function watchParents(onGone: () => void): NodeJS.Timeout {
  const shell = process.ppid;
  const npm = parentOf(shell) ?? shell;
  const watch = setInterval(() => {
    if (process.ppid === shell && isAlive(npm)) return;
    clearInterval(watch);
    onGone();
  }, PARENT_POLL_MS);
  return watch.unref();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((settle) => {
    signal.addEventListener("abort", () => settle(), { once: true });
  });
}
