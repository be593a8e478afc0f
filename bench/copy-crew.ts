/**
 * The two processes of a plain copy, as the bench commands them. It must not know what they copy.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchContext } from "./bench.ts";
import { type CopyAnswer, type CopyOrder, type CopyPlace, type CopyPlan, parseCopyAnswer } from "./copy-plan.ts";

const COPY = fileURLToPath(new URL("./bare/plain-copy.ts", import.meta.url));

/** Longest wait for an answer, in milliseconds. */
const ANSWER_MS_MAX = 10 * 60_000;

/** What a copy came to. */
export interface Copied {
  readonly rows: number;
  readonly durationMs: number;
}

/** Both processes. */
export interface CopyCrew {
  readonly pids: readonly number[];
  copy(plan: CopyPlan): Promise<Copied>;
  stop(): Promise<void>;
}

/** Starts them. `port`: where the one that reads listens. */
export async function startCopyCrew(
  context: BenchContext,
  { from, to, port }: { readonly from: CopyPlace; readonly to: CopyPlace; readonly port: number },
): Promise<CopyCrew> {
  const log = join(context.directory, "plain-copy.log");
  const spec = { module: COPY, arguments: [], environment: {}, log };
  const [source, destination] = [context.processes.start(spec), context.processes.start(spec)];
  await ask(source, { type: "serve", place: from, port });
  await ask(destination, { type: "open", place: to, origin: `http://127.0.0.1:${port}` });
  return {
    pids: [source, destination].map(({ pid = 0 }) => pid),
    async copy(plan) {
      const answer = await ask(destination, { type: "copy", plan });
      if (answer.type === "copied") return answer;
      throw new Error("the plain copy does not say what it copied");
    },
    stop: async () => {
      await Promise.all([source, destination].map(stop));
    },
  };
}

async function ask(child: ChildProcess, order: CopyOrder): Promise<CopyAnswer> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
  const ended = once(child, "exit", { signal }).then(([code, cause]) => {
    throw new Error(`a process of the plain copy has ended (${cause ?? code})`);
  });
  try {
    const answered = once(child, "message", { signal });
    child.send(order);
    const answer = parseCopyAnswer((await Promise.race([answered, ended]))[0]);
    if (answer.type === "failed") throw new Error(`the plain copy: ${answer.message}`);
    return answer;
  } finally {
    over.abort();
    await ended.catch(() => null);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}
