/**
 * A TCP proxy in front of a server: it can be cut, so that nobody answers, or be silent, so that connections stay and nothing
 * passes. It must not look into what passes.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A proxy that listens on one port of 127.0.0.1 for as long as it is there. */
export interface CutProxy {
  /** As `host:port`. */
  readonly address: string;
  /** Connections that were made to it so far. */
  connections(): number;
  /** Resets every connection and refuses new ones. */
  cut(): Promise<void>;
  /** Accepts, and lets nothing pass. */
  silence(): Promise<void>;
  /** Lets everything pass again. */
  mend(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a proxy for `target`, a `host:port`. */
export async function startProxy(target: string): Promise<CutProxy> {
  const { hostname, port } = new URL(`tcp://${target}`);
  const sockets = new Set<Socket>();
  let count = 0;
  let isSilent = false;
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
  };
  const accept = (client: Socket): void => {
    count += 1;
    track(client);
    if (isSilent) return;
    const upstream = connect(Number(port), hostname);
    track(upstream);
    client.pipe(upstream).pipe(client);
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  };
  let server = await listen(accept, 0);
  const { port: ownPort } = parseAddress(server.address());
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.resetAndDestroy();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  const restart = async (): Promise<void> => {
    await stop();
    server = await listen(accept, ownPort);
  };
  return {
    address: `127.0.0.1:${ownPort}`,
    connections: () => count,
    cut: stop,
    silence: () => {
      isSilent = true;
      return restart();
    },
    mend: () => {
      isSilent = false;
      return restart();
    },
    close: stop,
  };
}

async function listen(accept: (socket: Socket) => void, port: number): Promise<Server> {
  const server = createServer(accept).listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function parseAddress(address: ReturnType<Server["address"]>): AddressInfo {
  return address as AddressInfo;
}
