/**
 * How a shard is started on one machine. It must not know what happens inside: shards/main.ts is a program.
 */
import { join } from "node:path";
import { SIGNING_KEYS_ENV } from "../../config/signing-keys.ts";
import { type DataDirectory, PROJECT_ROOT } from "../data-directory.ts";
import { readSigningKeys } from "../keys.ts";
import type { PartSpec } from "./part.ts";
import { LOCAL_HOST } from "./ports.ts";

const SHARD_STOP_MS = 15_000;

/** One shard. `workers` null leaves the number to the shard: one for each core. */
export interface ShardPlan {
  readonly id: string;
  readonly port: number;
  readonly workers: number | null;
}

/** Says how to start a shard. */
export function prepareShard(directory: DataDirectory, plan: ShardPlan): PartSpec {
  const workers = plan.workers === null ? [] : ["--workers", String(plan.workers)];
  return {
    name: plan.id,
    file: join(PROJECT_ROOT, "shards", "main.ts"),
    args: [
      ...["--shard", plan.id, "--config", directory.config, "--catalog", directory.catalog],
      ...["--data", join(directory.root, plan.id), "--host", LOCAL_HOST, "--port", String(plan.port)],
      ...workers,
    ],
    env: { [SIGNING_KEYS_ENV]: readSigningKeys(directory), NODE_ENV: "production" },
    cwd: PROJECT_ROOT,
    logFile: join(directory.logs, `${plan.id}.log`),
    stopMs: SHARD_STOP_MS,
  };
}
