// A thread that checks its share of the keys and answers once. Must not be imported; check-history.ts starts it.
import { parentPort, workerData } from "node:worker_threads";
import type { KeyVerdict } from "./check-history.ts";
import { checkRegister } from "./check-register.ts";
import type { Operation } from "./operation.ts";

const share = workerData as readonly (readonly Operation[])[];
const verdicts = share.map(
  (operations): KeyVerdict => ({
    key: operations[0]?.key ?? "",
    operations: operations.length,
    verdict: checkRegister(operations),
  }),
);
parentPort?.postMessage(verdicts);
