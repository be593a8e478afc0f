/**
 * `zgate token`: a bearer token of the instance's own key, bare on stdout. It must not print anything else there:
 * `$(zgate token …)` is how it is used.
 */
import { Command, Option } from "commander";
import { OPERATE_PERMISSION } from "../../router/permissions.ts";
import { addDataOption, addExamples, type CommandContext } from "../command-context.ts";
import { allPermissions, instanceConfiguration, localIssuer } from "../configuration.ts";
import { dataDirectory } from "../data-directory.ts";
import { mintToken } from "../keys.ts";
import { durationMs, permissionList } from "../option-values.ts";

interface TokenFlags {
  readonly subject: string;
  readonly permissions?: readonly string[];
  readonly ttl: number;
  readonly data: string;
  readonly json?: true;
}

const HOUR_MS = 3_600_000;

/** The command. */
export function tokenCommand({ terminal }: CommandContext): Command {
  const command = new Command("token")
    .description("print a bearer token that the local instance accepts")
    .option("--subject <name>", "whom the token speaks for", "local")
    .option("--permissions <list>", "comma separated (default: read and write everything)", permissionList)
    .addOption(new Option("--ttl <duration>", "how long it is good for").argParser(durationMs).default(HOUR_MS, "1h"))
    .option("--json", "print {token, subject, permissions, expiresAt}");
  addDataOption(command).action(async (flags: TokenFlags) => {
    const directory = dataDirectory(flags.data);
    const { config } = instanceConfiguration(directory);
    const unknown = unknownCollections(flags.permissions ?? [], config.collections);
    if (unknown.length > 0) {
      const known = [...config.collections.keys()].join(", ");
      terminal.note(`zgate: not configured: ${unknown.join(", ")}; the collections are ${known}`);
    }
    const permissions = flags.permissions ?? allPermissions(config);
    const { issuer, audience } = localIssuer(config);
    const expiresAt = new Date(Date.now() + flags.ttl).toISOString();
    const { subject } = flags;
    const token = await mintToken(directory, { issuer, audience, subject, permissions, ttlMs: flags.ttl });
    terminal.out(flags.json === true ? JSON.stringify({ token, subject, permissions, expiresAt }) : token);
  });
  return addExamples(command, [
    ["zgate token", "everything, for an hour"],
    ["zgate token --subject ann --permissions products:read --ttl 10m", "reading only, for ten minutes"],
    ['curl -H "Authorization: Bearer $(npx zgate token)" …', "in a request"],
  ]);
}

/** Collections that permissions are for and that there are not: a slip of the pen, most of the time. */
function unknownCollections(permissions: readonly string[], known: ReadonlyMap<string, unknown>): readonly string[] {
  const names = permissions.filter((name) => name !== OPERATE_PERMISSION).map((name) => name.split(":")[0] ?? "");
  return [...new Set(names)].filter((name) => !known.has(name));
}
