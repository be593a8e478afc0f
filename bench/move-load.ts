/**
 * Clients at work while ranges move: started, asked for what they saw, gone.
 * It must not know what moves.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { BenchContext } from "./bench.ts";
import type { MoveGround } from "./move-ground.ts";
import {
  type LoadWindow,
  type MoveClient,
  type MoveLoadAnswer,
  type MoveLoadOrder,
  type MoveLoadReport,
  parseMoveLoadAnswer,
} from "./move-load-plan.ts";

const CLIENTS = fileURLToPath(new URL("./move-load-process.ts", import.meta.url));

/** Longest wait for clients to be at work, and for their report, in milliseconds. */
const ANSWER_MS_MAX = 60_000;

/** Clients at work. */
export interface RunningClients {
  /** Ends them. */
  report(windows: readonly LoadWindow[]): Promise<MoveLoadReport>;
}

/** Starts the clients and waits until they are at work. */
export async function startClients(
  context: BenchContext,
  { configText, signingKeys, origins }: Pick<MoveGround, "configText" | "signingKeys" | "origins">,
  clients: readonly MoveClient[],
): Promise<RunningClients> {
  const child = context.processes.start({ module: CLIENTS, arguments: [], environment: {}, log: context.log });
  const answer = await ask(child, { type: "start", plan: { configText, signingKeys, origins, clients } });
  if (answer.type !== "warm") throw new Error(`the clients could not start: ${JSON.stringify(answer)}`);
  return {
    async report(windows) {
      const told = await ask(child, { type: "stop", windows });
      if (told.type !== "report") throw new Error(`the clients failed: ${JSON.stringify(told)}`);
      return told.report;
    },
  };
}

/** How many requests failed. */
export function failuresOf(reports: readonly MoveLoadReport[]): number {
  return reports.flatMap(({ failures }) => Object.values(failures)).reduce((sum, count) => sum + count, 0);
}

/** What failed, in words; empty when nothing did. */
export function describeFailures({ failures }: MoveLoadReport): string {
  const parts = Object.entries(failures).map(([reason, count]) => `${count} × ${reason}`);
  return parts.length === 0 ? "" : `, FAILED: ${parts.join(", ")}`;
}

async function ask(child: ChildProcess, order: MoveLoadOrder): Promise<MoveLoadAnswer> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
  const ended = once(child, "exit", { signal }).then(([code, cause]) => {
    throw new Error(`the clients have ended (${cause ?? code})`);
  });
  try {
    const answered = once(child, "message", { signal });
    child.send(order);
    return parseMoveLoadAnswer((await Promise.race([answered, ended]))[0]);
  } finally {
    over.abort();
    await ended.catch(() => null);
  }
}
