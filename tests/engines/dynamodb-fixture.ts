/**
 * A DynamoDB table of its own for each test, clients with the catalog's own settings, and faults put between them.
 * It must not test anything.
 */
import { randomUUID } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { DynamoDB } from "@aws-sdk/client-dynamodb";
import { createDynamodbCatalog, type DynamodbCatalogOptions } from "../../shards/catalog/dynamodb-catalog.ts";
import { type DynamodbAddress, openClient } from "../../shards/catalog/dynamodb-client.ts";
import { applyCatalogSchema } from "../../shards/catalog/dynamodb-schema.ts";
import type { Pacing } from "../../shards/catalog/pacing.ts";
import type { Catalog } from "../../shards/catalog/port.ts";
import type { CatalogHarness } from "../contract/catalog-fixture.ts";
import type { EngineAddresses } from "./engines.ts";

/** Local servers take any credentials; these keep the machine's own out of it. */
const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };

/** Real time, but no waiting: the delays between attempts are not what is tested here. */
export const HASTE: Pacing = { now: () => performance.now(), random: () => Math.random(), sleep: () => nextTurn() };

/** Where a table of a fresh name would lie. */
export function freshAddress(engines: EngineAddresses): DynamodbAddress {
  return { ...engines.dynamodb, table: `zgate-test-${randomUUID()}`, credentials: CREDENTIALS };
}

/** A fresh table that is ready, and catalogs on it. */
export interface TestTable extends CatalogHarness {
  readonly address: DynamodbAddress;
  open(change?: Partial<DynamodbCatalogOptions>): Promise<Catalog>;
  /** A client with the catalog's settings, whose requests and replies go through `fault`. */
  openFaulty(fault: Fault): Promise<DynamoDB>;
}

/** Makes the table. */
export async function makeTable(engines: EngineAddresses): Promise<TestTable> {
  const address = freshAddress(engines);
  await applyCatalogSchema(address);
  const closing: (() => unknown)[] = [];
  return {
    address,
    open: async (change = {}) => {
      const catalog = await createDynamodbCatalog({ ...address, ...change });
      closing.push(() => catalog.close());
      return catalog;
    },
    openFaulty: async (fault) => {
      const client = await openClient(address);
      closing.push(() => client.destroy());
      addFault(client, fault);
      return client;
    },
    dispose: async () => {
      for (const close of closing) await close();
      await dropTable(address);
    },
  };
}

/** Removes a table. */
export async function dropTable(address: DynamodbAddress): Promise<void> {
  const client = await openClient(address);
  await client.deleteTable({ TableName: address.table });
  client.destroy();
}

/** Stands between a client and the server: `operation` is the SDK's command, `send` delivers the request and gives its reply. */
export type Fault = (operation: string, send: () => Promise<unknown>) => Promise<unknown>;

/** Puts a fault between a client and its server. */
export function addFault(client: DynamoDB, fault: Fault): void {
  client.middlewareStack.add(
    (next, context) => async (request) => {
      const reply = await fault(String(context["commandName"]), () => next(request));
      return parseReply<Awaited<ReturnType<typeof next>>>(reply);
    },
    { step: "finalizeRequest", priority: "low", name: "fault" },
  );
}

function parseReply<Reply>(reply: unknown): Reply {
  return reply as Reply;
}

/** A reply's decoded fields, for faults that change them. */
export function parseOutput(reply: unknown): { readonly output: Record<string, unknown> } {
  return reply as { readonly output: Record<string, unknown> };
}

/** What a reset connection looks like. */
export function connectionReset(): Error {
  return Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
}

/** An answer of the server that turns a request away. */
export function turnedAway(name: string, status = 400): Error {
  const error = new Error(`${name} was injected`);
  error.name = name;
  return Object.assign(error, { $metadata: { httpStatusCode: status } });
}
