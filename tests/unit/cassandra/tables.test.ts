// CQL of keyspaces and tables: names that are safe to write, and statements that may be repeated.
import { describe, expect, test } from "vitest";
import {
  checkedName,
  createDocumentTable,
  createKeyspace,
  createLeaseTable,
  literal,
  MIGRATIONS,
} from "../../../shards/cassandra/tables.ts";

test.each(["zgate_shard_1", "c_products", "a", "a".repeat(48)])("%s is a name", (name) => {
  expect(checkedName(name)).toBe(name);
});

test.each(["", "1a", "Zgate", "a-b", 'a"b', "a b", "a;drop keyspace a", "a.b", "a".repeat(49), "é"])(
  "%j is no name",
  (name) => {
    expect(() => checkedName(name)).toThrow("is no name for a keyspace or a table");
  },
);

test("a text is quoted as CQL wants it", () => {
  expect(literal("it's 'quoted'")).toBe("'it''s ''quoted'''");
});

test("a keyspace has its replicas by datacenter, whose names may be anything", () => {
  expect(
    createKeyspace(
      "zgate_s1",
      new Map([
        ["dc1", 3],
        ["o'dc", 2],
      ]),
    ),
  ).toBe(
    "CREATE KEYSPACE IF NOT EXISTS zgate_s1 WITH replication = " +
      "{'class': 'NetworkTopologyStrategy', 'dc1': 3, 'o''dc': 2} AND durable_writes = true",
  );
});

const ID = /WITH id = '([0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12})'$/;

test("the lease's table has the same id whoever creates it, and another one in each keyspace", () => {
  const idOf = (keyspace: string) => ID.exec(createLeaseTable(keyspace))?.[1];
  expect(idOf("zgate_s1")).toMatch(/^[0-9a-f-]{36}$/);
  expect(idOf("zgate_s1")).toBe(idOf("zgate_s1"));
  expect(idOf("zgate_s1")).not.toBe(idOf("zgate_s2"));
});

describe("every statement", () => {
  const all = [
    createKeyspace("k", new Map([["dc1", 1]])),
    createLeaseTable("k"),
    createDocumentTable("k", "c_products"),
    ...MIGRATIONS.flatMap(({ statements }) => statements({ keyspace: "k", documentTables: [] })),
  ];

  test.each(all)("may be repeated: %s", (cql) => {
    expect(cql).toMatch(/^CREATE (KEYSPACE|TABLE) IF NOT EXISTS /);
  });
});

test("documents never expire by themselves", () => {
  expect(createDocumentTable("k", "c_products")).toContain("default_time_to_live = 0");
});
