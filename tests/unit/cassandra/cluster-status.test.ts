// Health by the states of nodes: what still has a quorum, and what has none.
import { expect, test } from "vitest";
import { clusterStatusOf } from "../../../shards/cassandra/cluster-status.ts";

/** "dc1+ dc1- dc2+": a node of dc1 that is up, one that is down, one of dc2. */
function nodesOf(text: string) {
  return text
    .split(" ")
    .filter((word) => word !== "")
    .map((word, index) => ({ address: `n${index + 1}`, datacenter: word.slice(0, -1), isUp: word.endsWith("+") }));
}

const ONE = { dc1: 1 };
const THREE = { dc1: 3 };
const TWO_CENTRES = { dc1: 3, dc2: 3 };

test.each([
  { name: "a single node up", nodes: "dc1+", replicas: ONE, kind: "ready" },
  { name: "a single node down", nodes: "dc1-", replicas: ONE, kind: "unreachable" },
  { name: "three of three", nodes: "dc1+ dc1+ dc1+", replicas: THREE, kind: "ready" },
  { name: "two of three: a quorum, nothing to spare", nodes: "dc1+ dc1- dc1+", replicas: THREE, kind: "impaired" },
  { name: "one of three: no quorum", nodes: "dc1+ dc1- dc1-", replicas: THREE, kind: "unreachable" },
  { name: "six nodes, three down", nodes: "dc1+ dc1+ dc1+ dc1- dc1- dc1-", replicas: THREE, kind: "impaired" },
  { name: "six nodes, one left", nodes: "dc1+ dc1- dc1- dc1- dc1- dc1-", replicas: THREE, kind: "unreachable" },
  { name: "more replicas asked for than there are nodes", nodes: "dc1+", replicas: THREE, kind: "unreachable" },
  { name: "no node known", nodes: "", replicas: ONE, kind: "unreachable" },
  { name: "only nodes of another datacenter", nodes: "dc2+", replicas: ONE, kind: "unreachable" },
  { name: "two datacenters", nodes: "dc1+ dc1+ dc1+ dc2+ dc2+ dc2+", replicas: TWO_CENTRES, kind: "ready" },
  {
    name: "the other datacenter down",
    nodes: "dc1+ dc1+ dc1+ dc2- dc2- dc2-",
    replicas: TWO_CENTRES,
    kind: "unreachable",
  },
  { name: "our datacenter down", nodes: "dc1- dc1- dc1- dc2+ dc2+ dc2+", replicas: TWO_CENTRES, kind: "unreachable" },
  {
    name: "a node of ours down, quorum over both",
    nodes: "dc1+ dc1+ dc1- dc2+ dc2+ dc2-",
    replicas: TWO_CENTRES,
    kind: "impaired",
  },
])("$name: $kind", ({ nodes, replicas, kind }) => {
  const status = clusterStatusOf(nodesOf(nodes), { datacenter: "dc1", replication: new Map(Object.entries(replicas)) });
  expect(status.kind).toBe(kind);
});

test("names the nodes that are down and the replicas that are missing", () => {
  const layout = { datacenter: "dc1", replication: new Map([["dc1", 3]]) };
  expect(clusterStatusOf(nodesOf("dc1+ dc1- dc1-"), layout)).toEqual({
    kind: "unreachable",
    detail: "2 of 3 nodes down: n2, n3; 1 replicas of 2 needed",
  });
});
