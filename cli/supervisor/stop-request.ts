/**
 * Why an instance should stop: a signal, or the launcher that started it has died. The first request asks for an
 * orderly stop, a further one for haste. It must not stop anything itself.
 */

/** A launcher may pass on the Ctrl-C that the terminal has sent already: that is one request, not two. */
const SAME_REQUEST_MS = 700;

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
  return {
    requested: aborted(first.signal),
    hurried: aborted(second.signal),
    signal: first.signal,
    release: () => {
      for (const name of SIGNALS) process.off(name, onRequest);
      process.off("disconnect", onRequest);
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((settle) => {
    signal.addEventListener("abort", () => settle(), { once: true });
  });
}
