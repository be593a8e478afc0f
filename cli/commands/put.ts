/**
 * `zgate put`: stores one document under a key. It must not look into the document.
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
export function putCommand({ terminal }: CommandContext): Command {
  const command = documentCommand("put", "store a document").argument("<document>", "JSON, @FILE, or - for stdin");
  addWriteOptions(command, CREATE_ONLY).action(
    async (collection: CollectionName, key: string, document: string, flags: WriteFlags) => {
      const headers = { "content-type": "application/json", ...writeHeaders(flags) };
      const answer = await sendOnce(flags, { collection, key }, { method: "PUT", headers, body: readBody(document) });
      const done = answer.status === 201 ? "created" : "replaced";
      terminal.out(flags.json === true ? answer.body : `${done} ${collection}/${key}, ETag ${answer.headers["etag"]}`);
    },
  );
  return addExamples(command, [
    [`zgate put products left-pad '{"version":"1.3.0"}'`, "create or replace"],
    ["zgate put products left-pad @left-pad.json --if-none-match '*'", "create only"],
    ["jq .value saved.json | zgate put products left-pad -", "from stdin"],
  ]);
}
