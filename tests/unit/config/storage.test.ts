// Stores and catalog in zgate.toml: what comes out of them, their defaults, and what each fault is told as.
import { describe, expect, it } from "vitest";
import { ConfigError, parseConfig } from "../../../config/config.ts";

const EMBEDDED = `
[[collections]]
name = "products"
kind = "range"

[[collections.map]]
start = ""
shard = "shard-1"

[[shards]]
id = "shard-1"
origins = ["http://127.0.0.1:8801"]
`;

const LEAST = `${EMBEDDED}store = "main"

[stores.main]
kind = "cassandra"
contact_points = ["10.0.0.1:9042"]
datacenter = "dc1"
replication = { dc1 = 3 }
`;

const FULL = `${EMBEDDED}store = "main"

[[shards]]
id = "shard-2"
origins = ["http://127.0.0.1:8802"]

[stores.main]
kind = "cassandra"
contact_points = ["10.0.0.1:9042", "cassandra-2.example:9042", "[fd00::3]:9042"]
datacenter = "dc1"
replication = { dc1 = 3, dc2 = 2 }
keyspace_prefix = "shop_"
user = "zgate"
password_env = "SHOP_PASSWORD"
trace_fraction = 0.01

[stores.main.tls]
ca = "/etc/zgate/ca.pem"
cert = "/etc/zgate/client.pem"
key = "/etc/zgate/client.key"

[catalog]
kind = "dynamodb"
table = "zgate-catalog"
region = "eu-central-1"
endpoint = "http://127.0.0.1:8000"
`;

