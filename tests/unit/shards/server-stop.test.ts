// What an answer says of its connection when the server was told to stop before it began. Over real sockets.
import { request } from "node:http";
import { expect, test } from "vitest";
import { createShardServer, type ShardServer } from "../../../shards/http/server.ts";
import { findFreePorts } from "../../e2e/free-ports.ts";

async function headerOf(port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: "127.0.0.1", headers: { Connection: "keep-alive" } }, (answer) => {
      answer.resume();
      resolve(answer.headers.connection);
    });
    asked.once("error", reject).end();
  });
}

test("an answer that was under way at the stop ends its connection, one before does not", async () => {
  const port = await findFreePorts(1);
  const [held, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let isHeld = false;
  const server: ShardServer = createShardServer({
    routes: async () => {
      if (isHeld) {
        held.resolve();
        await answered.promise;
      }
      return new Response("{}");
    },
    log: () => undefined,
  });
  await server.listen({ host: "127.0.0.1", port });
  expect(await headerOf(port)).toBe("keep-alive");
  isHeld = true;
  const waiting = headerOf(port);
  await held.promise;
  const stopped = server.stop(5000);
  answered.resolve();
  expect(await waiting).toBe("close");
  await stopped;
});
