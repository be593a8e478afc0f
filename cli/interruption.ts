/**
 * Ctrl-C for commands that only look on: it ends the looking. It must not end anything else.
 */

/** Aborts at the first signal; a second one ends the process. Release it when the command is done. */
export interface Interruption {
  readonly signal: AbortSignal;
  readonly release: () => void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Listens for the signals that end a command. */
export function listenForInterruption(): Interruption {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  const release = (): void => {
    for (const signal of SIGNALS) process.off(signal, stop);
  };
  return { signal: controller.signal, release };
}
