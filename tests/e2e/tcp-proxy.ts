// A TCP proxy that stands between a process and an engine, and can be cut: the engine is away, and nobody else notices.
// Must not look at what it passes on.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to an engine. */
export interface TcpProxy {
  /** host:port to connect to. */
  readonly address: string;
  /** Resets every connection and refuses new ones. */
  cut(): Promise<void>;
  /** Takes connections again, at the same address. */
  mend(): Promise<void>;
  close(): Promise<void>;
}

/** A proxy on a free port of this machine to `target`, which is host:port. */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const [host = "", port = ""] = target.split(":");
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    const upstream = connect({ host, port: Number(port) });
    for (const socket of [client, upstream]) keep(socket);
    client.pipe(upstream).pipe(client);
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  let own = 0;
  const listen = async (): Promise<void> => {
    server.listen({ host: "127.0.0.1", port: own });
    await once(server, "listening");
    own = portOf(server.address());
  };
  const cut = async (): Promise<void> => {
    const closed = server.listening ? once(server, "close") : Promise.resolve();
    server.close();
    for (const socket of sockets) socket.resetAndDestroy();
    await closed;
  };
  await listen();
  return { address: `127.0.0.1:${own}`, cut, mend: listen, close: cut };
}

function portOf(address: AddressInfo | string | null): number {
  if (typeof address === "object" && address !== null) return address.port;
  throw new Error("the proxy has no port");
}