function faultsOf(text: string): readonly string[] {
  try {
    parseConfig(text, "zgate.toml");
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

/** `text` with `found` replaced; throws if it is not there, so that a case cannot test nothing. */
function replaced(text: string, found: string, by: string): string {
  if (!text.includes(found)) throw new Error(`not in the text: ${found}`);
  return text.replace(found, () => by);
}

describe("a configuration that names no store and no catalog", () => {
  it("has the embedded ones", () => {
    const config = parseConfig(EMBEDDED, "zgate.toml");
    expect([...config.shards.values()].map(({ store }) => store)).toEqual([{ kind: "sqlite" }]);
    expect(config.catalog).toEqual({ kind: "sqlite" });
  });

  it("means the same as one that names them", () => {
    const named = `${EMBEDDED}store = "sqlite"\n\n[catalog]\nkind = "sqlite"\n`;
    expect(parseConfig(named, "zgate.toml")).toEqual(parseConfig(EMBEDDED, "zgate.toml"));
  });
});

describe("what must be kept for an hour where a store is Cassandra, for lost answers to be looked up", () => {
  const withRetention = (text: string, setting: string): string =>
    replaced(text, 'kind = "range"', `kind = "range"\n${setting}`);
  const fault = (name: string, ms: number): string =>
    `collections[0].${name}: expected at least "1h" (the store of shard "shard-1" is Cassandra), got ${ms} ms`;

  it.each([
    ["idempotency_retention", "0s", 0],
    ["idempotency_retention", "59m", 3_540_000],
    ["tombstone_retention", "0s", 0],
    ["tombstone_retention", "3599s", 3_599_000],
  ])("%s = %s is a fault", (name, text, ms) => {
    expect(faultsOf(withRetention(LEAST, `${name} = "${text}"`))).toEqual([fault(name, ms)]);
  });

  it.each(["idempotency_retention", "tombstone_retention"])(
    "%s may be an hour, and nothing without Cassandra",
    (name) => {
      expect(faultsOf(withRetention(LEAST, `${name} = "1h"`))).toEqual([]);
      expect(faultsOf(withRetention(EMBEDDED, `${name} = "0s"`))).toEqual([]);
    },
  );
});

describe("a Cassandra store", () => {
  it("has every setting it was given, for the shards that name it", () => {
    const { shards } = parseConfig(FULL, "zgate.toml");
    expect(shards.get("shard-1")?.store).toEqual({
      kind: "cassandra",
      name: "main",
      contactPoints: ["10.0.0.1:9042", "cassandra-2.example:9042", "[fd00::3]:9042"],
      datacenter: "dc1",
      replication: new Map([
        ["dc1", 3],
        ["dc2", 2],
      ]),
      keyspacePrefix: "shop_",
      user: "zgate",
      passwordEnv: "SHOP_PASSWORD",
      tls: { caFile: "/etc/zgate/ca.pem", certFile: "/etc/zgate/client.pem", keyFile: "/etc/zgate/client.key" },
      traceFraction: 0.01,
    });
    expect(shards.get("shard-2")?.store).toEqual({ kind: "sqlite" });
  });

  it("has defaults for what may be left out", () => {
    expect(parseConfig(LEAST, "zgate.toml").shards.get("shard-1")?.store).toMatchObject({
      keyspacePrefix: "zgate_",
      user: null,
      passwordEnv: "ZGATE_CASSANDRA_PASSWORD",
      tls: null,
      traceFraction: 0,
    });
  });

  it("with an empty table tls is reached by TLS with the system's authorities", () => {
    const { shards } = parseConfig(`${LEAST}tls = {}\n`, "zgate.toml");
    expect(shards.get("shard-1")?.store).toMatchObject({ tls: { caFile: null, certFile: null, keyFile: null } });
  });
});

describe("a DynamoDB catalog", () => {
  it("has what it was given", () => {
    expect(parseConfig(FULL, "zgate.toml").catalog).toEqual({
      kind: "dynamodb",
      table: "zgate-catalog",
      region: "eu-central-1",
      endpoint: "http://127.0.0.1:8000",
    });
  });

  it("without an endpoint is the region's own", () => {
    const text = replaced(FULL, 'endpoint = "http://127.0.0.1:8000"\n', "");
    expect(parseConfig(text, "zgate.toml").catalog).toMatchObject({ endpoint: null });
  });
});

interface Fault {
  readonly name: string;
  readonly found: string;
  readonly by: string;
  readonly fault: string;
}

const STORE_FAULTS: readonly Fault[] = [
  {
    name: "a store that there is not",
    found: 'store = "main"',
    by: 'store = "mian"',
    fault: 'shards[0].store: expected one of "sqlite", "main", got "mian"',
  },
  {
    name: "a store that is no name",
    found: 'store = "main"',
    by: 'store = ""',
    fault: 'shards[0].store: expected a text that is not empty, got ""',
  },
  {
    name: "a store called as the embedded one",
    found: "[catalog]",
    by: `[stores.sqlite]\nkind = "cassandra"\ncontact_points = ["a:1"]\ndatacenter = "d"\nreplication = { d = 1 }\n[catalog]`,
    fault: 'stores.sqlite: expected another name, "sqlite" is the embedded store',
  },
  {
    name: "a kind of store that there is not",
    found: 'kind = "cassandra"',
    by: 'kind = "postgres"',
    fault: 'stores.main.kind: expected "cassandra", got "postgres"',
  },
  {
    name: "a store without a kind",
    found: 'kind = "cassandra"\n',
    by: "",
    fault: "stores.main.kind: expected a value, got nothing",
  },
  {
    name: "a setting that there is not",
    found: 'user = "zgate"',
    by: 'password = "secret"',
    fault: 'stores.main.password: expected no setting of this name, got "password"',
  },
  ...[
    "10.0.0.1",
    "http://10.0.0.1:9042",
    ":9042",
    "10.0.0.1:",
    "a b:9042",
    "fd00::1:9042",
    "10.0.0.1:0",
    "a:65536",
  ].map((point) => ({
    name: `the contact point ${point}`,
    found: "10.0.0.1:9042",
    by: point,
    fault: `stores.main.contact_points[0]: expected host:port, such as 10.0.0.1:9042, got "${point}"`,
  })),
  {
    name: "no contact point",
    found: '["10.0.0.1:9042", "cassandra-2.example:9042", "[fd00::3]:9042"]',
    by: "[]",
    fault: "stores.main.contact_points: expected a list of at least one, got []",
  },
  {
    name: "nodes with different ports",
    found: "cassandra-2.example:9042",
    by: "cassandra-2.example:9043",
    fault: "stores.main.contact_points: expected one port for all nodes, got 9042, 9043",
  },
  {
    name: "no datacenter",
    found: 'datacenter = "dc1"\n',
    by: "",
    fault: "stores.main.datacenter: expected a value, got nothing",
  },
  {
    name: "a datacenter without replicas",
    found: 'datacenter = "dc1"',
    by: 'datacenter = "dc3"',
    fault: 'stores.main.replication: expected replicas in the datacenter "dc3", got none there',
  },
  {
    name: "no replication",
    found: "{ dc1 = 3, dc2 = 2 }",
    by: "{}",
    fault: "stores.main.replication: expected at least one datacenter with its number of replicas, got {}",
  },
  ...["0", "10", "1.5", '"3"'].map((count) => ({
    name: `${count} replicas`,
    found: "dc1 = 3",
    by: `dc1 = ${count}`,
    fault: `stores.main.replication.dc1: expected a number of replicas from 1 to 9, got ${count}`,
  })),
  ...["Shop_", "1shop", "shop-", "", "a2345678901234567"].map((prefix) => ({
    name: `the keyspace prefix ${JSON.stringify(prefix)}`,
    found: '"shop_"',
    by: JSON.stringify(prefix),
    fault: `stores.main.keyspace_prefix: expected a letter and at most 15 of [a-z0-9_], not "system…", got "${prefix}"`,
  })),
  {
    name: "a keyspace prefix of Cassandra's own keyspaces",
    found: '"shop_"',
    by: '"system_"',
    fault: 'stores.main.keyspace_prefix: expected a letter and at most 15 of [a-z0-9_], not "system…", got "system_"',
  },
  {
    name: "a user without a name",
    found: 'user = "zgate"',
    by: 'user = ""',
    fault: 'stores.main.user: expected a text that is not empty, got ""',
  },
  {
    name: "a password where the name of a variable belongs",
    found: '"SHOP_PASSWORD"',
    by: '"s3cret"',
    fault: 'stores.main.password_env: expected the name of an environment variable, got "s3cret"',
  },
  {
    name: "a client certificate without its key",
    found: 'key = "/etc/zgate/client.key"\n',
    by: "",
    fault: "stores.main.tls: expected both cert and key, or neither, got one of them",
  },
  {
    name: "a switch for TLS",
    found: '[stores.main.tls]\nca = "/etc/zgate/ca.pem"\ncert = "/etc/zgate/client.pem"\nkey = "/etc/zgate/client.key"',
    by: "tls = true",
    fault: "stores.main.tls: expected a table, got true",
  },
  ...["-0.1", "1.1", "nan", '"1"'].map((value) => ({
    name: `the part ${value} of requests to trace`,
    found: "trace_fraction = 0.01",
    by: `trace_fraction = ${value}`,
    fault: `stores.main.trace_fraction: expected a number from 0 to 1, got ${value === "nan" ? "NaN" : value}`,
  })),
];

const CATALOG_FAULTS: readonly Fault[] = [
  {
    name: "a kind of catalog that there is not",
    found: 'kind = "dynamodb"',
    by: 'kind = "etcd"',
    fault: 'catalog.kind: expected "sqlite" or "dynamodb", got "etcd"',
  },
  {
    name: "a catalog without a kind",
    found: 'kind = "dynamodb"\n',
    by: "",
    fault: 'catalog.kind: expected "sqlite" or "dynamodb", got nothing',
  },
  {
    name: "a table for the embedded catalog",
    found: 'kind = "dynamodb"',
    by: 'kind = "sqlite"',
    fault: 'catalog.table: expected no setting of this name, got "table"',
  },
  ...["ab", "my table", "ü-catalog"].map((table) => ({
    name: `the table ${JSON.stringify(table)}`,
    found: '"zgate-catalog"',
    by: JSON.stringify(table),
    fault: `catalog.table: expected a table name: 3 to 255 of [A-Za-z0-9_.-], got "${table}"`,
  })),
  {
    name: "no region",
    found: 'region = "eu-central-1"\n',
    by: "",
    fault: "catalog.region: expected a value, got nothing",
  },
  {
    name: "an endpoint with a path",
    found: "http://127.0.0.1:8000",
    by: "http://127.0.0.1:8000/shell",
    fault:
      'catalog.endpoint: expected an origin such as http://127.0.0.1:8801 or https://shard-1.example, without a path or a default port, got "http://127.0.0.1:8000/shell"',
  },
];

describe("a fault is told with its place, what was expected and what came", () => {
  it.each([...STORE_FAULTS, ...CATALOG_FAULTS])("$name", ({ found, by, fault }) => {
    expect(faultsOf(replaced(FULL, found, by))).toContain(fault);
  });

  it("never with a secret: what stands where none belongs is not repeated", () => {
    const text = replaced(FULL, 'user = "zgate"', 'password = "correct horse battery"');
    expect(faultsOf(text).join("\n")).not.toContain("correct horse battery");
  });
});
