/**
 * Completion scripts for shells, written from the commands as they are. It must not need the program when a shell
 * completes: the scripts stand alone.
 */
import type { Command, Option } from "commander";

/** Shells that there is a script for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** Shells complete after a command's own name, not after `npx`: where there is no `zgate`, it stands for `npx zgate`. */
const SHELL_FUNCTION = `command -v zgate >/dev/null 2>&1 || zgate() { npx zgate "$@"; }`;

/** Words that may stand where a collection does, and have one behind them. */
const VERBS: Readonly<{ [command: string]: string }> = { map: "diff" };

interface Entry {
  readonly name: string;
  readonly description: string;
  readonly options: readonly Option[];
  /** What the first argument is: one of these words, or anything. */
  readonly words: readonly string[];
  /** The one of these words that a collection follows, and the collections. */
  readonly verb: { readonly word: string; readonly behind: readonly string[] } | null;
}

/** The script for `shell`; `collections` are offered where a command wants one. */
export function completionScript(shell: Shell, program: Command, collections: readonly string[]): string {
  const entries = program.commands.map((command) => entryOf(command, collections));
  switch (shell) {
    case "bash":
      return bashScript(entries);
    case "zsh":
      return zshScript(entries);
    case "fish":
      return fishScript(entries);
    default:
      return shell satisfies never;
  }
}

function entryOf(command: Command, collections: readonly string[]): Entry {
  const [first] = command.registeredArguments;
  const word = VERBS[command.name()];
  const verb = word === undefined ? null : { word, behind: collections };
  const named = word === undefined ? collections : [...collections, word];
  const words = first?.argChoices ?? (first?.name() === "collection" ? named : []);
  const options = command.createHelp().visibleOptions(command);
  return { name: command.name(), description: command.description(), options, words, verb };
}

function longNames(entry: Entry): string {
  return entry.options.map((option) => option.long ?? "").join(" ");
}

function bashScript(entries: readonly Entry[]): string {
  const cases = entries.map((entry) => {
    const verb = entry.verb === null ? "" : ` verb="${entry.verb.word}"; behind="${entry.verb.behind.join(" ")}";`;
    return `    ${entry.name}) options="${longNames(entry)}"; words="${entry.words.join(" ")}";${verb} ;;`;
  });
  return `# zgate completion for bash: eval "$(npx zgate completion bash)"
${SHELL_FUNCTION}
_zgate() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" options words verb="" behind=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${entries.map((entry) => entry.name).join(" ")} --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
    *) return ;;
  esac
  case "$previous" in
    --data) COMPREPLY=($(compgen -d -- "$current")); return ;;
    --config|--refused) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")); return ;;
  esac
  if [ "$COMP_CWORD" -eq 2 ]; then COMPREPLY=($(compgen -W "$words" -- "$current"))
  elif [ "$COMP_CWORD" -eq 3 ] && [ -n "$verb" ] && [ "\${COMP_WORDS[2]}" = "$verb" ]; then COMPREPLY=($(compgen -W "$behind" -- "$current"))
  else COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _zgate zgate
`;
}

function zshScript(entries: readonly Entry[]): string {
  const commands = entries.map((entry) => `    '${entry.name}:${escapeSingle(entry.description, ":")}'`);
  const cases = entries.map((entry) => {
    const options = entry.options.map((option) => `      '${zshOption(option)}'`);
    const first = entry.words.length === 0 ? "'1: :_files'" : `'1: :(${entry.words.join(" ")})'`;
    const second = entry.verb === null ? [] : [`      '2: :(${entry.verb.behind.join(" ")})'`];
    const all = [...options, `      ${first}`, ...second, "      '*: :_files'"];
    return `    ${entry.name}) _arguments \\\n${all.join(" \\\n")} ;;`;
  });
  return `#compdef zgate
# zgate completion for zsh: eval "$(npx zgate completion zsh)"
${SHELL_FUNCTION}
_zgate() {
  local -a commands
  commands=(
${commands.join("\n")}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command="$words[2]"
  shift words; (( CURRENT-- ))
  case "$command" in
${cases.join("\n")}
  esac
}
compdef _zgate zgate
`;
}

function zshOption(option: Option): string {
  const description = escapeSingle(option.description, "[]");
  const value = option.required || option.optional ? `:${option.name()}:_files` : "";
  return `${option.long ?? ""}[${description}]${value}`;
}

function fishScript(entries: readonly Entry[]): string {
  const lines = entries.flatMap((entry) => {
    const inside = `__fish_seen_subcommand_from ${entry.name}`;
    const options = entry.options.map((option) => {
      const value = option.required || option.optional ? " -r" : "";
      const name = (option.long ?? "").replace(/^--/, "");
      return `complete -c zgate -n '${inside}' -l ${name}${value} -d '${escapeSingle(option.description, "")}'`;
    });
    const words = entry.words.length === 0 ? [] : [`complete -c zgate -n '${inside}' -a '${entry.words.join(" ")}'`];
    const head = `complete -c zgate -n __fish_use_subcommand -f -a ${entry.name} -d '${escapeSingle(entry.description, "")}'`;
    return [head, ...options, ...words];
  });
  const short = "type -q zgate; or function zgate; npx zgate $argv; end";
  return `# zgate completion for fish: npx zgate completion fish | source\n${short}\n${lines.join("\n")}\n`;
}

/** Text inside single quotes of a shell; \`special\` characters get a backslash. */
function escapeSingle(text: string, special: string): string {
  const escaped = [...text].map((symbol) => (special.includes(symbol) ? `\\${symbol}` : symbol)).join("");
  return escaped.replaceAll("'", "’");
}
