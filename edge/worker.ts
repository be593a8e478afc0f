/**
 * The Worker: the one place that chooses what is behind the edge's ports.
 * It must not hold logic beyond putting the parts together.
 */
import { parseConfig } from "../config/config.ts";
import { parseSigningKeys, SIGNING_KEYS_ENV } from "../config/signing-keys.ts";
import bundledConfig from "../zgate.toml";
import { createEdgeApp, type EdgeApp } from "./app.ts";
import { createConsoleLogger } from "./log.ts";
import type { Clock, EdgePorts, KeySource, RateLimiter, ResponseCache, ShardTransport } from "./ports.ts";

/** Variables and secrets (text) and bindings of the Worker, by name. */
type WorkerEnv = Readonly<Record<string, unknown>>;

/** Replaces the bundled zgate.toml, as text. */
const CONFIG_ENV = "ZGATE_CONFIG";

const RATE_LIMITER_BINDING = "RATE_LIMITER";

/** Largest key set taken from an issuer, in characters. */
const KEY_SET_LENGTH_MAX = 256 * 1024;

const clock: Clock = {
  nowMs: () => Date.now(),
  startTimer(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};

const transport: ShardTransport = {
  // Never Cloudflare's own cache in front of a shard, and never a redirect: neither is part of the contract.
  send: ({ url, ...call }) => fetch(url, { ...call, redirect: "manual", cache: "no-store" }),
};

const cache: ResponseCache = {
  match: (url) => caches.default.match(url),
  put: (url, response) => caches.default.put(url, response),
  async delete(url) {
    await caches.default.delete(url);
  },
};

const keySource: KeySource = {
  async fetchKeySet(url, timeoutMs) {
    const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    const text = await response.text();
    if (response.status !== 200 || text.length > KEY_SET_LENGTH_MAX) {
      throw new Error(`expected a key set, got status ${response.status} and ${text.length} characters`);
    }
    const keySet: unknown = JSON.parse(text);
    return keySet;
  },
};

const log = createConsoleLogger(clock);

/** The app of this isolate, and the environment it was made for: the same object for every request. */
let running: { readonly env: WorkerEnv; readonly app: EdgeApp } | null = null;

export default {
  async fetch(request: Request, env: WorkerEnv, context: ExecutionContext): Promise<Response> {
    if (running?.env !== env) running = { env, app: startApp(env) };
    return running.app.fetch(request, context);
  },
};

/** A configuration that is not valid is said in the log, and to every client only that it is so. */
function startApp(env: WorkerEnv): EdgeApp {
  try {
    return createEdgeApp(portsOf(env));
  } catch (error) {
    log.write("error", "configuration-invalid", { cause: error instanceof Error ? error.message : String(error) });
    const body =
      '{"title":"The gateway failed","status":500,"code":"INTERNAL","detail":"the configuration is not valid"}\n';
    const headers = { "content-type": "application/problem+json", "cache-control": "no-store" };
    return { fetch: async () => new Response(body, { status: 500, headers }) };
  }
}

function portsOf(env: WorkerEnv): EdgePorts {
  const configText = parseText(env[CONFIG_ENV]);
  return {
    config: parseConfig(configText ?? bundledConfig, configText === undefined ? "zgate.toml" : CONFIG_ENV),
    signingKeys: parseSigningKeys(parseText(env[SIGNING_KEYS_ENV])),
    keySetText: (name) => parseText(env[name]),
    keySource,
    transport,
    cache,
    clock,
    random: { uuid: () => crypto.randomUUID(), fraction: () => Math.random() },
    log,
    rateLimiter: parseRateLimiter(env[RATE_LIMITER_BINDING]),
  };
}

function parseText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function parseRateLimiter(binding: unknown): RateLimiter | null {
  return typeof binding === "object" && binding !== null && "limit" in binding ? (binding as RateLimiter) : null;
}
