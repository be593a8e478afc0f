/**
 * The edge as it would be deployed, served by workerd without the proxy that `wrangler dev` puts in front.
 * It must not reach into the edge; it builds it with the command that deploys it.
 */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse as parseToml } from "smol-toml";
import { SIGNING_KEYS_ENV } from "../config/signing-keys.ts";
import type { BenchContext } from "./bench.ts";
import { treeOf } from "./process-tree.ts";
import type { BenchShard } from "./shard.ts";
import { type CacheKind, startWorker, type WorkerModule, type WorkerSpec } from "./workerd.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PROXIES = fileURLToPath(new URL("./bare/proxies.mjs", import.meta.url));
const BUILD_MS_MAX = 60_000;

/** A Worker that answers. */
export interface BenchWorker {
  readonly origin: string;
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** The edge's modules and what wrangler.toml says about the runtime. */
export interface EdgeBuild extends Pick<WorkerSpec, "compatibilityDate" | "compatibilityFlags"> {
  readonly modules: readonly WorkerModule[];
}

/** Bundles the edge as `wrangler deploy` does. */
export async function buildEdge(context: BenchContext): Promise<EdgeBuild> {
  const out = join(context.directory, "edge");
  const wrangler = join(dirname(createRequire(import.meta.url).resolve("wrangler/package.json")), "bin/wrangler.js");
  const env = {
    ...process.env,
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_LOG: "error",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
  };
  const args = [wrangler, "deploy", "--dry-run", "--outdir", out];
  await promisify(execFile)(process.execPath, args, { cwd: ROOT, env, timeout: BUILD_MS_MAX });
  const names = readdirSync(out).filter((name) => !name.endsWith(".map") && name !== "README.md");
  const modules = names.map(
    (name) => ({ name, path: join(out, name), kind: name.endsWith(".js") ? "esModule" : "text" }) as const,
  );
  return {
    modules: modules.toSorted(entryFirst),
    ...runtimeOf(parseToml(readFileSync(join(ROOT, "wrangler.toml"), "utf8"))),
  };
}

function entryFirst(left: WorkerModule, right: WorkerModule): number {
  return Number(right.kind === "esModule") - Number(left.kind === "esModule");
}

function runtimeOf(wrangler: Readonly<Record<string, unknown>>): Omit<EdgeBuild, "modules"> {
  const { compatibility_date: date, compatibility_flags: flags } = wrangler;
  if (typeof date !== "string") throw new Error("wrangler.toml names no compatibility_date");
  return { compatibilityDate: date, compatibilityFlags: Array.isArray(flags) ? flags.map(String) : [] };
}

/** Where a Worker listens and what it keeps answers in. */
export interface WorkerPlace {
  readonly name: string;
  readonly port: number;
  readonly cache: CacheKind;
}

/** Starts the edge in front of `shard`. */
export async function startEdge(
  context: BenchContext,
  place: WorkerPlace,
  { build, shard }: { readonly build: EdgeBuild; readonly shard: BenchShard },
): Promise<BenchWorker> {
  const variables = { [SIGNING_KEYS_ENV]: shard.signingKeys, ZGATE_CONFIG: shard.configText };
  return started(context, { ...place, ...build, entrypoint: null, variables });
}

/** Starts a bare Worker in front of `shard`, on the same runtime as the edge. */
export async function startBareWorker(
  context: BenchContext,
  place: WorkerPlace & { readonly entrypoint: "proxy" | "cachingProxy" },
  { build, shard }: { readonly build: EdgeBuild; readonly shard: BenchShard },
): Promise<BenchWorker> {
  const modules = [{ name: "proxies.mjs", path: PROXIES, kind: "esModule" }] as const;
  return started(context, { ...build, ...place, modules, variables: { ORIGIN: shard.origin } });
}

async function started(context: BenchContext, spec: WorkerSpec): Promise<BenchWorker> {
  const running = await startWorker(context, spec);
  return { origin: `http://127.0.0.1:${spec.port}`, pids: treeOf(running.pid), stop: running.stop };
}
