/**
 * The life of one worker process: listen, report, take orders, stop without losing what is in flight.
 * It must not know what is served.
 */
import { FatalError } from "../fatal-error.ts";
import type { ListenAddress, ShardServer } from "../http/server.ts";
import type { Logger } from "../log.ts";
import type { Standing } from "../standing.ts";
import { type CommitMessage, type CommittedMessage, parseCommitMessage } from "./commit-message.ts";
import { type NewsMessage, parseOrder, sendReport } from "./message.ts";

/** The parts of a worker that have a lifetime, and what to do with them. */
export interface WorkerLife {
  readonly server: ShardServer;
  readonly address: ListenAddress;
  readonly stopMsMax: number;
  readonly log: Logger;
  /** Begins to sweep. */
  readonly startSweeping: () => void;
  /** The primary has found out more about the shard's slots. */
  readonly onStanding: (standing: Standing) => void;
  /** Another worker of the shard has heard news of a slot. */
  readonly onNews: (news: NewsMessage) => void;
  /** A write for this worker to commit, or what became of one that another has. */
  readonly onCommit: (message: CommitMessage | CommittedMessage) => void;
  /** After the last request: waits for commits, closes the store. */
  readonly close: () => Promise<void>;
}

/** Resolves when the worker takes requests. From then on it ends the process itself. */
export async function liveAsWorker(life: WorkerLife): Promise<void> {
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    void stopWorker(life);
  };
  process.on("message", (message) => {
    const commit = parseCommitMessage(message);
    if (commit !== null) return life.onCommit(commit);
    const order = parseOrder(message);
    if (order?.type === "stop") stop();
    if (order?.type === "sweep") life.startSweeping();
    if (order?.type === "standing") life.onStanding(order.standing);
    if (order?.type === "news") life.onNews(order);
  });
  // Sent to the whole process group by a terminal or a supervisor; the primary hears it too.
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  await listen(life);
  if (!isStopping) await sendReport({ type: "ready" });
}

async function listen({ server, address }: WorkerLife): Promise<void> {
  try {
    await server.listen(address);
  } catch (error) {
    throw explainListenError(error, address);
  }
}

function explainListenError(error: unknown, { host, port }: ListenAddress): FatalError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE")
    return new FatalError("PORT_IN_USE", `port ${port} on ${host} is in use`, { cause: error });
  const reason = error instanceof Error ? error.message : String(error);
  return new FatalError("LISTEN_FAILED", `cannot listen on ${host}, port ${port}: ${reason}`, { cause: error });
}

async function stopWorker({ server, stopMsMax, log, close }: WorkerLife): Promise<void> {
  try {
    await server.stop(stopMsMax);
    await close();
    process.exit(0);
  } catch (error) {
    log("error", "stop-failed", { error: String(error) });
    process.exit(1);
  }
}
