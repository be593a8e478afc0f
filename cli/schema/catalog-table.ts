/**
 * The catalog's table in DynamoDB: what it lacks, and making it. It must not decide what is printed.
 */
import type { CatalogConfig } from "../../config/storage.ts";
import type { SchemaStep } from "../../shards/catalog/dynamodb-schema.ts";
import { dynamodbAddressOf } from "../../shards/catalog/open-catalog.ts";
import { CliFailure, errorLine } from "../failure.ts";

/** A catalog that has a schema to be applied. */
export type DynamodbCatalogConfig = Extract<CatalogConfig, { readonly kind: "dynamodb" }>;

/** Parts of the table, each done, needed, or not supported by the server. */
export type CatalogSteps = readonly SchemaStep[];

/** What is there and what is missing. Rejects with `CliFailure`. */
export function planCatalog(config: DynamodbCatalogConfig, environment: Environment): Promise<CatalogSteps> {
  return told(config, async () => {
    const { planCatalogSchema } = await import("../../shards/catalog/dynamodb-schema.ts");
    return planCatalogSchema(dynamodbAddressOf(config, environment));
  });
}

/** Makes what is missing; resolves to what is there then. Rejects with `CliFailure`. */
export function applyCatalog(config: DynamodbCatalogConfig, environment: Environment): Promise<CatalogSteps> {
  return told(config, async () => {
    const { applyCatalogSchema } = await import("../../shards/catalog/dynamodb-schema.ts");
    return applyCatalogSchema(dynamodbAddressOf(config, environment));
  });
}

type Environment = Readonly<Record<string, string | undefined>>;

async function told<Result>({ table }: DynamodbCatalogConfig, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new CliFailure(`catalog in DynamoDB table "${table}": ${errorLine(error)}`, { cause: error });
  }
}
