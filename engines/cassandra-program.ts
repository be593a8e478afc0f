/**
 * The command line and the configuration files of one Cassandra node. It must not start it.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { EngineProgram } from "./engine-node.ts";
import { answersCql } from "./probes.ts";
import {
  CASSANDRA_DIRECT_MEMORY,
  CASSANDRA_HEAP,
  CASSANDRA_PROPERTIES,
  CASSANDRA_SETTINGS,
  CLUSTER_NAME,
  type Compiling,
  DATACENTER,
  LATE_OPTIMISATION,
  MODULE_OPTIONS,
  NODE_HOSTS,
  RACK,
  TOKENS_PER_NODE,
} from "./settings.ts";

const TOKEN_MIN = -(2n ** 63n);
const TOKEN_COUNT = 2n ** 64n;

/** Draining takes a second or two; a machine under load needs longer. */
const STOP_MS_MAX = 60_000;

const LOGBACK = `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date{ISO8601} %F:%L - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
`;

/** Ports of a cluster. One JMX port for each node, because JMX listens at 127.0.0.1 only. */
export interface ClusterPorts {
  readonly cql: number;
  readonly storage: number;
  readonly jmx: readonly number[];
}

/** One node of a cluster to run. */
export interface CassandraPlan {
  /** From 0. */
  readonly index: number;
  readonly nodes: number;
  readonly directory: string;
  readonly logFile: string;
  readonly ports: ClusterPorts;
  readonly java: string;
  /** Folder with the jars. */
  readonly lib: string;
  /** Of cassandra.yaml, beside those of the project or instead of them. */
  readonly settings: Readonly<Record<string, string>>;
  readonly compiles: Compiling;
}

/** What runs the node. */
export function cassandraProgram(plan: CassandraPlan): EngineProgram {
  const host = hostOf(plan.index);
  return {
    name: `cassandra-${plan.index + 1}`,
    host,
    port: plan.ports.cql,
    directory: plan.directory,
    logFile: plan.logFile,
    command: plan.java,
    args: commandLine(plan),
    files: {
      // JSON is YAML.
      "conf/cassandra.yaml": `${JSON.stringify(configuration(plan), null, 2)}\n`,
      "conf/cassandra-rackdc.properties": `dc=${DATACENTER}\nrack=${RACK}\n`,
      "conf/logback.xml": LOGBACK,
    },
    isServing: () => answersCql({ host, port: plan.ports.cql }, 1),
    stopMsMax: STOP_MS_MAX,
  };
}

/** The address of a node, from 0. */
function hostOf(index: number): string {
  const host = NODE_HOSTS[index];
  if (host === undefined) throw new RangeError(`there is no node ${index + 1}`);
  return host;
}

/** cassandra.yaml of the node as data. */
export function configuration({
  index,
  nodes,
  directory,
  ports,
  settings,
}: CassandraPlan): Readonly<Record<string, unknown>> {
  const data = (name: string): string => join(directory, "data", name);
  // Each node is a seed: a seed takes its tokens at once, so that all can start together. Nothing streams to a new one,
  // so a node must never come back without its data while the others have theirs.
  const seeds = NODE_HOSTS.slice(0, nodes).map((host) => `${host}:${ports.storage}`);
  return {
    ...CASSANDRA_SETTINGS,
    ...settings,
    cluster_name: CLUSTER_NAME,
    num_tokens: TOKENS_PER_NODE,
    initial_token: tokensOf(index, nodes),
    listen_address: hostOf(index),
    rpc_address: hostOf(index),
    native_transport_port: ports.cql,
    storage_port: ports.storage,
    seed_provider: [
      { class_name: "org.apache.cassandra.locator.SimpleSeedProvider", parameters: [{ seeds: seeds.join(",") }] },
    ],
    data_file_directories: [data("data")],
    commitlog_directory: data("commitlog"),
    saved_caches_directory: data("saved-caches"),
    hints_directory: data("hints"),
    cdc_raw_directory: data("cdc"),
  };
}

/** The tokens of a node: the ring in equal parts, dealt out in turn. Fixed, so that no two nodes can draw the same. */
function tokensOf(index: number, nodes: number): string {
  const parts = BigInt(TOKENS_PER_NODE * nodes);
  const own = Array.from({ length: TOKENS_PER_NODE }, (_, turn) => BigInt(turn * nodes + index));
  return own.map((part) => TOKEN_MIN + (part * TOKEN_COUNT) / parts + 1n).join(",");
}

function commandLine({ index, directory, ports, lib, compiles }: CassandraPlan): readonly string[] {
  const conf = join(directory, "conf");
  const properties = {
    ...CASSANDRA_PROPERTIES,
    "cassandra.config": pathToFileURL(join(conf, "cassandra.yaml")).href,
    "logback.configurationFile": pathToFileURL(join(conf, "logback.xml")).href,
    "cassandra.storagedir": join(directory, "data"),
    "cassandra.logdir": directory,
    "cassandra.jmx.local.port": ports.jmx[index],
    "java.io.tmpdir": join(directory, "tmp"),
    "jna.tmpdir": join(directory, "tmp"),
  };
  return [
    `-javaagent:${join(lib, "jamm-0.4.0.jar")}`,
    ...MODULE_OPTIONS,
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    ...[`-Xms${CASSANDRA_HEAP}`, `-Xmx${CASSANDRA_HEAP}`, "-Xss256k", "-XX:+UseSerialGC"],
    ...[
      `-XX:MaxDirectMemorySize=${CASSANDRA_DIRECT_MEMORY}`,
      "-XX:+PerfDisableSharedMem",
      "-XX:+ExitOnOutOfMemoryError",
    ],
    ...(compiles === "late" ? LATE_OPTIMISATION : []),
    "-ea",
    ...["-cp", `${conf}:${join(lib, "*")}`],
    "org.apache.cassandra.service.CassandraDaemon",
  ];
}
