/**
 * What every command is given, and the options that most of them share: where the instance is and who asks. It must
 * not hold what only one command needs.
 */
import { type Command, Option } from "commander";
import { instanceConfiguration, localIssuer } from "./configuration.ts";
import { type DataDirectory, DEFAULT_DATA, dataDirectory, displayPath } from "./data-directory.ts";
import { CliFailure } from "./failure.ts";
import { GatewayClient, type TokenSource } from "./gateway-client.ts";
import { mintToken } from "./keys.ts";
import { folderPath, gatewayUrl } from "./option-values.ts";
import { findInstance } from "./supervisor/instance-file.ts";
import { hasLostCatalog, readLayout, withoutCatalog } from "./supervisor/layout.ts";
import type { Terminal } from "./terminal.ts";

/** The world as a command sees it. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** `--data`, `--url`, `--token` as given. */
export interface TargetOptions {
  readonly data: string;
  readonly url?: string;
  readonly token?: string;
}

/** Who a token that is made on the fly speaks for. */
const LOCAL_SUBJECT = "zgate-cli";

/** Life of a token made on the fly, and how long before its end the next one is made. */
const TOKEN_TTL_MS = 10 * 60_000;
const TOKEN_RENEWAL_MS = 60_000;

/** `--data` alone. */
export function addDataOption(command: Command): Command {
  return command.addOption(
    new Option("--data <dir>", "data directory of the instance")
      .argParser(folderPath)
      .default(DEFAULT_DATA, displayPath(DEFAULT_DATA)),
  );
}

/** `--data`, `--url` and `--token`. */
export function addTargetOptions(command: Command): Command {
  return addDataOption(command)
    .addOption(new Option("--url <url>", "a gateway that is not a local instance").argParser(gatewayUrl))
    .addOption(new Option("--token <jwt>", "bearer token for it").env("ZGATE_TOKEN"));
}

/** A client of the gateway that the options name. `permissions` are asked for when a token is made on the fly. */
export function connect(
  target: TargetOptions,
  permissions: readonly string[],
  options: { readonly connections?: number } = {},
): GatewayClient {
  if (target.url !== undefined) return new GatewayClient({ url: target.url, token: givenToken(target), ...options });
  const directory = dataDirectory(target.data);
  const instance = findInstance(directory);
  if (instance === null) throw notRunning(directory);
  const token = target.token === undefined ? localToken(directory, permissions) : givenToken(target);
  return new GatewayClient({ url: instance.url, token, ...options });
}

/** No instance runs in the directory. */
export function notRunning(directory: DataDirectory): CliFailure {
  const start = directory.root === DEFAULT_DATA ? "npm start" : `npm start -- --data ${displayPath(directory.root)}`;
  return new CliFailure(`no instance is running in ${displayPath(directory.root)} — start one with \`${start}\``);
}

/** There is no file of the catalog: it is lost where there has been an instance, running or not, and else there never was one. */
export function noCatalog(directory: DataDirectory): CliFailure {
  const isRunning = readLayout(directory) === null && findInstance(directory) !== null;
  return isRunning || hasLostCatalog(directory) ? withoutCatalog(directory) : notRunning(directory);
}

function givenToken(target: TargetOptions): TokenSource {
  return () => Promise.resolve(target.token ?? null);
}

/** Tokens of the instance's own key, renewed in time. */
function localToken(directory: DataDirectory, permissions: readonly string[]): TokenSource {
  const { issuer, audience } = localIssuer(instanceConfiguration(directory).config);
  let current: Promise<string> | null = null;
  let renewAtMs = 0;
  return () => {
    if (current === null || Date.now() >= renewAtMs) {
      renewAtMs = Date.now() + TOKEN_TTL_MS - TOKEN_RENEWAL_MS;
      current = mintToken(directory, { issuer, audience, subject: LOCAL_SUBJECT, permissions, ttlMs: TOKEN_TTL_MS });
    }
    return current;
  };
}

/** The examples under a command's help. */
export function addExamples(command: Command, examples: readonly (readonly [string, string])[]): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, meaning]) => `  ${line.padEnd(width)}  # ${meaning}`);
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}
