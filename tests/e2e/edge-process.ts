// One real edge under wrangler, with files of its own in an instance's folder: started, stopped, killed, halted.
// Must not reach into it; what it prepares it writes where the command line would.
import { join } from "node:path";
import { type DataDirectory, readIfThere } from "../../cli/data-directory.ts";
import { prepareEdge } from "../../cli/supervisor/edge-part.ts";
import { Part } from "../../cli/supervisor/part.ts";
import { untilReady } from "../../cli/supervisor/readiness.ts";
import { treeOf } from "./cli-process.ts";
import { createGatewayClient, type GatewayClient } from "./gateway-client.ts";

/** On a machine that is busy with other things as well; an edge that ends is seen at once. */
const READY_MS_MAX = 180_000;

/** One edge and a client for it. */
export interface EdgeProcess {
  readonly port: number;
  readonly client: GatewayClient;
  /** As an operator stops it. */
  stop(): Promise<void>;
  /** SIGKILL to all of it at once; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGKILL without waiting, for the very end. */
  abandon(): void;
  /** SIGSTOP to all that serves. Its guard goes on: it ends the edge when this process ends. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
}

/** What to start. */
export interface EdgeToStart {
  readonly directory: DataDirectory;
  /** Unique in the folder. */
  readonly name: string;
  readonly port: number;
  readonly configText: string;
}

/** Starts an edge and waits until it is ready. */
export async function startEdge(edge: EdgeToStart): Promise<EdgeProcess> {
  const directory = placeOf(edge.directory, edge.name);
  const logFile = `${directory.edgeState}.log`;
  const part = new Part({ ...prepareEdge(directory, edge.port, edge.configText), logFile });
  const url = `http://127.0.0.1:${edge.port}`;
  const started = processOf(part, edge.port);
  try {
    const gone = part.ended.then((how) => Promise.reject(new Error(`the edge ended: ${how}`)));
    await Promise.race([untilReady(url, AbortSignal.timeout(READY_MS_MAX)), gone]);
    return started;
  } catch (cause) {
    await started.kill();
    throw new Error(`the edge is not ready:\n${readIfThere(logFile) ?? ""}`, { cause });
  }
}

function processOf(part: Part, port: number): EdgeProcess {
  const client = createGatewayClient(`http://127.0.0.1:${port}`);
  let halted: readonly number[] = [];
  return {
    ...{ port, client },
    async stop() {
      await client.close();
      await part.stop();
    },
    async kill() {
      await client.close();
      part.kill();
      await part.ended;
    },
    abandon: () => part.kill(),
    pause() {
      halted = treeOf(part.pid)
        .find("")
        .filter((pid) => pid !== part.pid);
      for (const pid of halted) process.kill(pid, "SIGSTOP");
    },
    resume() {
      for (const pid of halted) process.kill(pid, "SIGCONT");
      halted = [];
    },
  };
}

/** The same folder with files of its own for one more edge. */
function placeOf(directory: DataDirectory, name: string): DataDirectory {
  return {
    ...directory,
    edgeEnv: join(directory.run, `${name}.env`),
    edgeState: join(directory.root, name),
    registry: join(directory.run, `${name}-registry`),
    logs: directory.logs,
  };
}
