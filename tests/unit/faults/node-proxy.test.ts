// The wire that faults hold, cut and delay: it knows a conditional batch however the bytes are cut, and changes none of them.
// Must not need a database: an echo stands for the node.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findFreePorts } from "../../e2e/free-ports.ts";
import { NodeProxy } from "../../faults/node-proxy.ts";
import { until } from "../../faults/patience.ts";
import { findSocketOwner } from "../../faults/socket-owner.ts";
import { createRandom } from "../../history/random.ts";
import { SEED } from "../seed.ts";

const HOST = "127.0.0.1";
const OPCODES = { execute: 0x0a, batch: 0x0d } as const;

let node: Server;
let proxy: NodeProxy;
let port: number;
/** What the node has been sent. */
let arrived: Buffer[];
const sockets: Socket[] = [];

beforeEach(async () => {
  arrived = [];
  node = createServer((socket) => {
    socket
      .on("error", () => undefined)
      .on("data", (bytes) => {
        arrived.push(bytes);
        socket.write(bytes);
      });
  });
  await new Promise<void>((settle) => node.listen(0, HOST, settle));
  port = await findFreePorts(1);
  proxy = await NodeProxy.start({ host: HOST, port, nodePort: (node.address() as AddressInfo).port });
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await proxy.close();
  await new Promise((settle) => node.close(settle));
});

async function shard(): Promise<{ readonly socket: Socket; readonly replies: Buffer[] }> {
  const socket = connect({ host: HOST, port });
  sockets.push(socket);
  const replies: Buffer[] = [];
  socket.on("data", (bytes) => replies.push(bytes)).on("error", () => undefined);
  await once(socket, "connect");
  return { socket, replies };
}

function frame(opcode: number, body: string): Buffer {
  const header = Buffer.from([4, 0, 0, 1, opcode, 0, 0, 0, 0]);
  header.writeUInt32BE(body.length, 5);
  return Buffer.concat([header, Buffer.from(body)]);
}

const EXECUTE = frame(OPCODES.execute, "read");
const BATCH = frame(OPCODES.batch, "write it if");
const sizeOf = (pieces: readonly Buffer[]): number => Buffer.concat(pieces).length;

describe("a proxy before a node", () => {
  it("passes every byte in order, however the bytes are cut", async () => {
    const random = createRandom(SEED);
    const sent = Buffer.concat(
      Array.from({ length: 200 }, (_, index) => frame(random.below(16), "x".repeat(random.below(40)) + index)),
    );
    const { socket, replies } = await shard();
    for (let at = 0; at < sent.length; ) {
      const size = 1 + random.below(30);
      socket.write(sent.subarray(at, at + size));
      at += size;
    }
    await until(() => sizeOf(replies) === sent.length, "everything is back");
    expect(Buffer.concat(replies).equals(sent)).toBe(true);
  });

  it.each(Array.from({ length: 9 }, (_, cut) => cut + 1))(
    "holds a conditional batch whose header is cut after %i bytes, and nothing before it",
    async (cut) => {
      const holding = proxy.holdNext("request");
      const { socket } = await shard();
      socket.setNoDelay(true);
      const bytes = Buffer.concat([EXECUTE, BATCH, EXECUTE]);
      socket.write(bytes.subarray(0, EXECUTE.length + cut));
      await until(() => sizeOf(arrived) >= EXECUTE.length, "what comes before has passed");
      socket.write(bytes.subarray(EXECUTE.length + cut));
      const held = await holding;
      expect(Buffer.concat(arrived).includes("write it if")).toBe(false);
      held?.release();
      await until(() => sizeOf(arrived) === bytes.length, "all of it has passed");
      expect(Buffer.concat(arrived).equals(bytes)).toBe(true);
    },
  );

  it("lets a held batch through after the shard has gone", async () => {
    const holding = proxy.holdNext("request");
    const { socket } = await shard();
    socket.write(BATCH);
    const held = await holding;
    const closed = once(socket, "close");
    socket.destroy();
    await closed;
    held?.release();
    await until(() => Buffer.concat(arrived).equals(BATCH), "the late write arrives");
  });

  it("lets a batch through and holds its reply, and tells whose connection it was", async () => {
    const holding = proxy.holdNext("reply");
    const { socket, replies } = await shard();
    socket.write(BATCH);
    const held = await holding;
    await until(() => Buffer.concat(arrived).equals(BATCH), "the node has the batch");
    expect(held?.shardPort).toBe(socket.localPort);
    expect(findSocketOwner([1, process.pid], held?.shardPort ?? 0)).toBe(process.pid);
    expect(replies).toEqual([]);
    held?.release();
    await until(() => Buffer.concat(replies).equals(BATCH), "the reply arrives");
  });

  it("holds nothing when it was called off", async () => {
    const off = new AbortController();
    const holding = proxy.holdNext("request", off.signal);
    off.abort();
    expect(await holding).toBeNull();
    const { socket } = await shard();
    socket.write(BATCH);
    await until(() => Buffer.concat(arrived).equals(BATCH), "the batch has passed");
  });

  it("cuts what there is, refuses while it is told to, and passes again", async () => {
    const { socket } = await shard();
    socket.write(EXECUTE);
    await until(() => arrived.length > 0, "the connection is through");
    const closed = once(socket, "close");
    expect(proxy.cut()).toBe(1);
    await closed;
    proxy.refuse();
    const { socket: refused } = await shard();
    await once(refused, "close");
    proxy.pass();
    const { socket: again, replies } = await shard();
    again.write(EXECUTE);
    await until(() => sizeOf(replies) === EXECUTE.length, "it passes again");
  });

  it("delays in both directions and keeps the order", async () => {
    proxy.delayMs = 60;
    const { socket, replies } = await shard();
    const startedMs = performance.now();
    socket.write(EXECUTE);
    proxy.delayMs = 60;
    socket.write(BATCH);
    await until(() => sizeOf(replies) === EXECUTE.length + BATCH.length, "everything is back");
    expect(performance.now() - startedMs).toBeGreaterThan(110);
    expect(Buffer.concat(replies).equals(Buffer.concat([EXECUTE, BATCH]))).toBe(true);
  });
});
