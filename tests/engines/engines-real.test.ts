// The engines themselves, really started: what was acknowledged survives the worst end, and nothing is left of it.
// Everything else about starting and stopping is tested with scripts in tests/e2e/engines-*.test.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { Client, types } from "cassandra-driver";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningEngines, startEngines } from "../../engines/engines.ts";
import { identify, isAlive, waitUntilGone } from "../../engines/process-identity.ts";
import { CASSANDRA_SETTINGS } from "../../engines/settings.ts";
import { describeOnEngines } from "./engines.ts";

const OWNER = new URL("../e2e/engines-owner.ts", import.meta.url).pathname;
const START_MS_MAX = 300_000;
const GONE_MS_MAX = 15_000;
const TABLE = "engines";
const KEYSPACE = "CREATE KEYSPACE k WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 1}";

interface Started {
  readonly pids: readonly number[];
  readonly cassandra: readonly string[];
  readonly endpoint: string;
}

describeOnEngines("one node and DynamoDB Local", () => {
  const root = mkdtempSync(join(tmpdir(), "zgate-engines-real-"));
  const directory = join(root, "data");
  let engines: RunningEngines | null = null;
  let owner: ChildProcess | null = null;
  let left: readonly number[] = [];

  beforeAll(async () => {
    const spawned = spawn(process.execPath, [OWNER, directory, "1", "dynamodb"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    owner = spawned;
    const [line] = (await once(spawned.stdout, "data")) as [Buffer];
    const started = JSON.parse(line.toString()) as Started;
    const identities = started.pids.flatMap((pid) => identify(pid) ?? []);
    if (identities.length !== 2) throw new Error("the engines ended before anybody killed them");
    await Promise.all([writeToCassandra(started.cassandra), writeToDynamodb(started.endpoint)]);
    spawned.kill("SIGKILL");
    await Promise.all(identities.map((identity) => waitUntilGone(identity, GONE_MS_MAX)));
    left = identities.filter(isAlive).map(({ pid }) => pid);
    engines = await startEngines({ directory, cassandraNodes: 1, dynamodb: true });
  }, START_MS_MAX);

  afterAll(async () => {
    owner?.kill("SIGKILL");
    await engines?.stop();
    rmSync(root, { recursive: true, force: true });
  }, START_MS_MAX);

  it("leave no process when their caller is killed by SIGKILL", () => {
    expect(left).toEqual([]);
  });

  it("keep the conditional write that Cassandra acknowledged just before the kill", async () => {
    const client = clientOf(engines?.cassandra?.contactPoints ?? []);
    const { rows } = await client.execute("SELECT v FROM k.t WHERE p = 'last'");
    expect(rows[0]?.["v"]).toBe("acknowledged");
    await client.shutdown();
  });

  it("keep the item that DynamoDB Local acknowledged just before the kill", async () => {
    const client = dynamodbOf(engines?.dynamodb?.endpoint ?? "");
    const { Item } = await client.send(new GetItemCommand({ TableName: TABLE, Key: { p: { S: "last" } } }));
    expect(Item).toMatchObject({ v: { S: "acknowledged" } });
    client.destroy();
  });

  it("run with the settings of the project", async () => {
    const client = clientOf(engines?.cassandra?.contactPoints ?? []);
    const { rows } = await client.execute("SELECT name, value FROM system_views.settings");
    const found = new Map(rows.map((row) => [String(row["name"]), String(row["value"])]));
    const wanted = Object.entries(CASSANDRA_SETTINGS).map(([name, value]) => [name, String(value)]);
    expect(wanted.map(([name]) => [name, found.get(name ?? "")])).toEqual(wanted);
    await client.shutdown();
  });

  it("are stopped in order, and start again with all they had", async () => {
    await engines?.dynamodb?.node.stop();
    await engines?.dynamodb?.node.start();
    const client = dynamodbOf(engines?.dynamodb?.endpoint ?? "");
    const { Item } = await client.send(new GetItemCommand({ TableName: TABLE, Key: { p: { S: "last" } } }));
    expect(Item).toBeDefined();
    client.destroy();
  });
});

async function writeToCassandra(contactPoints: readonly string[]): Promise<void> {
  const client = clientOf(contactPoints);
  await client.execute(KEYSPACE);
  await client.execute("CREATE TABLE k.t (p text PRIMARY KEY, v text)");
  await untilAcknowledged(client);
  await client.shutdown();
}

/** The first conditional write of a cold node may time out on a busy machine. To repeat this one changes nothing. */
async function untilAcknowledged(client: Client): Promise<void> {
  for (let triesLeft = 10; ; triesLeft -= 1) {
    try {
      await client.execute("INSERT INTO k.t (p, v) VALUES ('last', 'acknowledged') IF NOT EXISTS");
      return;
    } catch (error) {
      if (triesLeft === 0) throw error;
    }
  }
}

async function writeToDynamodb(endpoint: string): Promise<void> {
  const client = dynamodbOf(endpoint);
  const key = { AttributeName: "p", KeyType: "HASH" } as const;
  const attribute = { AttributeName: "p", AttributeType: "S" } as const;
  const table = { TableName: TABLE, KeySchema: [key], AttributeDefinitions: [attribute] };
  await client.send(new CreateTableCommand({ ...table, BillingMode: "PAY_PER_REQUEST" }));
  await client.send(new PutItemCommand({ TableName: TABLE, Item: { p: { S: "last" }, v: { S: "acknowledged" } } }));
  client.destroy();
}

function clientOf(contactPoints: readonly string[]): Client {
  return new Client({
    contactPoints: [...contactPoints],
    localDataCenter: "dc1",
    queryOptions: { consistency: types.consistencies.localQuorum },
  });
}

function dynamodbOf(endpoint: string): DynamoDBClient {
  const credentials = { accessKeyId: "any", secretAccessKey: "any" };
  return new DynamoDBClient({ endpoint, region: "us-east-1", credentials });
}
