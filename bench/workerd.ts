/**
 * workerd without wrangler: a configuration written out and a process that serves it.
 * It must not know which Worker it serves.
 */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchContext } from "./bench.ts";
import type { RunningProcess } from "./processes.ts";

const KEEPER = fileURLToPath(new URL("./workerd-process.ts", import.meta.url));

/** A module of a Worker: its name as it is imported, its file, and how it is read. The first one is the entry. */
export interface WorkerModule {
  readonly name: string;
  readonly path: string;
  readonly kind: "esModule" | "text";
}

/** What the Cache API does: keep answers, or take them and forget them, so that every look is a miss. */
export type CacheKind = "memory" | "forgetful";

/** What to serve. `entrypoint` names an export; null for the default one. */
export interface WorkerSpec {
  readonly name: string;
  readonly port: number;
  readonly modules: readonly WorkerModule[];
  readonly entrypoint: string | null;
  readonly cache: CacheKind;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

const CACHE_STORE: WorkerModule = {
  name: "cache-store.mjs",
  path: fileURLToPath(new URL("./bare/cache-store.mjs", import.meta.url)),
  kind: "esModule",
};

/** Starts workerd with one Worker that may reach this machine, and a Cache API kept in memory. */
export function startWorker(context: BenchContext, spec: WorkerSpec): Promise<RunningProcess> {
  // A configuration embeds files beside it; an absolute path would mean something else there.
  const folder = join(context.directory, spec.name);
  mkdirSync(folder);
  for (const { name, path } of [...spec.modules, CACHE_STORE]) copyFileSync(path, join(folder, name));
  const file = join(folder, "config.capnp");
  writeFileSync(file, configText(spec));
  return context.processes.startReady({
    module: KEEPER,
    arguments: [file],
    environment: {},
    log: join(context.directory, `${spec.name}.log`),
  });
}

/** workerd's configuration language (workerd.capnp); its texts are written like JSON's. */
function configText(spec: WorkerSpec): string {
  const bindings = Object.entries(spec.variables).map(
    ([name, value]) => `(name = ${text(name)}, text = ${text(value)})`,
  );
  const entrypoint = spec.entrypoint === null ? "" : `, entrypoint = ${text(spec.entrypoint)}`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "cache", worker = .cache),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${spec.port}", http = (), service = (name = "worker"${entrypoint}))],
);
const worker :Workerd.Worker = (
  modules = [${spec.modules.map(moduleText).join(", ")}],
  compatibilityDate = ${text(spec.compatibilityDate)},
  compatibilityFlags = [${spec.compatibilityFlags.map(text).join(", ")}],
  bindings = [${bindings.join(", ")}],
  cacheApiOutbound = (name = "cache", entrypoint = ${text(`${spec.cache}Store`)}),
);
const cache :Workerd.Worker = (
  modules = [${moduleText(CACHE_STORE)}],
  compatibilityDate = ${text(spec.compatibilityDate)},
);
`;
}

function moduleText({ name, kind }: WorkerModule): string {
  return `(name = ${text(name)}, ${kind} = embed ${text(name)})`;
}

function text(value: string): string {
  return JSON.stringify(value);
}
