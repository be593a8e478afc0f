/**
 * `zgate up`: runs a whole gateway on this machine until it is stopped. It must not know how; the supervisor does.
 */
import { Command } from "commander";
import { addDataOption, addExamples, type CommandContext } from "../command-context.ts";
import { DEFAULT_CONFIG } from "../configuration.ts";
import { displayPath } from "../data-directory.ts";
import { SHARDS_MAX } from "../even-map.ts";
import { portNumber, wholeNumber } from "../option-values.ts";
import { runInstance } from "../supervisor/supervisor.ts";

const WORKERS_MAX = 64;

interface UpFlags {
  readonly port: number;
  readonly shardPort: number;
  readonly data: string;
  readonly workers?: number;
  readonly shards?: number;
  readonly empty?: true;
  readonly config: string;
}

/** The command. */
export function upCommand({ terminal }: CommandContext): Command {
  const command = new Command("up")
    .description("run a gateway on this machine: an edge and its shards, with sample products")
    .option("--port <n>", "port of the edge", portNumber, 8787)
    .option("--shard-port <n>", "port of the first shard; the others follow", portNumber, 8801);
  addDataOption(command)
    .option("--workers <n>", "worker processes of each shard (default: one for each core)", wholeNumber(1, WORKERS_MAX))
    .option(
      "--shards <n>",
      "number of shards (default: as the directory was created, else as configured)",
      wholeNumber(1, SHARDS_MAX),
    )
    .option("--empty", "do not load the sample products")
    .option("--config <file>", "configuration", DEFAULT_CONFIG)
    .action(async (flags: UpFlags) => {
      const { workers = null, shards = null, empty, ...others } = flags;
      await runInstance({ ...others, workers, shards, withSample: empty !== true }, terminal);
    });
  command.options.find((option) => option.long === "--config")?.default(DEFAULT_CONFIG, displayPath(DEFAULT_CONFIG));
  return addExamples(command, [
    ["zgate up", "edge on 8787, two shards from 8801, data in .zgate/"],
    ["zgate up --shards 4 --data /tmp/four", "four shards, the alphabet cut evenly"],
    ["zgate up --port 9787 --shard-port 9801 --data /tmp/other", "a second instance beside the first"],
  ]);
}
