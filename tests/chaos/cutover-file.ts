// Which cutovers clients met, and how long their requests took, in a file for each process of clients.
// Must not judge which of them were decided: what a client is told may be the end of an abort.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import type { MetCutover } from "./edge-way.ts";

/** The file beside a history. */
export function cutoverFileOf(historyFile: string): string {
  return `${historyFile}.cutovers`;
}

/** Slot and epoch as one name, for any collection. */
export function cutoverName(collection: string, slot: string, epoch: number): string {
  return `${collection} ${slot} ${epoch}`;
}

/** Writes a line for each. */
export function createCutoverWriter(file: string): (met: MetCutover) => void {
  return ({ collection, told, tookMs }) => {
    appendFileSync(file, `${JSON.stringify([cutoverName(collection, told.slot, told.epoch), Math.ceil(tookMs)])}\n`);
  };
}

/** The longest time that a request took which met a cutover, by its name, in milliseconds. */
export function readCutovers(files: readonly string[]): ReadonlyMap<string, number> {
  const longest = new Map<string, number>();
  for (const file of files.filter(existsSync)) {
    const lines = readFileSync(file, "utf8").split("\n");
    // What follows the last line break was not finished.
    for (const line of lines.slice(0, -1)) {
      const [name, tookMs] = JSON.parse(line) as [string, number];
      longest.set(name, Math.max(longest.get(name) ?? 0, tookMs));
    }
  }
  return longest;
}
