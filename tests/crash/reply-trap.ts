// A TCP proxy that can keep to itself what a server answers while every request reaches it: the server does what it was asked, and nobody
// hears of it. Must not change a byte of what it lets pass.
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** In front of one server. */
export class ReplyTrap {
  readonly #server: Server;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #isShut = false;

  private constructor(target: string) {
    this.#target = new URL(`tcp://${target}`);
    this.#server = createServer((client) => this.#accept(client));
  }

  /** For `target`, a `host:port`, on a port of its own. */
  static async start(target: string): Promise<ReplyTrap> {
    const trap = new ReplyTrap(target);
    trap.#server.listen(0, "127.0.0.1");
    await once(trap.#server, "listening");
    return trap;
  }

  /** As `host:port`. */
  get address(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("broken assumption: the proxy listens");
    return `127.0.0.1:${address.port}`;
  }

  /** From now on no answer passes. */
  shut(): void {
    this.#isShut = true;
  }

  /** Ends every connection, so that what was kept is lost; new ones pass. */
  mend(): void {
    this.#isShut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.mend();
    await new Promise((settle) => this.#server.close(settle));
  }

  #accept(client: Socket): void {
    const server = connect(Number(this.#target.port), this.#target.hostname);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true).on("error", () => undefined);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.pipe(server);
    server.on("data", (bytes) => {
      if (!this.#isShut) client.write(bytes);
    });
  }
}
