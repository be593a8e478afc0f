/**
 * `zgate completion`: the completion script of a shell. It must work where nothing is configured or running.
 */
import { Argument, Command } from "commander";
import { addExamples, type CommandContext } from "../command-context.ts";
import { completionScript, SHELLS, type Shell } from "../completion-script.ts";
import { DEFAULT_CONFIG, readConfiguration } from "../configuration.ts";

/** The command. */
export function completionCommand({ terminal }: CommandContext): Command {
  const command = new Command("completion")
    .description("print a completion script for a shell")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .action(async (shell: Shell) => {
      const program = command.parent ?? command;
      await terminal.raw(completionScript(shell, program, collectionNames()));
    });
  return addExamples(command, [
    ['eval "$(npx zgate completion bash)"', "completes zgate, which stands for npx zgate then; zsh alike"],
    ["npx zgate completion fish | source", "in config.fish"],
  ]);
}

function collectionNames(): readonly string[] {
  try {
    return [...readConfiguration(DEFAULT_CONFIG).config.collections.keys()];
  } catch {
    return [];
  }
}
