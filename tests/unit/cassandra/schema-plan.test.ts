// A plan as people read it. What is planned for which keyspace is tested on real servers: tests/engines/cassandra-schema.test.ts.
import { expect, test } from "vitest";
import { allSteps, cqlOf, isUpToDate, type SchemaPlan } from "../../../shards/cassandra/schema-plan.ts";

const STEP = { title: "a step", actions: [] };
const EMPTY: SchemaPlan = { keyspace: "k", preparation: [], steps: [], differences: [] };

test("a change is shown as it is", () => {
  expect(cqlOf({ kind: "change", cql: "DROP TABLE k.t" })).toBe("DROP TABLE k.t");
});

test("a record is shown with its values, which stay values", () => {
  const statement = { cql: "INSERT INTO k.t (a, b, c) VALUES (?, ?, ?) IF NOT EXISTS", parameters: [1, 2n, "it's ?"] };
  expect(cqlOf({ kind: "record", statement })).toBe("INSERT INTO k.t (a, b, c) VALUES (1, 2, 'it''s ?') IF NOT EXISTS");
});

test.each([
  { name: "nothing to do", plan: EMPTY, isDone: true },
  { name: "a preparation to do", plan: { ...EMPTY, preparation: [STEP] }, isDone: false },
  { name: "a step to do", plan: { ...EMPTY, steps: [STEP] }, isDone: false },
  { name: "only a difference to tell", plan: { ...EMPTY, differences: ["replication"] }, isDone: true },
])("with $name a plan is up to date: $isDone", ({ plan, isDone }) => {
  expect(isUpToDate(plan)).toBe(isDone);
  expect(allSteps(plan)).toHaveLength(isDone ? 0 : 1);
});
