// A process that starts engines and waits for its end: engines-start.test.ts kills it. Called as
// `engines-owner.ts DIRECTORY NODES DYNAMODB`; prints the ids of the engines as JSON. It must not stop them itself.
import { type EnginesRequest, startEngines } from "../../engines/engines.ts";

const [directory = "", nodes = "0", dynamodb = ""] = process.argv.slice(2);
const { cassandra, dynamodb: local } = await startEngines({
  directory,
  cassandraNodes: Number(nodes) as EnginesRequest["cassandraNodes"],
  dynamodb: dynamodb === "dynamodb",
});
const pids = [...(cassandra?.nodes ?? []), ...(local === null ? [] : [local.node])].map((node) => node.pid());
process.stdout.write(`${JSON.stringify({ pids, cassandra: cassandra?.contactPoints, endpoint: local?.endpoint })}\n`);
setInterval(() => undefined, 60_000);
