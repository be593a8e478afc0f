// Settings with the secrets and files they name.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CassandraStoreConfig } from "../../../config/storage.ts";
import { readCassandraSettings } from "../../../shards/cassandra/settings.ts";

const CONFIG: CassandraStoreConfig = {
  kind: "cassandra",
  name: "main",
  contactPoints: ["127.0.0.1:9042"],
  datacenter: "dc1",
  replication: new Map([["dc1", 3]]),
  keyspacePrefix: "zgate_",
  user: null,
  passwordEnv: "ZGATE_CASSANDRA_PASSWORD",
  tls: null,
  traceFraction: 0,
};

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "zgate-settings-"));
  for (const name of ["ca", "cert", "key"]) writeFileSync(join(directory, `${name}.pem`), `PEM of ${name}`);
});
afterAll(() => rmSync(directory, { recursive: true }));

test("a cluster without authentication and TLS needs neither", () => {
  expect(readCassandraSettings(CONFIG, {})).toMatchObject({ credentials: null, tls: null, datacenter: "dc1" });
});

test("the password comes from the environment", () => {
  const settings = readCassandraSettings({ ...CONFIG, user: "shard" }, { ZGATE_CASSANDRA_PASSWORD: "secret" });
  expect(settings.credentials).toEqual({ user: "shard", password: "secret" });
});

test.each([{}, { ZGATE_CASSANDRA_PASSWORD: "" }])("a password that is not there is named", (environment) => {
  expect(() => readCassandraSettings({ ...CONFIG, user: "shard" }, environment)).toThrow(
    'stores.main: the environment has no ZGATE_CASSANDRA_PASSWORD, the password of "shard"',
  );
});

test("the PEM files are read", () => {
  const tls = {
    caFile: join(directory, "ca.pem"),
    certFile: join(directory, "cert.pem"),
    keyFile: join(directory, "key.pem"),
  };
  expect(readCassandraSettings({ ...CONFIG, tls }, {}).tls).toEqual({
    ca: "PEM of ca",
    cert: "PEM of cert",
    key: "PEM of key",
  });
  const none = { caFile: null, certFile: null, keyFile: null };
  expect(readCassandraSettings({ ...CONFIG, tls: none }, {}).tls).toEqual({ ca: null, cert: null, key: null });
});

test("a PEM file that is not there is named with its setting", () => {
  const tls = { caFile: join(directory, "other.pem"), certFile: null, keyFile: null };
  expect(() => readCassandraSettings({ ...CONFIG, tls }, {})).toThrow(/^stores\.main\.tls\.ca: ENOENT.*other\.pem/);
});
