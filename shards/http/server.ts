/**
 * The HTTP server of one worker: its limits, what it answers to requests that are no HTTP, how it stops.
 * It must not know what is served.
 */
import { randomUUID } from "node:crypto";
import { createServer, IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Server as NetServer } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener, RequestError } from "@hono/node-server";
import { PROBLEM_TYPE, PROBLEMS, type ProblemCode, problemBody } from "../../router/problem.ts";
import { describeError, type Logger } from "../log.ts";
import { answerProblem } from "./answer.ts";
import { openExchange } from "./exchange.ts";
import type { ShardRoutes } from "./routes.ts";

/** Time limits in milliseconds, sizes in bytes. */
const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  /** Longer than the edge keeps an idle connection, so that the edge is the one who closes. */
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 1000,
} as const;

/** A connection on which nothing moves for this long is given up, in milliseconds. */
const SILENCE_MS_MAX = 120_000;

/** How long a connection may go on to send its next request while the server stops, in milliseconds. */
const STOP_GRACE_MS = 250;
const STOP_POLL_MS = 50;

/** How long an unreadable client may take to read why it is refused, in milliseconds. */
const LINGER_MS = 500;

/** What a server stands on. */
export interface ShardServerOptions {
  readonly routes: ShardRoutes;
  readonly log: Logger;
}

/** Where to listen. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A server that can be stopped without failing what is in flight. */
export interface ShardServer {
  /** Rejects with the system's error, e.g. EADDRINUSE. */
  listen(address: ListenAddress): Promise<void>;
  /** False from the moment `stop` is called. */
  isReady(): boolean;
  /** Stops accepting, lets requests in flight finish, cuts what is left after `boundMs`. */
  stop(boundMs: number): Promise<void>;
}

/** The latest answer of each connection. */
type Answering = WeakMap<Duplex, ServerResponse>;

/** A server around the routes. */
export function createShardServer(options: ShardServerOptions): ShardServer {
  let ready = true;
  const answering: Answering = new WeakMap();
  const connections = new Set<Duplex>();
  const answer = getRequestListener(
    (request, { incoming }) => {
      if (!(incoming instanceof IncomingMessage)) throw new Error("broken assumption: HTTP/1.1 only");
      return options.routes(request, openExchange(incoming));
    },
    // The Host header means nothing here: shards are addressed, not named.
    { hostname: "shard", errorHandler: (error) => answerUnreadable(options.log, error) },
  );
  const server = createServer({ ...LIMITS, requireHostHeader: false }, (incoming, outgoing) => {
    if (!ready) outgoing.shouldKeepAlive = false;
    answering.set(incoming.socket, outgoing);
    void answer(incoming, outgoing);
  });
  server.setTimeout(SILENCE_MS_MAX);
  server.on("connection", (socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => refuseConnection(error, socket, answering));
  return {
    listen: (address) => listen(server, address),
    isReady: () => ready,
    stop(boundMs) {
      ready = false;
      // Answers that have not begun yet tell as well: a database may take longer than the grace for idle connections.
      for (const socket of connections) {
        const outgoing = answering.get(socket);
        if (outgoing?.headersSent === false) outgoing.shouldKeepAlive = false;
      }
      return stop(server, boundMs);
    },
  };
}

function listen(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/**
 * `http.Server.close` would cut idle connections at once, on which a client may just be sending. So only the
 * listening ends at once; each connection is told to close by its next answer, or is cut when it stays idle.
 */
function stop(server: Server, boundMs: number): Promise<void> {
  return new Promise((resolve) => {
    // What has come in while this process was busy is read first: its connection is not idle.
    const cutIdle = (): void => void setImmediate(() => server.closeIdleConnections());
    const idle = setTimeout(() => setInterval(cutIdle, STOP_POLL_MS).unref(), STOP_GRACE_MS);
    const bound = setTimeout(() => server.closeAllConnections(), boundMs);
    NetServer.prototype.close.call(server, () => {
      clearTimeout(idle);
      clearTimeout(bound);
      resolve();
    });
  });
}

/** Requests that never reach the routes: the target or the Host header is no URL. */
function answerUnreadable(log: Logger, error: unknown): Response {
  const requestId = randomUUID();
  if (error instanceof RequestError) {
    return answerProblem(
      { requestId },
      { reason: "INVALID_PARAMETER", detail: "the request target is not a URL path" },
    );
  }
  log("error", "request-failed", { requestId, ...describeError(error) });
  return answerProblem(
    { requestId },
    { reason: "INTERNAL", detail: "the failure has been logged under the request id" },
  );
}

const CLIENT_ERRORS: ReadonlyMap<string | undefined, ProblemCode> = new Map([
  ["HPE_HEADER_OVERFLOW", "HEADERS_TOO_LARGE"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "REQUEST_TIMEOUT"],
] as const);

/** Answers bytes that are no HTTP request, unless an answer is already on its way on this connection. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex, answering: Answering): void {
  // More bytes after the refusal: the client has yet to read it.
  if (socket.writableEnded) return;
  const response = answering.get(socket);
  const isAnswering = response !== undefined && response.headersSent && !response.writableFinished;
  if (error.code === "ECONNRESET" || !socket.writable || isAnswering) {
    socket.destroy();
    return;
  }
  const code = CLIENT_ERRORS.get(error.code) ?? "INVALID_PARAMETER";
  const detail = code === "INVALID_PARAMETER" ? "the bytes are not an HTTP request" : PROBLEMS[code].title;
  const { status, title } = PROBLEMS[code];
  const body = JSON.stringify(problemBody(code, { detail, requestId: randomUUID() }));
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join("\r\n")}\r\nConnection: close\r\n\r\n${body}`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
