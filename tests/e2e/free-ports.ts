// Ports that nobody listens on, one after the other, found at run time so that several suites can run side by side.
// Must not keep them: whoever asks has to use them at once.
import { createServer, type Server } from "node:net";

/**
 * Below the range from which the system takes ports for outgoing connections, and below that of engines: an instance starts those between
 * the choice of its own ports and their use.
 */
const LOWEST = 10_000;
const HIGHEST = 20_000;

const TRIES_MAX = 200;

/** The first of `count` neighbouring free ports of 127.0.0.1. */
export async function findFreePorts(count: number): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const first = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST - count));
    const held = await Promise.all(Array.from({ length: count }, (_, index) => hold(first + index)));
    await Promise.all(held.map(release));
    if (held.every((server) => server !== null)) return first;
  }
  throw new Error(`found no ${count} free ports in ${TRIES_MAX} tries`);
}

function hold(port: number): Promise<Server | null> {
  return new Promise((settle) => {
    const server = createServer();
    server.once("error", () => settle(null));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => settle(server));
  });
}

function release(server: Server | null): Promise<void> {
  return new Promise((settle) => {
    if (server === null) settle();
    else server.close(() => settle());
  });
}
