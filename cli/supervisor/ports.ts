/**
 * Whether the ports of an instance are free, before anything is started on them. It must not keep them.
 */
import { createServer } from "node:net";
import { CliFailure, errorCode } from "../failure.ts";

/** Where all parts of a local instance listen. */
export const LOCAL_HOST = "127.0.0.1";

/** One port that will be needed. `option` is what changes it. */
export interface WantedPort {
  readonly port: number;
  readonly use: string;
  readonly option: string;
}

/** Throws `CliFailure` naming the first port that cannot be had and the option that changes it. */
export async function checkPorts(wanted: readonly WantedPort[]): Promise<void> {
  const seen = new Map<number, WantedPort>();
  for (const entry of wanted) {
    const other = seen.get(entry.port);
    if (other !== undefined) {
      throw new CliFailure(`port ${entry.port} is asked for twice: ${other.use} and ${entry.use}`, {
        hint: `choose another one with ${entry.option} N`,
        exitCode: 2,
      });
    }
    seen.set(entry.port, entry);
    await checkPort(entry);
  }
}

async function checkPort({ port, use, option }: WantedPort): Promise<void> {
  const fault = await tryPort(port);
  if (fault === null) return;
  const why = errorCode(fault) === "EADDRINUSE" ? "is in use" : `cannot be used (${errorCode(fault)})`;
  throw new CliFailure(`port ${port} (${use}) ${why}; choose another one with ${option} N`, { cause: fault });
}

function tryPort(port: number): Promise<Error | null> {
  return new Promise((settle) => {
    const server = createServer();
    server.once("error", settle);
    server.listen({ port, host: LOCAL_HOST, exclusive: true }, () => server.close(() => settle(null)));
  });
}

/** A port that nobody listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((settle, fail) => {
    const server = createServer();
    server.once("error", fail);
    server.listen({ port: 0, host: LOCAL_HOST, exclusive: true }, () => {
      const address = server.address();
      server.close(() => settle(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
