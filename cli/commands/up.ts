/**
 * `zgate up`: runs a whole gateway on this machine until it is stopped. It must not know how; the supervisor does.
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { addDataOption, addExamples, type CommandContext } from "../command-context.ts";
import { DEFAULT_CONFIG } from "../configuration.ts";
import { displayPath } from "../data-directory.ts";
import { SHARDS_MAX } from "../even-map.ts";
import { portNumber, wholeNumber } from "../option-values.ts";
import { CATALOG_KINDS, STORE_KINDS } from "../storage-choice.ts";
import { runInstance } from "../supervisor/supervisor.ts";

const WORKERS_MAX = 64;

interface UpFlags {
  readonly port: number;
  readonly shardPort: number;
  readonly data: string;
  readonly workers?: number;
  readonly shards?: number;
  readonly store?: (typeof STORE_KINDS)[number];
  readonly catalog?: (typeof CATALOG_KINDS)[number];
  readonly nodes?: number;
  readonly empty?: true;
  readonly config: string;
}

/** One node to try it, three to lose one: two would be lost with the first. */
function clusterSize(text: string): number {
  if (text === "1" || text === "3") return Number(text);
  throw new InvalidArgumentError("Expected 1 or 3.");
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
      "number of shards; more than the directory has are added (default: as it was created, else as configured)",
      wholeNumber(1, SHARDS_MAX),
    )
    .addOption(
      new Option("--store <kind>", "what new shards keep their data in (default: as the others, else sqlite)").choices(
        STORE_KINDS,
      ),
    )
    .addOption(
      new Option("--catalog <kind>", "what the shard maps lie in (default: as created, else sqlite)").choices(
        CATALOG_KINDS,
      ),
    )
    .option("--nodes <n>", "Cassandra nodes, 1 or 3 (default: as created, else 1)", clusterSize)
    .option("--empty", "do not load the sample products")
    .option("--config <file>", "configuration", DEFAULT_CONFIG)
    .action(async (flags: UpFlags) => {
      const { workers = null, shards = null, empty, port, shardPort, data, config } = flags;
      const { store = null, catalog = null, nodes = null } = flags;
      const storage = { store, catalog, nodes };
      const options = { port, shardPort, data, config, workers, shards, storage, withSample: empty !== true };
      await runInstance(options, terminal);
    });
  command.options.find((option) => option.long === "--config")?.default(DEFAULT_CONFIG, displayPath(DEFAULT_CONFIG));
  return addExamples(command, [
    ["zgate up", "edge on 8787, two shards from 8801, data in .zgate/"],
    ["zgate up --shards 4 --data /tmp/four", "four shards, the alphabet cut evenly"],
    ["zgate up --store cassandra --catalog dynamodb --data /tmp/real", "on real engines, started beside it (Java 17)"],
    ["zgate up --shards 3 --store cassandra", "a third shard, on Cassandra, beside two that stay in files"],
    ["zgate up --port 9787 --shard-port 9801 --data /tmp/other", "a second instance beside the first"],
  ]);
}
