// Clients that write without a pause, each its own keys, and remember what was acknowledged.
// Must not repeat a write whose outcome it does not know.
import { createShardClient } from "./shard-client.ts";

export interface WriteLoad {
  /** Path and ETag of every write that was acknowledged. */
  readonly acknowledged: ReadonlyMap<string, string>;
  /**
   * Codes of what went wrong, in order: a status, the error's code, or NOT_ACCEPTED for a request whose connection was new and never
   * taken: refused, or ended where it waited for the listener that has gone.
   */
  readonly failures: readonly string[];
  /** Paths of requests whose connection was never taken: they must not be there. */
  readonly notAccepted: readonly string[];
  /** Ends the clients after their present write. */
  stop(): Promise<void>;
}

export const NOT_ACCEPTED = "not accepted";

/** What a connection ends with that nobody has taken. */
const UNTAKEN: ReadonlySet<string> = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);

export interface WriteLoadOptions {
  readonly origin: string;
  readonly clients: number;
  /** A client whose write fails: goes on with the next one, or ends. */
  readonly onFailure: "go-on" | "end";
}

/** Starts `clients` clients with a connection each. */
export function startWriteLoad(options: WriteLoadOptions): WriteLoad {
  const acknowledged = new Map<string, string>();
  const failures: string[] = [];
  const notAccepted: string[] = [];
  let isStopping = false;
  const run = async (index: number): Promise<void> => {
    const client = createShardClient(options.origin, 1);
    let isConnected = false;
    for (let serial = 0; !isStopping; serial += 1) {
      const path = `/products/a${index}-${serial}`;
      const failure = await write(path);
      if (failure !== null) failures.push(failure);
      if (failure !== null && options.onFailure === "end") break;
      // A refused connection answers at once; the clients must not spin.
      if (failure !== null) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await client.close();

    async function write(path: string): Promise<string | null> {
      try {
        const answer = await client.send({ method: "PUT", path, body: `{"path":"${path}"}` });
        isConnected = answer.headers["connection"] !== "close";
        if (answer.status === 201) acknowledged.set(path, String(answer.headers["etag"]));
        return answer.status === 201 ? null : String(answer.status);
      } catch (error) {
        const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
        const isNotAccepted = !isConnected && UNTAKEN.has(code);
        if (isNotAccepted) notAccepted.push(path);
        isConnected = false;
        return isNotAccepted ? NOT_ACCEPTED : code;
      }
    }
  };
  const running = Promise.all(Array.from({ length: options.clients }, (_, index) => run(index)));
  return {
    acknowledged,
    failures,
    notAccepted,
    async stop() {
      isStopping = true;
      await running;
    },
  };
}

/** Of paths that were never accepted, those that are there. */
export async function findPresent(origin: string, paths: readonly string[]): Promise<readonly string[]> {
  const client = createShardClient(origin, 16);
  const checks = paths.map(async (path) => ((await client.send({ path })).status === 404 ? [] : [path]));
  const present = (await Promise.all(checks)).flat();
  await client.close();
  return present;
}

/** Paths that were acknowledged and are not there, or are there as something else. */
export async function findLost(origin: string, acknowledged: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const client = createShardClient(origin, 16);
  const checks = [...acknowledged].map(async ([path, etag]) => {
    const answer = await client.send({ path });
    return answer.status === 200 && answer.headers["etag"] === etag && answer.json().path === path ? [] : [path];
  });
  const lost = (await Promise.all(checks)).flat();
  await client.close();
  return lost;
}
