// All planted bugs.
// Must not contain one itself.
import type { PlantedBug } from "./planted-bug.ts";
import { IN_CLIENTS } from "./planted-in-clients.ts";
import { IN_COLUMNS } from "./planted-in-columns.ts";
import { IN_RUNNERS } from "./planted-in-runners.ts";

/** Bugs that a search has to find. */
export const PLANTED_BUGS: readonly PlantedBug[] = [...IN_COLUMNS, ...IN_RUNNERS, ...IN_CLIENTS];
