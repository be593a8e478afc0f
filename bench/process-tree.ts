/**
 * Processes and the processor time they have spent, as Linux's /proc tells it; on other systems there is nothing to tell.
 * It must not start or stop anything.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Linux counts processor time in ticks of this length; every architecture Node runs on has 100 in a second. */
const TICK_MICROS = 10_000;

interface ProcessFacts {
  readonly parent: number;
  readonly ticks: number;
}

/** `root` and all that descend from it; only `root` where there is no /proc. */
export function treeOf(root: number): readonly number[] {
  const parents = new Map(listPids().map((pid) => [pid, readFacts(pid)?.parent]));
  const tree = [root];
  // The list grows while it is walked: children of children are found in their turn.
  for (const member of tree) for (const [pid, parent] of parents) if (parent === member) tree.push(pid);
  return tree;
}

/** Processor time that the processes have spent so far, in microseconds; null where there is no /proc. */
export function spentMicros(pids: readonly number[]): number | null {
  const ticks = pids.map((pid) => readFacts(pid)?.ticks);
  return ticks.reduce<number | null>(
    (sum, own) => (sum === null || own === undefined ? null : sum + own * TICK_MICROS),
    0,
  );
}

function listPids(): readonly number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** Fields of /proc/PID/stat (proc(5)); the command's name in parentheses may hold anything. */
function readFacts(pid: number): ProcessFacts | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return null;
  }
}
