// What a plan says of the table's billing. The rest is tested on a real server: tests/engines/dynamodb-schema.test.ts.
import type { DynamoDB, TableDescription } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { planCatalogSchema } from "../../../shards/catalog/dynamodb-schema.ts";

/** A client of an account with such a table, which is complete. */
function clientOf(billing: Pick<TableDescription, "BillingModeSummary">): DynamoDB {
  const KeySchema = [
    { AttributeName: "pk", KeyType: "HASH" },
    { AttributeName: "sk", KeyType: "RANGE" },
  ];
  const recovery = { PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: "ENABLED" } };
  return {
    describeTable: () => Promise.resolve({ Table: { TableStatus: "ACTIVE", KeySchema, ...billing } }),
    describeContinuousBackups: () => Promise.resolve({ ContinuousBackupsDescription: recovery }),
    getItem: () => Promise.resolve({ Item: { layout: { N: "1" } } }),
  } as unknown as DynamoDB;
}

test.each([
  { found: { BillingModeSummary: { BillingMode: "PAY_PER_REQUEST" } } as const, said: "with on-demand billing" },
  {
    found: { BillingModeSummary: { BillingMode: "PROVISIONED" } } as const,
    said: "with billing mode PROVISIONED, expected",
  },
  { found: {}, said: "with billing mode PROVISIONED, expected" },
])("a table with $found is said to be $said, and nothing is missing", async ({ found, said }) => {
  const address = { table: "t", region: "local", endpoint: null };
  const steps = await planCatalogSchema({ ...address, client: clientOf(found) });
  expect(steps[0]?.description).toContain(`table "t" ${said}`);
  expect(steps.map(({ state }) => state)).toEqual(["done", "done", "done"]);
});
