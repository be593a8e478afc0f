/**
 * Directories for tests that need real files.
 * It must not remove anything that it has not made.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new empty directory. */
export function makeDirectory(): string {
  return mkdtempSync(join(tmpdir(), "zgate-test-"));
}

/** Removes a directory made by `makeDirectory`, with all that is in it. */
export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}
