/**
 * `zgate delete`: removes one document. It must not ask back: scripts use it.
 */
import type { Command } from "commander";
import type { CollectionName } from "../../router/ids.ts";
import { addExamples, type CommandContext } from "../command-context.ts";
import { addWriteOptions, documentCommand, sendOnce, type WriteFlags, writeHeaders } from "../document-command.ts";

/** The command. */
export function deleteCommand({ terminal }: CommandContext): Command {
  const command = documentCommand("delete", "remove a document");
  addWriteOptions(command, "only if it has not").action(
    async (collection: CollectionName, key: string, flags: WriteFlags) => {
      await sendOnce(flags, { collection, key }, { method: "DELETE", headers: writeHeaders(flags) });
      terminal.out(flags.json === true ? JSON.stringify({ deleted: true }) : `deleted ${collection}/${key}`);
    },
  );
  return addExamples(command, [
    ["zgate delete products left-pad", "fails when there is none"],
    ["zgate delete products left-pad --if-match ETAG", "only the version you have seen"],
  ]);
}
