/**
 * What `get`, `put`, `patch` and `delete` share: their arguments, their one request, what they print. It must not
 * repeat a request: a person decides that.
 */
import { readFileSync } from "node:fs";
import { Argument, Command } from "commander";
import { encodeKey } from "../router/canonical-key.ts";
import type { CollectionName } from "../router/ids.ts";
import { accessPermissions } from "../router/permissions.ts";
import { addTargetOptions, connect, type TargetOptions } from "./command-context.ts";
import { displayPath } from "./data-directory.ts";
import { CliFailure, errorLine } from "./failure.ts";
import { type GatewayAnswer, type GatewayRequest, isSuccess, problemOf, refusal } from "./gateway-client.ts";
import { canonicalKey, collectionName } from "./option-values.ts";

/** Options of requests that write. */
export interface WriteFlags extends TargetOptions {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
  readonly idempotencyKey?: string;
  readonly json?: true;
}

/** A command on one document: `zgate NAME <collection> <key>`. */
export function documentCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addArgument(new Argument("<collection>", "for example products").argParser(collectionName))
    .argument("<key>", "the key as people write it");
}

/** What `--if-none-match` means to a command that stores. */
export const CREATE_ONLY = "only if it has not; * to create only";

/** Adds the options of requests that write, and where to send them. */
export function addWriteOptions(command: Command, ifNoneMatch: string): Command {
  command
    .option("--if-match <etag>", "only if the document has this ETag, or * for any")
    .option("--if-none-match <etag>", ifNoneMatch)
    .option("--idempotency-key <text>", "a repetition with the same key changes nothing more")
    .option("--json", "print the answer as JSON");
  return addTargetOptions(command);
}

/** Headers that the options stand for. */
export function writeHeaders(flags: WriteFlags): Readonly<Record<string, string>> {
  return {
    ...(flags.ifMatch === undefined ? {} : { "if-match": entityTag(flags.ifMatch) }),
    ...(flags.ifNoneMatch === undefined ? {} : { "if-none-match": entityTag(flags.ifNoneMatch) }),
    ...(flags.idempotencyKey === undefined ? {} : { "idempotency-key": flags.idempotencyKey }),
  };
}

/** Shells eat quotes: an ETag without them gets them back. */
function entityTag(text: string): string {
  return text === "*" || text.includes('"') ? text : `"${text}"`;
}

/** Sends one request about one document. Throws `CliFailure` unless it succeeds. */
export async function sendOnce(
  target: TargetOptions,
  document: { readonly collection: CollectionName; readonly key: string },
  request: Omit<GatewayRequest, "path">,
): Promise<GatewayAnswer> {
  const path = `/${document.collection}/${encodeKey(canonicalKey(document.key))}`;
  const client = connect(target, accessPermissions(document.collection));
  try {
    const answer = await client.reach({ ...request, path });
    if (isSuccess(answer)) return answer;
    const isTaken = answer.status === 412 && request.headers?.["if-none-match"] === "*";
    throw isTaken ? alreadyThere(document, answer) : refusal(answer);
  } finally {
    await client.close();
  }
}

/** What a refused creation means. */
function alreadyThere(
  { collection, key }: { readonly collection: string; readonly key: string },
  answer: GatewayAnswer,
): CliFailure {
  const { code } = problemOf(answer);
  return new CliFailure(`there is already a document ${collection}/${key} (412 ${code})`, {
    reason: code,
    hint: "leave out --if-none-match to write over it, or choose another key",
  });
}

/** A body as given on the command line: JSON text, `@FILE`, or `-` for what comes in on stdin. */
export function readBody(given: string): string {
  if (given !== "-" && !given.startsWith("@")) return given;
  const source = given === "-" ? 0 : given.slice(1);
  try {
    return readFileSync(source, "utf8");
  } catch (error) {
    const name = given === "-" ? "stdin" : displayPath(given.slice(1));
    throw new CliFailure(`cannot read ${name}: ${errorLine(error)}`, { cause: error });
  }
}
