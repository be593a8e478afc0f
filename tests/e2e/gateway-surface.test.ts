// What clients can ask of a gateway, on one that `zgate up` has started. Each chapter lies in a file of its own.
// Must not break the gateway: what does has files of its own.
import { afterAll, beforeAll } from "vitest";
import { openSurface } from "./chapters/surface.ts";
import "./chapters/documents.ts";
import "./chapters/idempotency.ts";
import "./chapters/lists.ts";
import "./chapters/operations.ts";
import "./chapters/cache.ts";
import "./chapters/odd-requests.ts";
import { gatewayConfig } from "./gateway-config.ts";
import { startUp, type UpGateway } from "./gateway-up.ts";
import { type KeyServer, keyServerTable, startKeyServer } from "./key-server.ts";
import { IS_ON_ENGINES } from "./storage.ts";

// Tokens are judged at the edge, and thousands of hostile paths are refused or made canonical before a store hears of
// them: once is enough. What a store has to keep of odd keys is in its contract.
if (!IS_ON_ENGINES) {
  await import("./chapters/tokens.ts");
  await import("./chapters/hostile-keys.ts");
}

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
