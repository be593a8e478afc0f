// What a failure to open a store in Cassandra is called: what may pass by itself, and what a person has to mend.
import { expect, test } from "vitest";
import { CassandraError } from "../../../shards/cassandra/session.ts";
import { fatalOf } from "../../../shards/open-cassandra.ts";
import { ForeignKeyspaceError } from "../../../shards/store/cassandra-store.ts";
import { StoreError } from "../../../shards/store/port.ts";

const CONFIG = {
  kind: "cassandra",
  name: "main",
  contactPoints: ["127.0.0.1:9042"],
} as unknown as Parameters<typeof fatalOf>[1];

test.each([
  [new CassandraError("unavailable", "no host"), "STORE_UNREACHABLE"],
  [new CassandraError("busy", "too much"), "STORE_UNREACHABLE"],
  [new CassandraError("broken", "no permission"), "STORE_UNUSABLE"],
  [new StoreError("unavailable", "the node died while the identity was read"), "STORE_UNREACHABLE"],
  [new StoreError("unknown", "no answer"), "STORE_UNREACHABLE"],
  [new ForeignKeyspaceError("is the store of another shard"), "STORE_UNUSABLE"],
])("%s ends the start with %s", (error, code) => {
  expect(fatalOf(error, CONFIG)).toMatchObject({ code, cause: error });
});

test("a fault of the program stays what it is", () => {
  const fault = new TypeError("oops");
  expect(fatalOf(fault, CONFIG)).toBe(fault);
});
