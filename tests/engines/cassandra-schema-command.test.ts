// `zgate schema` on real engines: what people and deployment scripts see of it, and its exit codes.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDB } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSession } from "../../shards/cassandra/driver-session.ts";
import { runCaptured as run } from "../unit/cli/captured-program.ts";
import { settingsFor } from "./cassandra-keyspaces.ts";
import { describeOnEngines } from "./engines.ts";

describeOnEngines("zgate schema", ({ single, dynamodb }) => {
  const prefix = `t${randomBytes(5).toString("hex")}_`;
  const table = `${prefix}catalog`;
  const folder = mkdtempSync(join(tmpdir(), "zgate-schema-"));
  const config = join(folder, "zgate.toml");

  beforeAll(() => writeFileSync(config, configText()));
  afterAll(async () => {
    const session = await openSession({ settings: settingsFor({ address: single, replicas: 1 }), keyspace: null });
    await session.changeSchema(`DROP KEYSPACE IF EXISTS ${prefix}shard_1`);
    await session.close();
    const client = new DynamoDB({ ...dynamodb, credentials: { accessKeyId: "local", secretAccessKey: "local" } });
    await client.deleteTable({ TableName: table }).catch(() => undefined);
    client.destroy();
    rmSync(folder, { recursive: true });
  });

  test("plans with exit code 3, applies, and finds nothing missing then", async () => {
    const planned = await schema("plan");
    expect(planned.code).toBe(3);
    expect(planned.lines[0]).toBe(`shard shard-1, keyspace ${prefix}shard_1 in store "main"`);
    expect(planned.lines.join("\n")).toContain("(1, ");
    expect(planned.lines.join("\n")).toContain(`CREATE TABLE IF NOT EXISTS ${prefix}shard_1.c_products (`);
    expect(planned.notes).toEqual(["zgate: 8 steps are missing", "  carry them out with `zgate schema apply`"]);

    const applied = await schema("apply");
    expect(applied.code).toBe(0);
    expect(applied.lines).toContain("shard shard-1: create table c_products for collection products");
    expect(applied.lines).toContain(`catalog, DynamoDB table ${table}`);

    const again = await schema("plan", "--json");
    expect(again).toMatchObject({ code: 0, notes: [] });
    const report: unknown = JSON.parse(again.lines[0] ?? "");
    expect(report).toMatchObject({
      shards: [{ shard: "shard-1", store: "main", keyspace: `${prefix}shard_1`, steps: [], differences: [] }],
      catalog: { table, steps: expect.arrayContaining([expect.objectContaining({ state: "done" })]) },
    });
    expect(await schema("apply", "--shard", "shard-1")).toEqual({
      code: 0,
      lines: [`shard shard-1: keyspace ${prefix}shard_1 was up to date`],
      notes: [],
    });
  });

  test("leaves embedded shards alone", async () => {
    const { code, lines, notes } = await schema("plan", "--shard", "shard-2");
    expect([code, lines]).toEqual([0, []]);
    expect(notes).toEqual(["nothing to do: embedded stores and the embedded catalog make their tables themselves"]);
  });

  test("says which shard's database is at fault", async () => {
    const unreachable = join(folder, "unreachable.toml");
    writeFileSync(unreachable, configText().replaceAll(/contact_points = .*/g, 'contact_points = ["127.0.0.1:1"]'));
    const { code, notes } = await run("schema", "plan", "--config", unreachable);
    expect([code, notes[0]]).toEqual([
      1,
      expect.stringMatching(/^zgate: shard shard-1 in store "main": .*ECONNREFUSED/),
    ]);
  });

  const schema = (action: string, ...more: readonly string[]) => run("schema", action, "--config", config, ...more);

  function configText(): string {
    return `
      [[collections]]
      name = "products"
      kind = "range"
      map = [{ start = "", end = "m", shard = "shard-1" }, { start = "m", shard = "shard-2" }]

      [[shards]]
      id = "shard-1"
      origins = ["http://127.0.0.1:8801"]
      store = "main"

      [[shards]]
      id = "shard-2"
      origins = ["http://127.0.0.1:8802"]

      [stores.main]
      kind = "cassandra"
      contact_points = ${JSON.stringify(single.contactPoints)}
      datacenter = "${single.datacenter}"
      replication = { ${single.datacenter} = 1 }
      keyspace_prefix = "${prefix}"

      [catalog]
      kind = "dynamodb"
      table = "${table}"
      region = "${dynamodb.region}"
      endpoint = "${dynamodb.endpoint}"
    `;
  }
});
