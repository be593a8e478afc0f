// A thread that runs its share of the seeds and answers once. Must not be imported; seed-crew.ts starts it.
import { parentPort, workerData } from "node:worker_threads";
import { runSeeds, type SeedRange } from "./seed-run.ts";

parentPort?.postMessage(await runSeeds(workerData as SeedRange));
