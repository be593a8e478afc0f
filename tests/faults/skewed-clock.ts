/**
 * Preloaded into a shard's processes (NODE_OPTIONS): the workers' clocks lie apart, every second one ahead and the others
 * behind by ZGATE_TEST_CLOCK_SKEW_MS; who takes the place of another has its clock. It must not touch clocks that only
 * measure durations.
 */
import cluster from "node:cluster";

const skewMs = Number(process.env["ZGATE_TEST_CLOCK_SKEW_MS"] ?? "0");
if (cluster.isWorker) {
  const offsetMs = Number(process.env["ZGATE_SHARD_PLACE"]) % 2 === 0 ? skewMs : -skewMs;
  const now = Date.now.bind(Date);
  Date.now = () => now() + offsetMs;
}
