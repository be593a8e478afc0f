/**
 * The databases that benches of a run share, each made when it is first asked for: a run that needs none starts none.
 * It must not measure anything.
 */
import { type CassandraGround, openCassandraGround } from "./cassandra-ground.ts";
import { type ClusterAddress, DatabaseServers, type DynamodbPlace } from "./database-servers.ts";

/** Belongs to the run, which closes it. */
export class Databases {
  readonly #servers: DatabaseServers;
  readonly #report: (line: string) => void;
  #cassandra: Promise<CassandraGround> | null = null;
  #ground: CassandraGround | null = null;
  #cluster: Promise<ClusterAddress> | null = null;
  #dynamodb: Promise<DynamodbPlace> | null = null;

  /** `directory` is where servers that are started keep their data and logs. */
  constructor(directory: string, report: (line: string) => void) {
    this.#servers = new DatabaseServers(directory, report);
    this.#report = report;
  }

  /** Three nodes, for keyspaces that a bench makes and drops by itself. */
  cluster(): Promise<ClusterAddress> {
    this.#cluster ??= this.#servers.startCluster();
    return this.#cluster;
  }

  /** The same with a keyspace for this run, filled. */
  cassandra(): Promise<CassandraGround> {
    this.#cassandra ??= this.#openCassandra();
    return this.#cassandra;
  }

  dynamodb(): Promise<DynamodbPlace> {
    this.#dynamodb ??= this.#servers.startDynamodb();
    return this.#dynamodb;
  }

  /** Removes what was made and stops what was started, or is starting. */
  async close(): Promise<void> {
    await this.#ground?.close().catch((error: unknown) => this.#report(`the keyspace stays: ${String(error)}`));
    await this.#servers.stop();
  }

  async #openCassandra(): Promise<CassandraGround> {
    const address = await this.cluster();
    this.#report("making a keyspace with the products in it");
    this.#ground = await openCassandraGround(address);
    return this.#ground;
  }
}
