/**
 * What the engines are and how they are set: versions, addresses, server settings, memory. compose.yaml repeats it for
 * Docker, and a test keeps the two equal. It must not start anything.
 */

/** An engine as Maven knows it. */
export interface Artifact {
  readonly name: "cassandra" | "dynamodb";
  readonly groupId: string;
  readonly artifactId: string;
  readonly version: string;
}

/** The engines, in the versions everything is tested with. */
export const ARTIFACTS = {
  cassandra: { name: "cassandra", groupId: "org.apache.cassandra", artifactId: "cassandra-all", version: "5.0.8" },
  dynamodb: { name: "dynamodb", groupId: "com.amazonaws", artifactId: "DynamoDBLocal", version: "2.6.1" },
} as const satisfies Record<string, Artifact>;

/** What brings the jars; pinned, so that a new one cannot change what lies in the cache. */
export const COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies";

/** The Java that Cassandra 5.0 runs on. */
export const JAVA_MAJOR = 17;

/** The nodes of a cluster in order. A driver takes one port for all nodes, so the addresses differ. */
export const NODE_HOSTS = ["127.0.0.1", "127.0.0.2", "127.0.0.3"] as const;

/** Taken when they are free and nobody needs others: the ones of the manuals. */
export const USUAL_PORTS = { cql: 9042, storage: 7000, jmx: 7199, dynamodb: 8000 } as const;

/** Cassandra's name of the only data centre, as `NetworkTopologyStrategy` wants it. */
export const DATACENTER = "dc1";
export const RACK = "rack1";
export const CLUSTER_NAME = "zgate";

/** Few, so that work per token range stays small; several, so that ranges of all nodes lie between each other. */
export const TOKENS_PER_NODE = 4;

/** DynamoDB Local takes any; the SDK wants one. */
export const DYNAMODB_REGION = "us-east-1";

/** Settings of cassandra.yaml that have one value on every node. Where the default is meant, it is not repeated. */
export const CASSANDRA_SETTINGS = {
  partitioner: "org.apache.cassandra.dht.Murmur3Partitioner",
  endpoint_snitch: "GossipingPropertyFileSnitch",
  // Paxos v2 needs one round trip less, and a SERIAL read of an undisturbed partition only one.
  paxos_variant: "v2",
  // A write is acknowledged after its commit log is on the disk; the default (periodic) loses up to 10 s at a power failure.
  commitlog_sync: "batch",
  // Half a segment bounds one batch; 32 MiB is the default, named because group commit counts on it.
  commitlog_segment_size: "32MiB",
  // A node that cannot write its disk leaves the cluster instead of answering from what it can still read.
  disk_failure_policy: "stop",
  commit_failure_policy: "stop",
  // The defaults, named because clients have to set their own limits by them. The first is how long rounds of Paxos may
  // compete before a conditional write is reported as unknown.
  cas_contention_timeout: "1800ms",
  write_request_timeout: "2000ms",
  read_request_timeout: "5000ms",
  range_request_timeout: "10000ms",
  truncate_request_timeout: "60000ms",
  // Small machines run up to four of these at once.
  concurrent_reads: 16,
  concurrent_writes: 16,
  memtable_heap_space: "64MiB",
  memtable_offheap_space: "64MiB",
  key_cache_size: "16MiB",
} as const;

/** Bounds of a Cassandra node's memory; about 0.9 GB of it is resident. */
export const CASSANDRA_HEAP = "512M";
export const CASSANDRA_DIRECT_MEMORY = "256M";

/** When Java's optimising compiler sets in: `late` for engines that live for minutes, `soon` as Java would have it. */
export type Compiling = "late" | "soon";

/**
 * The optimising compiler waits until code is hot indeed: it would take a quarter of a start's work for code that runs once.
 * Each is eight times Java's default.
 */
export const LATE_OPTIMISATION = [
  "-XX:Tier4InvocationThreshold=40000",
  "-XX:Tier4MinInvocationThreshold=4800",
  "-XX:Tier4CompileThreshold=120000",
  "-XX:Tier4BackEdgeThreshold=320000",
] as const;

/** DynamoDB Local keeps a few thousand items here, never the data of a load test. */
export const DYNAMODB_HEAP = "256M";

/** Options of the JVM that are no business of a container's image. */
export const CASSANDRA_PROPERTIES = {
  "cassandra-foreground": "yes",
  // Nodes of one machine hear of each other at once: the 30 s a ring needs to settle are for networks.
  "cassandra.ring_delay_ms": "1000",
  "cassandra.skip_wait_for_gossip_to_settle": "0",
  "jdk.attach.allowAttachSelf": "true",
} as const;

/** Internals of Java that Cassandra uses (its own list for Java 17). */
const EXPORTED =
  "java.base/jdk.internal.misc java.base/jdk.internal.ref java.base/java.lang.ref java.base/sun.nio.ch " +
  "java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry java.rmi/sun.rmi.server " +
  "java.sql/java.sql jdk.compiler/com.sun.tools.javac.file";
const OPENED =
  "java.base/java.io java.base/java.lang java.base/java.lang.module java.base/java.lang.ref " +
  "java.base/java.lang.reflect java.base/java.math java.base/java.net java.base/java.nio java.base/java.util " +
  "java.base/java.util.concurrent java.base/java.util.concurrent.atomic java.base/jdk.internal.loader " +
  "java.base/jdk.internal.math java.base/jdk.internal.module java.base/jdk.internal.ref " +
  "java.base/jdk.internal.reflect java.base/jdk.internal.util.jar java.base/jdk.internal.vm java.base/sun.nio.ch " +
  "jdk.management/com.sun.management.internal";

/** The options that let Cassandra reach them. */
export const MODULE_OPTIONS: readonly string[] = [
  ...EXPORTED.split(" ").flatMap((name) => ["--add-exports", `${name}=ALL-UNNAMED`]),
  ...OPENED.split(" ").flatMap((name) => ["--add-opens", `${name}=ALL-UNNAMED`]),
];
