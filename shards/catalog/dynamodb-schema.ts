/**
 * The catalog's table: what it lacks, and making it. Safe to run by several at once and again at any time.
 * It must not be run by shards: they have no permission to make tables, and need none.
 */
import type { DynamoDB, TableDescription } from "@aws-sdk/client-dynamodb";
import { type DynamodbAddress, openClient } from "./dynamodb-client.ts";
import { isInUse, isMissing, isUnavailableYet, isUnknownOperation } from "./dynamodb-fault.ts";
import { KEY, keyItem, LAYOUT_VERSION, number, numberOf } from "./dynamodb-layout.ts";
import { newItem } from "./dynamodb-maps.ts";
import { DynamodbOperation, type DynamodbTableOptions, type Step } from "./dynamodb-table.ts";
import { type Pacing, SYSTEM_PACING } from "./pacing.ts";
import { CatalogError } from "./port.ts";

/** One part of the catalog's schema. `unsupported`: this server cannot do it, and works without. */
export interface SchemaStep {
  readonly description: string;
  readonly state: "done" | "needed" | "unsupported";
}

/** Where the table is to be. */
export interface CatalogSchemaOptions extends DynamodbAddress {
  readonly pacing?: Pacing;
  /** A client to use instead of an own one; it stays open. */
  readonly client?: DynamoDB;
}

const PATIENCE_MS = 10_000;
/** AWS makes a table in some ten seconds, and its backups a little later. */
const WAIT_MS_MAX = 120_000;
const POLL_MS = 500;

/** What there is and what is missing; changes nothing. Rejects with `CatalogError`. */
export function planCatalogSchema(options: CatalogSchemaOptions): Promise<readonly SchemaStep[]> {
  return withTable(options, planSteps);
}

/** Makes what is missing and waits until the table can be used; resolves to what there is then. */
export function applyCatalogSchema(options: CatalogSchemaOptions): Promise<readonly SchemaStep[]> {
  return withTable(options, async (table) => {
    await makeTable(table);
    await enableRecovery(table);
    await recordLayout(table);
    return planSteps(table);
  });
}

/** Checks that the table is there and has the layout that this program knows. */
export async function checkLayout(table: DynamodbTableOptions): Promise<void> {
  const layout = await readLayout(table);
  if (layout === LAYOUT_VERSION) return;
  const name = `DynamoDB table "${table.address.table}"`;
  if (layout === null) throw new CatalogError(`${name} is not prepared as a catalog; run \`zgate schema apply\``);
  throw new CatalogError(`${name} has layout ${layout}, this program knows ${LAYOUT_VERSION}; use a newer program`);
}

async function withTable<Value>(
  options: CatalogSchemaOptions,
  work: (table: DynamodbTableOptions) => Promise<Value>,
): Promise<Value> {
  const client = options.client ?? (await openClient(options));
  try {
    return await work({
      client,
      address: options,
      pacing: options.pacing ?? SYSTEM_PACING,
      patienceMs: PATIENCE_MS,
    });
  } finally {
    if (options.client === undefined) client.destroy();
  }
}

async function planSteps(table: DynamodbTableOptions): Promise<readonly SchemaStep[]> {
  const found = await describe(table);
  const isThere = found?.TableStatus === "ACTIVE" || found?.TableStatus === "UPDATING";
  const layout = isThere ? await readLayout(table) : null;
  return [
    {
      description: `table "${table.address.table}" ${billingOf(isThere ? found : null)}`,
      state: isThere ? "done" : "needed",
    },
    {
      description: "point-in-time recovery of the last days",
      state: isThere ? await recoveryState(table) : "needed",
    },
    {
      description: `layout ${LAYOUT_VERSION} recorded in the table`,
      state: layout === LAYOUT_VERSION ? "done" : "needed",
    },
  ];
}

