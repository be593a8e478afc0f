// Which cells of the matrix run: from the environment, which `npm run crash` sets from its options. Must not know what a cell is.

/** The environment's name for it: a part of the cells' names. */
export const CELLS_ENV = "ZGATE_CRASH_CELLS";

/** "" for all. */
export function wantedCells(environment: NodeJS.ProcessEnv): string {
  return environment[CELLS_ENV] ?? "";
}
