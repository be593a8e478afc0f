// compose.yaml and the engines' own settings say the same. Must not need Docker.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import {
  ARTIFACTS,
  CASSANDRA_DIRECT_MEMORY,
  CASSANDRA_HEAP,
  CASSANDRA_PROPERTIES,
  CASSANDRA_SETTINGS,
  CLUSTER_NAME,
  DATACENTER,
  NODE_HOSTS,
  RACK,
  TOKENS_PER_NODE,
  USUAL_PORTS,
} from "../../../engines/settings.ts";

interface Service {
  readonly image: string;
  readonly ports: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: string;
  readonly volumes: readonly string[];
}

const root = join(import.meta.dirname, "..", "..", "..");
const { services, volumes } = parse(readFileSync(join(root, "compose.yaml"), "utf8")) as {
  readonly services: { readonly cassandra: Service; readonly dynamodb: Service };
  readonly volumes: Readonly<Record<string, null>>;
};
const environment = services.cassandra.environment ?? {};
const options = (environment["JVM_EXTRA_OPTS"] ?? "").split(/\s+/);

/** What goes by an environment variable of the image instead. */
const BY_VARIABLE = new Set(["endpoint_snitch"]);
/** Set by the image itself, or only right for a JVM that this project starts. */
const IMAGE_DOES = new Set(["cassandra-foreground", "jdk.attach.allowAttachSelf"]);

describe("compose.yaml", () => {
  it("runs the same versions", () => {
    expect(services.cassandra.image).toBe(`cassandra:${ARTIFACTS.cassandra.version}`);
    expect(services.dynamodb.image).toBe(`amazon/dynamodb-local:${ARTIFACTS.dynamodb.version}`);
  });

  it("listens at the same ports, on this machine only", () => {
    const published = (port: number): string => `${NODE_HOSTS[0]}:${port}:${port}`;
    expect(services.cassandra.ports).toEqual([published(USUAL_PORTS.cql)]);
    expect(services.dynamodb.ports).toEqual([published(USUAL_PORTS.dynamodb)]);
    expect(services.dynamodb.command).toContain(`-port ${USUAL_PORTS.dynamodb}`);
    expect(environment["CASSANDRA_BROADCAST_RPC_ADDRESS"]).toBe(NODE_HOSTS[0]);
  });

  it("gives Cassandra the same settings, and no others", () => {
    const prefix = "-Dcassandra.settings.";
    const given = options.flatMap((option) => {
      const [name = "", value = ""] = option.slice(prefix.length).split("=");
      return option.startsWith(prefix) ? [[name, value] as const] : [];
    });
    const wanted = Object.entries(CASSANDRA_SETTINGS).filter(([name]) => !BY_VARIABLE.has(name));
    expect(Object.fromEntries(given)).toEqual({
      ...Object.fromEntries(wanted.map(([name, value]) => [name, String(value)])),
      // Without a period, because the image's file has one.
      commitlog_sync_period: "0ms",
    });
    expect(options).toContain("-Dcassandra.config.allow_system_properties=true");
    expect(environment["CASSANDRA_ENDPOINT_SNITCH"]).toBe(CASSANDRA_SETTINGS.endpoint_snitch);
  });

  it("gives Cassandra the same name, place, tokens and memory", () => {
    expect(environment).toMatchObject({
      CASSANDRA_CLUSTER_NAME: CLUSTER_NAME,
      CASSANDRA_DC: DATACENTER,
      CASSANDRA_RACK: RACK,
      CASSANDRA_NUM_TOKENS: String(TOKENS_PER_NODE),
      MAX_HEAP_SIZE: CASSANDRA_HEAP,
    });
    expect(options).toContain(`-XX:MaxDirectMemorySize=${CASSANDRA_DIRECT_MEMORY}`);
    const properties = Object.entries(CASSANDRA_PROPERTIES).filter(([name]) => !IMAGE_DOES.has(name));
    expect(options).toEqual(expect.arrayContaining(properties.map(([name, value]) => `-D${name}=${value}`)));
  });

  it("keeps the data of both in volumes", () => {
    expect(Object.keys(volumes)).toEqual(["cassandra", "dynamodb"]);
    expect(services.cassandra.volumes).toEqual(["cassandra:/var/lib/cassandra"]);
    expect(services.dynamodb.volumes).toEqual(["dynamodb:/data"]);
    expect(services.dynamodb.command).toContain("-dbPath /data -sharedDb -disableTelemetry");
  });
});
