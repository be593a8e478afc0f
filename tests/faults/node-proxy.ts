/**
 * The wire between shards and one Cassandra node, in our hands: passes, delays, cuts, refuses, or holds what belongs to one
 * conditional batch. It reads no more of the protocol (native protocol v4) than where a frame begins and what it asks for.
 * It must not change a byte.
 */
import { createServer, connect as openConnection, type Server, type Socket } from "node:net";

/** Where it stands. */
export interface NodeProxyOptions {
  readonly host: string;
  readonly port: number;
  readonly nodePort: number;
}

/** A connection of which one direction is held. */
export interface HeldConnection {
  /** Of the shard's end. */
  readonly shardPort: number;
  /** Lets through what was held, also when the shard has gone meanwhile, and holds no more. */
  release(): void;
}

/** Frames of a shard: 9 bytes of header with the opcode and the body's length, then the body. */
const HEADER_BYTES = 9;
const OPCODE_AT = 4;
const LENGTH_AT = 5;
const OPCODE_BATCH = 0x0d;

/** What is held of a conditional batch. */
export type Held = "request" | "reply";

interface Waiting {
  readonly what: Held;
  readonly resolve: (held: HeldConnection) => void;
}

/** One node's proxy. */
export class NodeProxy {
  readonly #options: NodeProxyOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #waiting: Waiting[] = [];
  #isRefusing = false;
  /** By how long each piece is late, in milliseconds, in either direction. */
  delayMs = 0;

  private constructor(options: NodeProxyOptions) {
    this.#options = options;
    this.#server = createServer({ pauseOnConnect: true }, (shard) => this.#accept(shard));
  }

  static async start(options: NodeProxyOptions): Promise<NodeProxy> {
    const proxy = new NodeProxy(options);
    await new Promise<void>((settle, fail) => {
      proxy.#server.once("error", fail);
      proxy.#server.listen({ host: options.host, port: options.port }, settle);
    });
    return proxy;
  }

  /** Ends every connection there is; new ones pass. */
  cut(): number {
    const cut = this.#connections.size;
    for (const connection of this.#connections) connection.destroy();
    return cut;
  }

  refuse(): void {
    this.#isRefusing = true;
    this.cut();
  }

  pass(): void {
    this.#isRefusing = false;
    this.delayMs = 0;
  }

  /**
   * Holds of the next conditional batch of any connection either the request, before the node sees it, or everything that
   * the node answers from then on. Null when the signal comes first.
   */
  holdNext(what: Held, signal?: AbortSignal): Promise<HeldConnection | null> {
    return new Promise((resolve) => {
      const waiting: Waiting = { what, resolve };
      this.#waiting.push(waiting);
      signal?.addEventListener("abort", () => {
        const index = this.#waiting.indexOf(waiting);
        if (index >= 0) this.#waiting.splice(index, 1);
        resolve(null);
      });
    });
  }

  async close(): Promise<void> {
    this.#isRefusing = true;
    this.cut();
    await new Promise((settle) => this.#server.close(settle));
  }

  #accept(shard: Socket): void {
    if (this.#isRefusing) {
      shard.destroy();
      return;
    }
    const { host, nodePort } = this.#options;
    const node = openConnection({ host, port: nodePort });
    const connection = new Connection(shard, node, {
      delayMs: () => this.delayMs,
      onBatch: (batching) => this.#meetBatch(batching),
      onEnd: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    shard.resume();
  }

  /** What of this connection is to be held from this batch on. */
  #meetBatch(connection: Connection): Held | null {
    if (connection.isHeld()) return null;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return null;
    waiting.resolve({ shardPort: connection.shardPort, release: () => connection.release() });
    return waiting.what;
  }
}

interface ConnectionEvents {
  readonly delayMs: () => number;
  readonly onBatch: (connection: Connection) => Held | null;
  readonly onEnd: () => void;
}

class Connection {
  readonly shardPort: number;
  readonly #node: Socket;
  readonly #shard: Socket;
  readonly #events: ConnectionEvents;
  readonly #requests: Lane;
  readonly #replies: Lane;
  /** Bytes of the present frame's header, and how many of its body are to come. */
  #header = Buffer.alloc(0);
  #bodyLeft = 0;

  constructor(shard: Socket, node: Socket, events: ConnectionEvents) {
    this.shardPort = shard.remotePort ?? 0;
    this.#shard = shard;
    this.#node = node;
    this.#events = events;
    this.#requests = new Lane(node, events.delayMs);
    this.#replies = new Lane(shard, events.delayMs);
    shard.on("data", (bytes) => this.#takeRequest(bytes));
    node.on("data", (bytes) => this.#replies.push(bytes));
    // What is held for the node outlives the shard's end: that is how a late write comes about.
    shard.on("close", () => this.#requests.whenFree(() => this.destroy()));
    node.on("close", () => this.destroy());
    for (const socket of [shard, node]) socket.setNoDelay(true).on("error", () => undefined);
  }

  isHeld(): boolean {
    return this.#requests.isHeld || this.#replies.isHeld;
  }

  release(): void {
    this.#requests.release();
    this.#replies.release();
  }

  destroy(): void {
    this.#events.onEnd();
    this.#shard.destroy();
    this.#node.destroy();
  }

  #takeRequest(bytes: Buffer): void {
    let from = 0;
    for (let at = 0; at < bytes.length; ) {
      if (this.#bodyLeft > 0) {
        const taken = Math.min(this.#bodyLeft, bytes.length - at);
        this.#bodyLeft -= taken;
        at += taken;
        continue;
      }
      const missing = HEADER_BYTES - this.#header.length;
      this.#header = Buffer.concat([this.#header, bytes.subarray(at, at + missing)]);
      const startsHere = at;
      at += Math.min(missing, bytes.length - at);
      if (this.#header.length < HEADER_BYTES) continue;
      const isBatch = this.#header.readUInt8(OPCODE_AT) === OPCODE_BATCH;
      this.#bodyLeft = this.#header.readUInt32BE(LENGTH_AT);
      this.#header = Buffer.alloc(0);
      const held = isBatch ? this.#events.onBatch(this) : null;
      if (held === "reply") this.#replies.isHeld = true;
      if (held !== "request") continue;
      this.#requests.push(bytes.subarray(from, startsHere));
      from = startsHere;
      this.#requests.isHeld = true;
    }
    this.#requests.push(bytes.subarray(from));
  }
}

/** One direction of a connection: keeps the order, whatever is late. */
class Lane {
  readonly #to: Socket;
  readonly #delayMs: () => number;
  readonly #held: Buffer[] = [];
  #whenFree: (() => void) | null = null;
  #freeAtMs = 0;
  isHeld = false;

  constructor(to: Socket, delayMs: () => number) {
    this.#to = to;
    this.#delayMs = delayMs;
  }

  push(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.isHeld) {
      this.#held.push(bytes);
      return;
    }
    const nowMs = performance.now();
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs + this.#delayMs());
    const waitMs = this.#freeAtMs - nowMs;
    if (waitMs <= 0) this.#to.write(bytes);
    else setTimeout(() => this.#to.writable && this.#to.write(bytes), waitMs);
  }

  release(): void {
    this.isHeld = false;
    for (const bytes of this.#held.splice(0)) this.push(bytes);
    this.#whenFree?.();
  }

  whenFree(run: () => void): void {
    if (this.isHeld) this.#whenFree = () => setTimeout(run, LINGER_MS);
    else run();
  }
}

/** How long the node may take for what was released after its sender had gone. */
const LINGER_MS = 3000;
