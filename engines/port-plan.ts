/**
 * Which ports the engines of a directory get: the ones they had while those are free. It must not start anything.
 */
import type { ClusterPorts } from "./cassandra-program.ts";
import { choosePorts, type PortChoice } from "./ports.ts";
import { NODE_HOSTS, USUAL_PORTS } from "./settings.ts";
import type { EnginesState } from "./state-file.ts";

/** DynamoDB Local listens at every address. */
const EVERYWHERE = "0.0.0.0";

/** What ports are needed for. */
export interface PortRequest {
  readonly cassandraNodes: number;
  readonly dynamodb: boolean;
  /** `usual`: those of the manuals if they are free, for people. `any`: none that somebody else is likely to want. */
  readonly ports: "usual" | "any";
}

/** The state of the coming start. An engine that is not asked for keeps what was known of it. */
export async function planPorts(request: PortRequest, known: EnginesState, choice: PortChoice): Promise<EnginesState> {
  const { cassandraNodes: nodes, dynamodb } = request;
  const usual = request.ports === "usual" ? USUAL_PORTS : null;
  const cluster = known.cassandra;
  const hosts = NODE_HOSTS.slice(0, nodes);
  const needs = [
    { hosts, wanted: cluster?.cql ?? usual?.cql ?? null },
    { hosts, wanted: cluster?.storage ?? usual?.storage ?? null },
    ...hosts.map((_, index) => ({
      hosts: [NODE_HOSTS[0]],
      wanted: cluster?.jmx[index] ?? (usual === null ? null : usual.jmx + index),
    })),
  ];
  const [cql = 0, storage = 0, ...jmx] = nodes === 0 ? [] : await choosePorts(needs, choice);
  const wanted = known.dynamodb?.port ?? usual?.dynamodb ?? null;
  const [port = 0] = dynamodb ? await choosePorts([{ hosts: [EVERYWHERE], wanted }], choice) : [];
  const ports: ClusterPorts = { cql, storage, jmx };
  return {
    cassandra: nodes === 0 ? cluster : { nodes, ...ports },
    dynamodb: dynamodb ? { port } : known.dynamodb,
  };
}
