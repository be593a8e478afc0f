// Which engines an instance can lose and go on.
import { expect, test } from "vitest";
import { EngineLosses } from "../../../cli/supervisor/engine-losses.ts";

test.each([
  { name: "one of three nodes", nodes: 3, lost: ["cassandra-2"], means: ["bearable"] },
  { name: "two of three nodes", nodes: 3, lost: ["cassandra-2", "cassandra-1"], means: ["bearable", "fatal"] },
  { name: "the only node", nodes: 1, lost: ["cassandra-1"], means: ["fatal"] },
  { name: "the catalog", nodes: 3, lost: ["dynamodb"], means: ["bearable"] },
  {
    name: "the catalog beside the only node",
    nodes: 1,
    lost: ["dynamodb", "cassandra-1"],
    means: ["bearable", "fatal"],
  },
  { name: "the catalog without nodes", nodes: 0, lost: ["dynamodb"], means: ["bearable"] },
  { name: "the same node twice", nodes: 3, lost: ["cassandra-2", "cassandra-2"], means: ["bearable", "bearable"] },
])("the loss of $name", ({ nodes, lost, means }) => {
  const losses = new EngineLosses(nodes);
  expect(lost.map((name) => losses.add(name))).toEqual(means);
});

test("a node that serves again is no loss any more", () => {
  const losses = new EngineLosses(3);
  expect(losses.add("cassandra-1")).toBe("bearable");
  losses.takeBack("cassandra-1");
  expect(losses.add("cassandra-2")).toBe("bearable");
  expect(losses.add("cassandra-1")).toBe("fatal");
});
