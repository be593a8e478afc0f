// What clients can ask of a gateway, on one that `zgate up` has started. Each chapter lies in a file of its own.
// Must not break the gateway: what does has files of its own.
import { afterAll, beforeAll } from "vitest";
import { openSurface } from "./chapters/surface.ts";
import "./chapters/documents.ts";
import "./chapters/idempotency.ts";
import "./chapters/lists.ts";
import "./chapters/operations.ts";
import "./chapters/cache.ts";
import "./chapters/tokens.ts";
import "./chapters/odd-requests.ts";
import "./chapters/hostile-keys.ts";
import { gatewayConfig } from "./gateway-config.ts";
import { startUp, type UpGateway } from "./gateway-up.ts";
import { type KeyServer, keyServerTable, startKeyServer } from "./key-server.ts";

let gateway: UpGateway;
let keyServer: KeyServer;

beforeAll(async () => {
  keyServer = await startKeyServer();
  gateway = await startUp(gatewayConfig({ more: keyServerTable(keyServer.url) }));
  await openSurface(gateway, keyServer);
});

afterAll(async () => {
  keyServer.close();
  const exitCode = await gateway.stop();
  if (exitCode !== 0) throw new Error(`zgate up ended with ${exitCode}`);
});
