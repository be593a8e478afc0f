/**
 * Waits for parts: asks the edge how it is, ready for the first time, and alive from then on. It must not decide what follows.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { request } from "undici";
import { errorCode } from "../failure.ts";

const READY_POLL_MS = 100;
const ALIVE_POLL_MS = 1000;
const ASK_TIMEOUT_MS = 5000;

/** A refused connection is certain; a slow answer may be a machine that was asleep. */
const REFUSED_MAX = 3;

/** Resolves when the edge at `url` says that it is ready. Rejects only when aborted. */
export async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  while ((await ask(`${url}/readyz`)) !== 200) await sleep(READY_POLL_MS, undefined, { signal });
}

/** Resolves when nothing listens at `url` any more. Rejects only when aborted. */
export async function untilGone(url: string, signal: AbortSignal): Promise<void> {
  for (let refused = 0; refused < REFUSED_MAX; ) {
    await sleep(ALIVE_POLL_MS, undefined, { signal });
    refused = (await ask(`${url}/healthz`)) === "refused" ? refused + 1 : 0;
  }
}

/** Resolves with the work. Rejects with it, or when aborted. */
export function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((settle, fail) => {
    if (signal.aborted) fail(new Error("aborted"));
    signal.addEventListener("abort", () => fail(new Error("aborted")), { once: true });
    void work.then(settle, fail);
  });
}

async function ask(url: string): Promise<number | "refused" | "no answer"> {
  try {
    const limits = { headersTimeout: ASK_TIMEOUT_MS, bodyTimeout: ASK_TIMEOUT_MS };
    const { statusCode, body } = await request(url, { ...limits, reset: true });
    await body.dump();
    return statusCode;
  } catch (error) {
    return errorCode(error) === "ECONNREFUSED" ? "refused" : "no answer";
  }
}
