/**
 * `zgate status`: whether an instance runs in a data directory, and how it is. It must not start or stop one.
 */
import { Command } from "commander";
import { addDataOption, addExamples, type CommandContext, notRunning } from "../command-context.ts";
import { dataDirectory, displayPath } from "../data-directory.ts";
import { GatewayClient } from "../gateway-client.ts";
import { silentEngines } from "../silent-engines.ts";
import { findInstance } from "../supervisor/instance-file.ts";
import { tableLines } from "../table.ts";

interface StatusFlags {
  readonly data: string;
  readonly json?: true;
}

/** The command. */
export function statusCommand({ terminal }: CommandContext): Command {
  const command = new Command("status")
    .description("show the running instance; exit code 1 when none runs")
    .option(
      "--json",
      "print {url, pid, ports, engines, startedAt, ready, silentEngines}; the last: engines that do not answer",
    );
  addDataOption(command).action(async (flags: StatusFlags) => {
    const directory = dataDirectory(flags.data);
    const instance = findInstance(directory);
    if (instance === null) throw notRunning(directory);
    const [ready, silent] = await Promise.all([isReady(instance.url), silentEngines(instance.engines)]);
    if (flags.json === true) return terminal.out(JSON.stringify({ ...instance, ready, silentEngines: silent }));
    const ports = Object.entries(instance.ports).map(([part, port]) => [part, `port ${port}`]);
    const engines = Object.entries(instance.engines).map(([name, address]) => [
      name,
      silent.includes(name) ? `${address}, does not answer` : address,
    ]);
    const state = ["state", ready ? "ready" : "not ready"];
    const rows = [state, ["pid", String(instance.pid)], ...ports, ...engines];
    const more = [
      ["since", instance.startedAt],
      ["data", displayPath(directory.root)],
    ];
    for (const line of tableLines(["gateway", instance.url], [...rows, ...more])) terminal.out(line);
  });
  return addExamples(command, [
    ["zgate status", "the instance in .zgate/"],
    ["zgate status --json | jq -r .url", "for programs"],
  ]);
}

async function isReady(url: string): Promise<boolean> {
  const client = new GatewayClient({ url, token: () => Promise.resolve(null) });
  const answer = await client.send({ method: "GET", path: "/readyz" }).catch(() => null);
  await client.close();
  return answer?.status === 200;
}
