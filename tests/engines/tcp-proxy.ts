/**
 * A TCP proxy in front of a server, for faults of the network that no server makes by itself: replies that never arrive,
 * connections that are cut, a node that cannot be reached. It must not change what goes through it.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Requests of the native protocol, version 4, by the operation code in their header. */
const REQUESTS: Readonly<Record<number, string>> = { 0x07: "QUERY", 0x09: "PREPARE", 0x0a: "EXECUTE", 0x0d: "BATCH" };
const HEADER_BYTES = 9;

/** `pass`: everything goes through. `hold`: requests do, replies do not. `cut`: a reply ends its connection instead. */
export type ProxyMode = "pass" | "hold" | "cut";

/** No reply is late. */
export const UNDELAYED = (): number => 0;

/** One proxy. */
export class TcpProxy {
  mode: ProxyMode = "pass";
  /** By how many milliseconds a reply is late, by the body of the last request on its connection. The order stays. */
  delayMs: (body: string) => number = UNDELAYED;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  readonly #requests: string[] = [];
  #server: Server;
  #port = 0;

  /** Listens on a free port in front of `target`, a `host:port`. */
  static async start(target: string): Promise<TcpProxy> {
    const colon = target.lastIndexOf(":");
    const proxy = new TcpProxy({ host: target.slice(0, colon), port: Number(target.slice(colon + 1)) });
    await proxy.#listen(0);
    return proxy;
  }

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#server = this.#createServer();
  }

  /** As `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** How many requests of a kind came through since the last `forget`. */
  count(request: string): number {
    return this.#requests.filter((name) => name === request).length;
  }

  forget(): void {
    this.#requests.length = 0;
  }

  /** As a node that was killed: nothing is connected, nothing can connect. */
  async down(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#cutAll();
    await closed;
  }

  /** Takes connections again, at the same address. */
  async up(): Promise<void> {
    this.mode = "pass";
    this.#server = this.#createServer();
    await this.#listen(this.#port);
  }

  async stop(): Promise<void> {
    if (this.#server.listening) await this.down();
  }

  async #listen(port: number): Promise<void> {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #createServer(): Server {
    return createServer((client) => {
      const upstream = connect(this.#target.port, this.#target.host);
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => this.#end(client, upstream));
      }
      let last = "";
      const count = requestCounter((name, body) => {
        this.#requests.push(name);
        last = body;
      });
      client.on("data", (bytes: Buffer) => {
        count(bytes);
        upstream.write(bytes);
      });
      upstream.on("data", (bytes: Buffer) => {
        if (this.mode === "pass") this.#reply(client, bytes, this.delayMs(last));
        else if (this.mode === "cut") client.resetAndDestroy();
      });
    });
  }

  #reply(client: Socket, bytes: Buffer, delayMs: number): void {
    if (delayMs === 0) client.write(bytes);
    else setTimeout(() => client.destroyed || client.write(bytes), delayMs);
  }

  #end(...sockets: readonly Socket[]): void {
    for (const socket of sockets) {
      socket.destroy();
      this.#sockets.delete(socket);
    }
  }

  #cutAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}

/** Finds the frames in a stream of bytes, however they are cut into pieces. */
function requestCounter(found: (name: string, body: string) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= HEADER_BYTES) {
      const length = HEADER_BYTES + rest.readInt32BE(5);
      if (rest.length < length) return;
      const name = REQUESTS[rest.readUInt8(4)];
      if (name !== undefined) found(name, rest.toString("latin1", HEADER_BYTES, length));
      rest = rest.subarray(length);
    }
  };
}
