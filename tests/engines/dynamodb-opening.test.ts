// Opening a DynamoDB catalog: what is missing is said clearly and soon; and losing it later harms administration only.
// Must not test what the contract does.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createDynamodbCatalog } from "../../shards/catalog/dynamodb-catalog.ts";
import { type DynamodbAddress, openClient } from "../../shards/catalog/dynamodb-client.ts";
import { CatalogError } from "../../shards/catalog/port.ts";
import { systemClock } from "../../shards/clock.ts";
import { createMapCache } from "../../shards/map-cache.ts";
import { author, mapOf, moveOf, PRODUCTS } from "../contract/catalog-fixture.ts";
import { startProxy } from "./cut-proxy.ts";
import { dropTable, freshAddress, makeTable } from "./dynamodb-fixture.ts";
import { describeOnEngines, type EngineAddresses } from "./engines.ts";

afterEach(() => void vi.unstubAllEnvs());

/** How the opening fails, and how long that takes. */
async function openingFailure(address: DynamodbAddress, patienceMs: number) {
  const startMs = performance.now();
  const failure: unknown = await createDynamodbCatalog({ ...address, patienceMs }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(CatalogError);
  return { message: failure instanceof Error ? failure.message : "", durationMs: performance.now() - startMs };
}

describeOnEngines("opening a DynamoDB catalog", (engines) => {
  test("a missing table: says so at once, and what to run", async () => {
    const address = freshAddress(engines);
    const { message, durationMs } = await openingFailure(address, 60_000);
    expect(message).toContain(`"${address.table}"`);
    expect(message).toContain("does not exist; run `zgate schema apply`");
    expect(durationMs).toBeLessThan(20_000);
  });

  test("a table that is not a catalog: says what to run", async () => {
    const address = freshAddress(engines);
    const client = await openClient(address);
    await client.createTable(tableWithKeys(address.table));
    const { message } = await openingFailure(address, 10_000);
    expect(message).toContain("run `zgate schema apply`");
    client.destroy();
    await dropTable(address);
  });

  test("an unreachable endpoint: says who does not answer, when its patience is over", async () => {
    const address = { ...freshAddress(engines), endpoint: "http://127.0.0.1:1" };
    const { message, durationMs } = await openingFailure(address, 500);
    expect(message).toContain("(http://127.0.0.1:1): does not answer: connect ECONNREFUSED");
    expect(durationMs).toBeLessThan(10_000);
  });

  test("an endpoint that accepts and is silent: ends within its patience and one request", async () => {
    const proxy = await startProxy(new URL(engines.dynamodb.endpoint).host);
    await proxy.silence();
    const { message, durationMs } = await openingFailure(
      { ...freshAddress(engines), endpoint: `http://${proxy.address}` },
      500,
    );
    expect(message).toContain("does not answer");
    expect(durationMs).toBeLessThan(15_000);
    await proxy.close();
  });

  test("missing credentials: says which to set, also where the machine's own service for them is silent", async () => {
    const proxy = await startProxy(new URL(engines.dynamodb.endpoint).host);
    await proxy.silence();
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"]) {
      vi.stubEnv(name, undefined);
    }
    vi.stubEnv("AWS_CONFIG_FILE", "/nonexistent");
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
    vi.stubEnv("AWS_EC2_METADATA_SERVICE_ENDPOINT", `http://${proxy.address}`);
    const { credentials: _, ...address } = freshAddress(engines);
    const { message, durationMs } = await openingFailure(address, 500);
    expect(message).toContain("no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    expect(durationMs).toBeLessThan(15_000);
    await proxy.close();
  });

  test("one request per call, with limits on every wait, over connections that are kept", async () => {
    const proxy = await startProxy(new URL(engines.dynamodb.endpoint).host);
    const table = await makeTable(engines);
    const client = await openClient({ ...table.address, endpoint: `http://${proxy.address}` });
    const catalog = await table.open({ client });
    for (let times = 0; times < 20; times += 1) await catalog.current(PRODUCTS);
    expect(proxy.connections()).toBe(1);
    expect(await client.config.maxAttempts()).toBe(1);
    expect(parseHandler(client.config.requestHandler).httpHandlerConfigs()).toMatchObject({
      connectionTimeout: expect.any(Number),
      requestTimeout: expect.any(Number),
      throwOnRequestTimeout: true,
    });
    client.destroy();
    await table.dispose();
    await proxy.close();
  });
});

/** The handler that the SDK makes of the settings; its type does not tell them. */
function parseHandler(handler: unknown): { httpHandlerConfigs(): object } {
  return handler as { httpHandlerConfigs(): object };
}

function tableWithKeys(name: string) {
  return {
    TableName: name,
    BillingMode: "PAY_PER_REQUEST" as const,
    KeySchema: [
      { AttributeName: "pk", KeyType: "HASH" as const },
      { AttributeName: "sk", KeyType: "RANGE" as const },
    ],
    AttributeDefinitions: [
      { AttributeName: "pk", AttributeType: "S" as const },
      { AttributeName: "sk", AttributeType: "S" as const },
    ],
  };
}

describe("the AWS SDK", () => {
  test("is loaded when a DynamoDB catalog is opened, not before", async () => {
    const root = join(import.meta.dirname, "..", "..");
    const script = `
      import { registerHooks } from "node:module";
      const loaded = [];
      registerHooks({ resolve: (specifier, context, next) => (loaded.push(specifier), next(specifier, context)) });
      const { createDynamodbCatalog } = await import("${root}/shards/catalog/dynamodb-catalog.ts");
      await import("${root}/shards/catalog/sqlite-catalog.ts");
      const sdk = () => loaded.some((specifier) => specifier.startsWith("@aws-sdk/"));
      const before = sdk();
      const credentials = { accessKeyId: "local", secretAccessKey: "local" };
      const nowhere = { table: "none", region: "us-east-1", endpoint: "http://127.0.0.1:1", credentials, patienceMs: 0 };
      await createDynamodbCatalog(nowhere).catch(() => undefined);
      console.log(JSON.stringify([before, sdk()]));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
    expect(JSON.parse(stdout)).toEqual([false, true]);
  });
});

describeOnEngines("a DynamoDB catalog that goes away", (engines) => {
  test("cut: maps are still given, administration fails clearly, and both recover by themselves", async () => {
    await inOutage(engines, async ({ proxy, catalog, versionNow }) => {
      await proxy.cut();
      expect(await versionNow()).toBe(1);
      const failures = await Promise.all([
        catalog.publish(mapOf(2), author()).catch((error: unknown) => error),
        catalog.createMove(moveOf("a", "b"), author()).catch((error: unknown) => error),
        catalog.audit(PRODUCTS, { limit: 1 }).catch((error: unknown) => error),
      ]);
      for (const failure of failures) {
        expect(failure).toBeInstanceOf(CatalogError);
        expect(failure).toMatchObject({ kind: "failed", message: expect.stringContaining("does not answer") });
      }
      expect(await versionNow()).toBe(1);
      await proxy.mend();
      expect(await catalog.publish(mapOf(2), author())).toEqual({ kind: "published" });
      await vi.waitFor(async () => expect(await versionNow()).toBe(2), { timeout: 20_000 });
    });
  });

  test("silent: whoever asks for a map gets the known one soon", async () => {
    await inOutage(engines, async ({ proxy, versionNow }) => {
      await proxy.silence();
      for (let times = 0; times < 3; times += 1) {
        const startMs = performance.now();
        expect(await versionNow()).toBe(1);
        expect(performance.now() - startMs).toBeLessThan(2000);
      }
      await proxy.mend();
    });
  });
});

async function inOutage(
  engines: EngineAddresses,
  body: (outage: Awaited<ReturnType<typeof startOutage>>) => Promise<void>,
) {
  const outage = await startOutage(engines);
  try {
    await body(outage);
  } finally {
    await outage.proxy.close();
    await outage.table.dispose();
  }
}

/** A catalog behind a proxy, with version 1 known to a map cache whose time runs a second per question. */
async function startOutage(engines: EngineAddresses) {
  const table = await makeTable(engines);
  const proxy = await startProxy(new URL(engines.dynamodb.endpoint).host);
  const catalog = await table.open({ endpoint: `http://${proxy.address}`, patienceMs: 1000 });
  await catalog.create(mapOf(1), author());
  let nowMs = 0;
  const clock = { ...systemClock, nowMs: () => nowMs };
  const cache = createMapCache({ catalog, clock, log: () => undefined });
  const versionNow = async () => {
    nowMs += 1000;
    return (await cache.current(PRODUCTS))?.version;
  };
  expect(await versionNow()).toBe(1);
  return { table, proxy, catalog, versionNow };
}
