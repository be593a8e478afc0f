/**
 * Whether an engine answers, asked in its own protocol. It must not change anything there, and needs no driver.
 */
import { request } from "node:http";
import { connect } from "node:net";

/** A busy machine may take seconds over the first answer. */
const ANSWER_MS_MAX = 5_000;

/** CQL native protocol v4, section 2: version, flags, stream (2 bytes), opcode, length (4 bytes). */
const HEADER_BYTES = 9;
const OPCODE = {
  ...{ startup: 0x01, ready: 0x02, authenticate: 0x03, query: 0x07, result: 0x08 },
  ...{ authResponse: 0x0f, authSuccess: 0x10 },
} as const;
/** Where passwords are demanded: the user that Cassandra makes some seconds after its first start. Section 4.2.5 of the protocol. */
const FIRST_USER = "\0cassandra\0cassandra";

const CONSISTENCY = { 1: 0x0001, 2: 0x0002, 3: 0x0003 } as const;

/** Kept on three nodes by Cassandra itself, so each node has a part in reading it at THREE. */
const SHARED = "SELECT * FROM system_distributed.view_build_status LIMIT 1";

/** Drivers overlook a peer without the address for clients, which arrives after the peer itself. */
const PEERS = "SELECT count(native_address) FROM system.peers_v2";
const COUNT_BYTES = 8;

/** Where to ask a Cassandra node. */
export interface CqlAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Whether a Cassandra node serves, and takes at least `replicas` nodes, itself included, for alive: it reads something
 * that lies on all of them.
 */
export async function answersCql(address: CqlAddress, replicas: 1 | 2 | 3): Promise<boolean> {
  const [ready, result] = await exchange(address, [startup(), query(SHARED, replicas)]);
  const isLetIn = ready?.opcode === OPCODE.ready || ready?.opcode === OPCODE.authSuccess;
  return isLetIn && result?.opcode === OPCODE.result;
}

/** Whether a Cassandra node tells clients of at least `peers` other nodes. */
export async function knowsPeers(address: CqlAddress, peers: number): Promise<boolean> {
  const [, result] = await exchange(address, [startup(), query(PEERS, 1)]);
  if (result?.opcode !== OPCODE.result || result.body.length < COUNT_BYTES) return false;
  // The only value of the only row comes last.
  return result.body.readBigInt64BE(result.body.length - COUNT_BYTES) >= BigInt(peers);
}

/** Whether a server speaks HTTP there; DynamoDB Local answers anything, if only with an error. */
export function answersHttp(host: string, port: number): Promise<boolean> {
  return new Promise((settle) => {
    const asking = request({ host, port, method: "GET", agent: false, timeout: ANSWER_MS_MAX }, (response) => {
      response.resume();
      settle(true);
    });
    asking.once("timeout", () => asking.destroy());
    asking.once("error", () => settle(false));
    asking.once("close", () => settle(false));
    asking.end();
  });
}

interface Answer {
  readonly opcode: number;
  readonly body: Buffer;
}

/** Sends each frame after the answer to the one before. Resolves to the answers that came. */
function exchange({ host, port }: CqlAddress, frames: readonly Buffer[]): Promise<readonly Answer[]> {
  return new Promise((settle) => {
    const socket = connect({ host, port });
    const answers: Answer[] = [];
    let pending = Buffer.alloc(0);
    const sendNext = (): void => {
      const next = frames[answers.length];
      if (next === undefined) socket.destroy();
      else socket.write(next);
    };
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
    socket.once("connect", sendNext);
    socket.on("data", (bytes) => {
      pending = Buffer.concat([pending, bytes]);
      if (pending.length < HEADER_BYTES || pending.length < HEADER_BYTES + pending.readUInt32BE(5)) return;
      const answer = { opcode: pending.readUInt8(4), body: pending.subarray(HEADER_BYTES) };
      pending = Buffer.alloc(0);
      if (answer.opcode === OPCODE.authenticate) {
        socket.write(credentials());
        return;
      }
      answers.push(answer);
      sendNext();
    });
    socket.once("error", () => undefined);
    socket.once("close", () => settle(answers));
  });
}

function frame(opcode: number, body: Buffer): Buffer {
  const header = Buffer.from([0x04, 0, 0, 0, opcode, 0, 0, 0, 0]);
  header.writeUInt32BE(body.length, 5);
  return Buffer.concat([header, body]);
}

function startup(): Buffer {
  return frame(OPCODE.startup, Buffer.concat([Buffer.from([0, 1]), shortText("CQL_VERSION"), shortText("3.0.0")]));
}

function credentials(): Buffer {
  const token = Buffer.from(FIRST_USER, "utf8");
  const length = Buffer.alloc(4);
  length.writeInt32BE(token.length);
  return frame(OPCODE.authResponse, Buffer.concat([length, token]));
}

function query(cql: string, replicas: 1 | 2 | 3): Buffer {
  const text = Buffer.from(cql, "utf8");
  const body = Buffer.alloc(4 + text.length + 3);
  body.writeUInt32BE(text.length, 0);
  text.copy(body, 4);
  body.writeUInt16BE(CONSISTENCY[replicas], 4 + text.length);
  return frame(OPCODE.query, body);
}

function shortText(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
