/**
 * What `up` prints when everything runs: where it is, three requests to try, where the data lies, how to stop.
 * It must not run anything.
 */
import type { CollectionConfig } from "../../config/config.ts";
import type { Style, Terminal } from "../terminal.ts";

/** What there is to tell. `sampleKey` is a key that exists, or null when the collection may be empty. */
export interface Welcome {
  readonly url: string;
  readonly collection: CollectionConfig;
  readonly sampleKey: string | null;
  readonly token: string;
  readonly tokenHours: number;
  readonly data: string;
  /** What the data lie in, for people; null for the embedded files. */
  readonly storage: string | null;
  readonly shards: readonly string[];
  readonly paint: Terminal["paint"];
}

/** Key that the printed write puts. */
const WRITTEN_KEY = "my-first-product";
const WRITTEN_DOCUMENT = '{"version":"1.0.0","summary":"Written through the edge"}';

/** The lines, the three curl commands each on one line of its own. */
export function welcomeLines(welcome: Welcome): readonly string[] {
  const { url, data, storage, shards, tokenHours, paint } = welcome;
  const head = (style: Style, text: string): string => paint(style, text);
  const { read, write, list } = curlCommands(welcome);
  const steps: readonly (readonly [string, string])[] = [
    ["read", read],
    [`write (the token is good for ${tokenHours} hours)`, write],
    ["list", list],
  ];
  const ordered = welcome.sampleKey === null ? [steps[1], steps[0], steps[2]] : steps;
  return [
    "",
    `${head("bold", "gateway")}  ${head("cyan", url)}  →  ${shards.join(", ")}`,
    "",
    ...ordered.flatMap((step) => (step === undefined ? [] : [head("dim", `# ${step[0]}`), step[1], ""])),
    `data in ${data}${storage === null ? "" : `, on ${storage}`}; stop with Ctrl-C`,
  ];
}

function curlCommands({ url, collection, sampleKey, token }: Welcome): Readonly<{ [step: string]: string }> & {
  readonly read: string;
  readonly write: string;
  readonly list: string;
} {
  const base = `${url}/${collection.name}`;
  const bearer = `-H 'Authorization: Bearer ${token}'`;
  const proof = collection.isPublic ? "" : ` ${bearer}`;
  const condition = collection.requiresIfMatch ? ` -H 'If-None-Match: *'` : "";
  const content = `-H 'Content-Type: application/json' -d '${WRITTEN_DOCUMENT}'`;
  const query = sampleKey === null ? "limit=3" : `prefix=${encodeURIComponent(sampleKey.slice(0, 4))}&limit=3`;
  return {
    read: `curl${proof} ${base}/${encodeURIComponent(sampleKey ?? WRITTEN_KEY)}`,
    write: `curl -X PUT ${base}/${WRITTEN_KEY} ${bearer}${condition} ${content}`,
    list: `curl${proof} '${base}?${query}'`,
  };
}
