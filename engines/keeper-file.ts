/**
 * `keeper.json`: which process keeps the engines of a directory running, and where they listen; `revival.json`: what became
 * of engines that it was asked to start again. They must not be believed without looking whether that very process lives: a
 * killed one leaves its files behind.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, type ProcessIdentity, parseIdentity } from "./process-identity.ts";

/** One engine as the others see it. */
export interface KeptNode {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly logFile: string;
}

/** What a keeper runs. */
export interface Kept {
  readonly keeper: ProcessIdentity;
  readonly cassandra: readonly KeptNode[];
  readonly dynamodb: KeptNode | null;
  readonly datacenter: string;
  readonly region: string;
}

/** Tells where the engines of this process are, once they serve. */
export function writeKept(directory: string, kept: Kept): void {
  const path = fileOf(directory);
  writeFileSync(`${path}.draft`, `${JSON.stringify(kept, null, 2)}\n`);
  renameSync(`${path}.draft`, path);
}

/** The engines of this keeper are no more; the file of a later keeper stays. To be called by who holds the directory. */
export function removeKept(directory: string, { pid, started }: ProcessIdentity): void {
  const keeper = readKept(directory)?.keeper;
  if (keeper?.pid === pid && keeper.started === started) rmSync(fileOf(directory), { force: true });
}

/** What is kept running in the directory; null when nothing is. */
export function findKept(directory: string): Kept | null {
  const kept = readKept(directory);
  return kept !== null && isAlive(kept.keeper) ? kept : null;
}

/** Tells why engines could not be started again; empty when all could. */
export function writeRevival(directory: string, failures: readonly string[]): void {
  const path = revivalOf(directory);
  writeFileSync(`${path}.draft`, JSON.stringify(failures));
  renameSync(`${path}.draft`, path);
}

/** Why engines could not be started again since `forgetRevival`; empty as long as nothing is known. */
export function readRevival(directory: string): readonly string[] {
  try {
    return parseFailures(readFileSync(revivalOf(directory), "utf8"));
  } catch {
    return [];
  }
}

/** What was told before is of no interest any more. */
export function forgetRevival(directory: string): void {
  rmSync(revivalOf(directory), { force: true });
}

function parseFailures(text: string): readonly string[] {
  const failures: unknown = JSON.parse(text);
  return Array.isArray(failures) ? failures.map(String) : [];
}

function readKept(directory: string): Kept | null {
  try {
    return parseKept(readFileSync(fileOf(directory), "utf8"));
  } catch {
    return null;
  }
}

function parseKept(text: string): Kept | null {
  const kept = JSON.parse(text) as Kept;
  const isWhole = parseIdentity(kept.keeper) !== null && Array.isArray(kept.cassandra) && kept.dynamodb !== undefined;
  return isWhole ? kept : null;
}

function fileOf(directory: string): string {
  return join(directory, "keeper.json");
}

function revivalOf(directory: string): string {
  return join(directory, "revival.json");
}
