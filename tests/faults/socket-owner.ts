// Which process holds the other end of a TCP connection of this machine. Must not change anything.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Columns of /proc/net/tcp. */
const LOCAL = 1;
const INODE = 9;

/** Of these processes the one with a socket at this local port; null when none has. */
export function findSocketOwner(pids: readonly number[], port: number): number | null {
  const inodes = inodesOf(port);
  return pids.find((pid) => socketsOf(pid).some((inode) => inodes.has(inode))) ?? null;
}

function inodesOf(port: number): ReadonlySet<string> {
  const hex = port.toString(16).padStart(4, "0");
  const rows = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => readFileSync(file, "utf8").split("\n").slice(1));
  const columns = rows.map((row) => row.trim().split(/\s+/));
  return new Set(
    columns.flatMap((row) => (row[LOCAL]?.toLowerCase().endsWith(`:${hex}`) === true ? [row[INODE] ?? ""] : [])),
  );
}

function socketsOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  return filesIn(folder).flatMap((name) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`))?.[1];
      return inode === undefined ? [] : [inode];
    } catch {
      // Closed between listing and looking.
      return [];
    }
  });
}

/** None when the process has ended. */
function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
