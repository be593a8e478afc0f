// Making the catalog's table: what is planned, several at once, backups where the server has them and where not.
// Must not test what lies in the table.
import { expect, test } from "vitest";
import { createDynamodbCatalog } from "../../shards/catalog/dynamodb-catalog.ts";
import { type DynamodbAddress, openClient } from "../../shards/catalog/dynamodb-client.ts";
import { applyCatalogSchema, planCatalogSchema } from "../../shards/catalog/dynamodb-schema.ts";
import { CatalogError } from "../../shards/catalog/port.ts";
import { addFault, dropTable, type Fault, freshAddress, HASTE, turnedAway } from "./dynamodb-fixture.ts";
import { describeOnEngines } from "./engines.ts";

/** A server with backups, in so far as the schema needs them: they can be turned on a while after the table was made. */
function createBackups(turnsUntilReady: number) {
  const backups = { isEnabled: false, asked: 0 };
  const fault: Fault = async (operation, send) => {
    if (operation === "DescribeContinuousBackupsCommand") {
      const PointInTimeRecoveryStatus = backups.isEnabled ? "ENABLED" : "DISABLED";
      const PointInTimeRecoveryDescription = { PointInTimeRecoveryStatus };
      return answer({ ContinuousBackupsDescription: { PointInTimeRecoveryDescription } });
    }
    if (operation !== "UpdateContinuousBackupsCommand") return send();
    backups.asked += 1;
    if (backups.asked <= turnsUntilReady) throw turnedAway("ContinuousBackupsUnavailableException");
    backups.isEnabled = true;
    return answer({});
  };
  return { backups, fault };
}

function answer(fields: object) {
  return { response: {}, output: { $metadata: { httpStatusCode: 200 }, ...fields } };
}

async function openFaulty(address: DynamodbAddress, fault: Fault) {
  const client = await openClient(address);
  addFault(client, fault);
  return client;
}

describeOnEngines("the schema of a DynamoDB catalog", (engines) => {
  test("is planned without being made, then made, then done; recovery is left out where the server has none", async () => {
    const address = freshAddress(engines);
    const statesOf = async (steps: ReturnType<typeof planCatalogSchema>) => (await steps).map(({ state }) => state);
    expect(await statesOf(planCatalogSchema(address))).toEqual(["needed", "needed", "needed"]);
    await expect(createDynamodbCatalog(address)).rejects.toThrow("does not exist");
    expect(await statesOf(applyCatalogSchema(address))).toEqual(["done", "unsupported", "done"]);
    expect(await statesOf(applyCatalogSchema(address))).toEqual(["done", "unsupported", "done"]);
    const plan = await planCatalogSchema(address);
    expect(plan[0]?.description).toBe(`table "${address.table}" with on-demand billing`);
    const client = await openClient(address);
    const { Table: table } = await client.describeTable({ TableName: address.table });
    expect(table?.BillingModeSummary?.BillingMode).toBe("PAY_PER_REQUEST");
    client.destroy();
    await dropTable(address);
  });

  test("may be made by several at once", async () => {
    const address = freshAddress(engines);
    const results = await Promise.all([1, 2, 3, 4].map(() => applyCatalogSchema(address)));
    for (const steps of results) expect(steps.map(({ state }) => state)).toEqual(["done", "unsupported", "done"]);
    await (await createDynamodbCatalog(address)).close();
    await dropTable(address);
  });

  test("leaves a table of something else alone", async () => {
    const address = freshAddress(engines);
    const client = await openClient(address);
    await client.createTable({
      TableName: address.table,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    });
    await expect(planCatalogSchema(address)).rejects.toThrow("has the keys id HASH: it is not a catalog");
    await expect(applyCatalogSchema(address)).rejects.toThrow(CatalogError);
    await expect(createDynamodbCatalog(address)).rejects.toThrow(CatalogError);
    client.destroy();
    await dropTable(address);
  });

  test("of a later program is refused", async () => {
    const address = freshAddress(engines);
    await applyCatalogSchema(address);
    const client = await openClient(address);
    const layout = { pk: { S: "catalog" }, sk: { S: "layout" }, layout: { N: "2" } };
    await client.putItem({ TableName: address.table, Item: layout });
    await expect(createDynamodbCatalog(address)).rejects.toThrow("has layout 2, this program knows 1");
    await expect(applyCatalogSchema(address)).rejects.toThrow("has layout 2, this program knows 1");
    client.destroy();
    await dropTable(address);
  });
});

describeOnEngines("point-in-time recovery of a DynamoDB catalog", (engines) => {
  test("is turned on, once the new table can have it", async () => {
    const address = freshAddress(engines);
    const { backups, fault } = createBackups(3);
    const client = await openFaulty(address, fault);
    const steps = await applyCatalogSchema({ ...address, client, pacing: HASTE });
    expect(steps.map(({ state }) => state)).toEqual(["done", "done", "done"]);
    expect(backups).toEqual({ isEnabled: true, asked: 4 });
    await applyCatalogSchema({ ...address, client, pacing: HASTE });
    expect(backups.asked).toBe(4);
    client.destroy();
    await dropTable(address);
  });

  test("is not taken for absent when it is refused", async () => {
    const address = freshAddress(engines);
    const client = await openFaulty(address, (operation, send) =>
      operation.includes("ContinuousBackups") ? Promise.reject(turnedAway("AccessDeniedException")) : send(),
    );
    await expect(applyCatalogSchema({ ...address, client, pacing: HASTE })).rejects.toThrow("access denied");
    client.destroy();
    await dropTable(address);
  });
});
