/**
 * `zgate get`: prints one document. It must not change its text.
 */
import type { Command } from "commander";
import type { CollectionName } from "../../router/ids.ts";
import { addExamples, addTargetOptions, type CommandContext, type TargetOptions } from "../command-context.ts";
import { documentCommand, sendOnce } from "../document-command.ts";
import { canonicalKey } from "../option-values.ts";

/** The command. */
export function getCommand({ terminal }: CommandContext): Command {
  const command = documentCommand("get", "print a document").option("--json", "print {key, etag, lastModified, value}");
  addTargetOptions(command).action(
    async (collection: CollectionName, key: string, flags: TargetOptions & { readonly json?: true }) => {
      const { headers, body } = await sendOnce(flags, { collection, key }, { method: "GET" });
      if (flags.json !== true) return terminal.out(body);
      const { etag = null, "last-modified": lastModified = null } = headers;
      const head = JSON.stringify({ key: canonicalKey(key), etag, lastModified });
      // The document goes in as it came: parsing it would round its numbers.
      terminal.out(`${head.slice(0, -1)},"value":${body.replaceAll(/[\r\n]+/g, " ")}}`);
    },
  );
  return addExamples(command, [
    ["zgate get products react", "the document as it is stored"],
    ["zgate get products react --json", "with its ETag"],
  ]);
}
