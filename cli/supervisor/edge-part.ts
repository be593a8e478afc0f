/**
 * How the edge is started on one machine: `wrangler dev` under its guard, quiet, with secrets in a private file.
 * It must not put a secret on a command line, where every user of the machine can read it.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { SIGNING_KEYS_ENV } from "../../config/signing-keys.ts";
import { type DataDirectory, PROJECT_ROOT, writeWhole } from "../data-directory.ts";
import { LOCAL_JWKS_ENV, readPublicJwks, readSigningKeys } from "../keys.ts";
import type { PartSpec } from "./part.ts";
import { LOCAL_HOST } from "./ports.ts";

const EDGE_STOP_MS = 10_000;

/** Keeps wrangler quiet, offline and out of the user's home. Tracing every request would cost half the throughput. */
const WRANGLER_ENV = {
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_WRITE_LOGS: "false",
  WRANGLER_CI_DISABLE_CONFIG_WATCHING: "true",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: "true",
  CLOUDFLARE_INCLUDE_PROCESS_ENV: "false",
  X_LOCAL_OBSERVABILITY: "false",
  X_LOCAL_EXPLORER: "false",
  NO_COLOR: "1",
  FORCE_COLOR: "0",
};

/** Writes the edge's environment file and says how to start the edge. `configText` is TOML. */
export function prepareEdge(directory: DataDirectory, port: number, configText: string): PartSpec {
  writeWhole(directory.edgeEnv, edgeEnvironment(directory, configText), 0o600);
  return {
    name: "edge",
    file: join(import.meta.dirname, "edge-guard.ts"),
    args: [
      directory.edgeEnv,
      process.execPath,
      "--no-warnings",
      wranglerProgram(),
      ...wranglerOptions(directory, port),
    ],
    env: { ...WRANGLER_ENV, WRANGLER_REGISTRY_PATH: directory.registry, WRANGLER_LOG_PATH: directory.logs },
    cwd: PROJECT_ROOT,
    logFile: join(directory.logs, "edge.log"),
    stopMs: EDGE_STOP_MS,
  };
}

function wranglerOptions(directory: DataDirectory, port: number): readonly string[] {
  return [
    "dev",
    "--local",
    ...["--config", join(PROJECT_ROOT, "wrangler.toml")],
    ...["--ip", LOCAL_HOST, "--port", String(port), "--inspector-port", "0"],
    ...["--env-file", directory.edgeEnv],
    ...["--persist-to", directory.edgeState],
    ...["--log-level", "warn", "--show-interactive-dev-session=false"],
  ];
}

/** The program behind wrangler's launcher: run by itself it is one process less that could be left over. */
function wranglerProgram(): string {
  const manifest = createRequire(import.meta.url).resolve("wrangler/package.json");
  return join(dirname(manifest), "wrangler-dist", "cli.js");
}

function edgeEnvironment(directory: DataDirectory, configText: string): string {
  const values = {
    [SIGNING_KEYS_ENV]: readSigningKeys(directory),
    [LOCAL_JWKS_ENV]: readPublicJwks(directory),
    ZGATE_CONFIG: plainToml(configText),
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join("");
}

/**
 * TOML without the three characters that mean something in an environment file. In text made by a TOML writer
 * they stand only inside basic strings, where an escape means the same.
 */
export function plainToml(text: string): string {
  return text.replaceAll("'", "\\u0027").replaceAll("$", "\\u0024").replaceAll("`", "\\u0060");
}
