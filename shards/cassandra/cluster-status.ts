/**
 * What the states of its nodes say about a cluster. It must not ask the nodes: connections that break and come back
 * are told by the driver.
 */
import type { ClusterStatus } from "./session.ts";

/** A node as the driver sees it. */
export interface NodeState {
  readonly address: string;
  readonly datacenter: string;
  readonly isUp: boolean;
}

/** Where replicas are, and which datacenter is asked. */
export interface ReplicaLayout {
  readonly datacenter: string;
  readonly replication: ReadonlyMap<string, number>;
}

/**
 * Ready with all nodes of the datacenter up. Unreachable when no node is left to ask, or when there cannot be a quorum of
 * all replicas for any slot. Where there are more nodes than replicas, some slots may lack theirs earlier.
 */
export function clusterStatusOf(
  nodes: readonly NodeState[],
  { datacenter, replication }: ReplicaLayout,
): ClusterStatus {
  const local = nodes.filter((node) => node.datacenter === datacenter);
  const down = local.filter((node) => !node.isUp);
  if (local.length === 0) return { kind: "unreachable", detail: `no node of datacenter ${datacenter} is known` };
  const detail = `${down.length} of ${local.length} nodes down: ${down.map((node) => node.address).join(", ")}`;
  const quorum = Math.floor(sum([...replication.values()]) / 2) + 1;
  const alive = sum([...replication].map(([name, replicas]) => Math.min(replicas, upIn(nodes, name))));
  if (alive < quorum) return { kind: "unreachable", detail: `${detail}; ${alive} replicas of ${quorum} needed` };
  if (down.length === local.length) return { kind: "unreachable", detail };
  return down.length === 0 ? { kind: "ready" } : { kind: "impaired", detail };
}

function upIn(nodes: readonly NodeState[], datacenter: string): number {
  return nodes.filter((node) => node.datacenter === datacenter && node.isUp).length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
