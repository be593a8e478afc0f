/**
 * `zgate patch`: changes members of one document by a JSON merge patch (RFC 7396). It must not merge anything here.
 */
import type { Command } from "commander";
import type { CollectionName } from "../../router/ids.ts";
import { addExamples, type CommandContext } from "../command-context.ts";
import {
  addWriteOptions,
  CREATE_ONLY,
  documentCommand,
  readBody,
  sendOnce,
  type WriteFlags,
  writeHeaders,
} from "../document-command.ts";

/** The command. */
export function patchCommand({ terminal }: CommandContext): Command {
  const command = documentCommand("patch", "change members of a document (JSON merge patch)").argument(
    "<patch>",
    "JSON, @FILE, or - for stdin; null removes a member",
  );
  addWriteOptions(command, CREATE_ONLY).action(
    async (collection: CollectionName, key: string, patch: string, flags: WriteFlags) => {
      const headers = { "content-type": "application/merge-patch+json", ...writeHeaders(flags) };
      const answer = await sendOnce(flags, { collection, key }, { method: "PATCH", headers, body: readBody(patch) });
      terminal.out(flags.json === true ? answer.body : `changed ${collection}/${key}, ETag ${answer.headers["etag"]}`);
    },
  );
  return addExamples(command, [
    [`zgate patch products react '{"summary":"A library"}'`, "other members stay"],
    [`zgate patch products react '{"summary":null}'`, "removes a member"],
  ]);
}
