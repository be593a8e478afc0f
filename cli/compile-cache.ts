/**
 * Where Node keeps what it has compiled, so that a command and the parts of an instance start in half the time. It must
 * be harmless to lose.
 */
import { enableCompileCache } from "node:module";
import { join } from "node:path";

/** Beside the packages: git ignores it, and a new install throws it away. */
export const COMPILE_CACHE: string = join(import.meta.dirname, "..", "node_modules", ".cache", "zgate");

/** Uses the cache for what this process loads from now on. Does nothing where it cannot be written. */
export function useCompileCache(): void {
  enableCompileCache(COMPILE_CACHE);
}
