/**
 * The bare counterpart of a shard: a cluster of node:http servers that answer recorded bytes from memory.
 * It must not do anything that a shard does beyond HTTP: no signature, no store, no routing.
 */
import cluster from "node:cluster";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { parseRecordedAnswers } from "../recorded-answer.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    workers: { type: "string", default: "1" },
    answers: { type: "string", default: "" },
  },
});

function runPrimary(): void {
  const workersMax = Number(values.workers);
  let listening = 0;
  cluster.on("listening", () => {
    listening += 1;
    if (listening === workersMax) process.send?.({ type: "ready" });
  });
  for (let number = 0; number < workersMax; number += 1) cluster.fork();
}

function runWorker(): void {
  const answers = parseRecordedAnswers(readFileSync(values.answers, "utf8"));
  const server = createServer((request, response) => {
    const answer = answers.get(request.url ?? "");
    if (answer === undefined) response.writeHead(404).end();
    else response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server.listen(Number(values.port), "127.0.0.1");
}

process.once("disconnect", () => process.exit(0));
process.once("SIGTERM", () => process.exit(0));
if (cluster.isPrimary) runPrimary();
else runWorker();