/** As it is to be, or as it is. Capacity bought in advance serves as well while it suffices: that is left to people. */
function billingOf(found: TableDescription | null): string {
  // A table that was never on demand has no summary.
  const mode = found === null ? "PAY_PER_REQUEST" : (found.BillingModeSummary?.BillingMode ?? "PROVISIONED");
  if (mode === "PAY_PER_REQUEST") return "with on-demand billing";
  return `with billing mode ${mode}, expected PAY_PER_REQUEST (on demand): what exceeds its capacity is throttled`;
}

/** The table; null when there is none. Throws when it is somebody else's. */
async function describe(table: DynamodbTableOptions): Promise<TableDescription | null> {
  const found = await unless(isMissing, null, () => {
    const input = { TableName: table.address.table };
    return new DynamodbOperation(table).call(async (client, abort) => (await client.describeTable(input, abort)).Table);
  });
  if (found === null || found === undefined) return null;
  const keys = (found.KeySchema ?? []).map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`).join(", ");
  if (keys === "pk HASH, sk RANGE") return found;
  throw new CatalogError(`DynamoDB table "${table.address.table}" has the keys ${keys}: it is not a catalog`);
}

async function makeTable(table: DynamodbTableOptions): Promise<void> {
  if ((await describe(table)) === null) {
    const operation = new DynamodbOperation(table);
    const input = tableOf(table.address.table);
    // In use: somebody else is making it right now, which is as good.
    await unless(isInUse, null, () => operation.call((client, abort) => client.createTable(input, abort)));
  }
  await waitFor(table, "to become active", async () => {
    const status = (await describe(table))?.TableStatus;
    return status === "ACTIVE" || status === "UPDATING";
  });
}

function tableOf(name: string) {
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

async function recoveryState(table: DynamodbTableOptions): Promise<SchemaStep["state"]> {
  const input = { TableName: table.address.table };
  return unless(isUnknownOperation, "unsupported", async () => {
    const reply = await new DynamodbOperation(table).call((client, abort) =>
      client.describeContinuousBackups(input, abort),
    );
    const recovery = reply.ContinuousBackupsDescription?.PointInTimeRecoveryDescription;
    return recovery?.PointInTimeRecoveryStatus === "ENABLED" ? "done" : "needed";
  });
}

async function enableRecovery(table: DynamodbTableOptions): Promise<void> {
  const input = {
    TableName: table.address.table,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  };
  await waitFor(table, "to get point-in-time recovery", async () => {
    if ((await recoveryState(table)) !== "needed") return true;
    const operation = new DynamodbOperation(table);
    // A table that was just made has no backups yet to be turned on.
    await unless(isUnavailableYet, null, () =>
      operation.call((client, abort) => client.updateContinuousBackups(input, abort)),
    );
    return false;
  });
}

async function readLayout(table: DynamodbTableOptions): Promise<number | null> {
  const item = await new DynamodbOperation(table).get(KEY.layout);
  return item === null ? null : numberOf(item, "layout");
}

async function recordLayout(table: DynamodbTableOptions): Promise<void> {
  const item = { ...keyItem(KEY.layout), layout: number(LAYOUT_VERSION) };
  const operation = new DynamodbOperation(table);
  await operation.settle(async (): Promise<Step<void>> => {
    const found = await operation.get(KEY.layout);
    if (found !== null) return { kind: "answer", value: undefined };
    return { kind: "write", items: [newItem(item)], value: undefined };
  });
  await checkLayout(table);
}

async function waitFor(table: DynamodbTableOptions, what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = table.pacing.now() + WAIT_MS_MAX;
  while (!(await isSo())) {
    if (table.pacing.now() >= deadline) {
      throw new CatalogError(`waited ${WAIT_MS_MAX} ms for the DynamoDB table "${table.address.table}" ${what}`);
    }
    await table.pacing.sleep(POLL_MS);
  }
}

/** What `work` gives, or `otherwise` when it fails in exactly that way. */
async function unless<Value, Other>(
  isExpected: (cause: unknown) => boolean,
  otherwise: Other,
  work: () => Promise<Value>,
): Promise<Value | Other> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CatalogError && isExpected(error.cause)) return otherwise;
    throw error;
  }
}
