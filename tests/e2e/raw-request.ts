// HTTP by hand: bytes on a socket, for requests that no client library would send.
// Must not understand more of the answer than its status, its headers and its end.
import { once } from "node:events";
import { connect } from "node:net";

/** What came back before the connection ended. `status` 0: nothing that looks like HTTP. */
export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

const PATIENCE_MS = 10_000;

/** Sends `bytes` (each character one byte) and reads until the server closes; ask it to with `Connection: close`. */
export async function sendRaw(url: string, bytes: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error("no answer in time")));
  socket.write(Buffer.from(bytes, "latin1"));
  await once(socket, "close").catch((error: unknown) => {
    if (chunks.length === 0) throw error;
  });
  // 100 Continue is no answer yet.
  const text = Buffer.concat(chunks)
    .toString("latin1")
    .replace(/^HTTP\/1\.1 100 [^\n]*\n\r\n/, "");
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
  return { status, head, body: rest.join("\r\n\r\n") };
}
