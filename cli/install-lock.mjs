// A lock between processes, held while dependencies are installed. Plain JavaScript without dependencies.
// It must not outlive its owner: a lock whose owner is gone is taken over, by exactly one of those who wait.
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const BEAT_MS = 2_000;
const SILENT_MS_MAX = 120_000;
const WAIT_MS_MAX = 600_000;
const POLL_MS = 200;
const OWNER = "owner.json";

/** @typedef {{ token: string, pids: readonly number[], host: string }} Owner */

/**
 * Runs `work` while holding the lock directory `path`; waits for whoever holds it now. `work` is handed a function that
 * makes a child process an owner too, because the child may outlive this process and go on writing.
 * @param {string} path
 * @param {(share: (pid: number) => void) => Promise<void>} work
 */
export async function holdLock(path, work) {
  mkdirSync(dirname(path), { recursive: true });
  const owner = { token: randomUUID(), pids: [process.pid], host: hostname() };
  const deadline = Date.now() + WAIT_MS_MAX;
  while (!acquire(path, owner)) {
    if (Date.now() > deadline) throw new Error(`waited too long for ${path}; remove it if nothing is being installed`);
    removeIfAbandoned(path);
    await sleep(POLL_MS);
  }
  const beat = setInterval(() => showLife(path), BEAT_MS);
  try {
    await work((pid) => writeOwner(path, { ...owner, pids: [...owner.pids, pid] }));
  } finally {
    clearInterval(beat);
    if (ownerOf(path)?.token === owner.token) remove(path, owner);
  }
}

/**
 * The lock appears with its owner written in it, or not at all: a directory cannot be renamed onto one that is not empty.
 * @param {string} path
 * @param {Owner} owner
 */
function acquire(path, owner) {
  const prepared = `${path}.${owner.token}`;
  mkdirSync(prepared, { recursive: true });
  writeOwner(prepared, owner);
  try {
    renameSync(prepared, path);
    return true;
  } catch {
    rmSync(prepared, { recursive: true, force: true });
    return false;
  }
}

/**
 * Takes the lock away in one step; emptied first, it would look free while it is being removed.
 * @param {string} path
 * @param {Owner} owner
 */
function remove(path, owner) {
  const discarded = `${path}.old.${owner.token}`;
  renameSync(path, discarded);
  rmSync(discarded, { recursive: true, force: true });
}

/**
 * Removes the lock of an owner that is gone. Several may see that at once; the directory named after the owner's token
 * lets one of them through, and it looks again before it removes, so it cannot hit the lock of a successor.
 * @param {string} path
 */
function removeIfAbandoned(path) {
  const owner = abandonedBy(path);
  if (owner === null) return;
  const right = `${path}.over.${owner.token}`;
  try {
    mkdirSync(right);
  } catch {
    return;
  }
  if (abandonedBy(path)?.token === owner.token) remove(path, owner);
  rmSync(right, { recursive: true, force: true });
}

/**
 * @param {string} path
 * @returns {Owner | null} the owner, if it is gone; null if it is at work or there is none
 */
function abandonedBy(path) {
  const owner = ownerOf(path);
  if (owner === null) return null;
  const lastBeatMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  const isSilent = Date.now() - lastBeatMs > SILENT_MS_MAX;
  return isSilent || (owner.host === hostname() && !owner.pids.some(isAlive)) ? owner : null;
}

/**
 * @param {string} path
 * @returns {Owner | null}
 */
function ownerOf(path) {
  try {
    return /** @type {Owner} */ (JSON.parse(readFileSync(join(path, OWNER), "utf8")));
  } catch {
    return null;
  }
}

/**
 * Readers see the old owner or the new one, never half of one.
 * @param {string} path
 * @param {Owner} owner
 */
function writeOwner(path, owner) {
  const draft = join(path, `${OWNER}.draft`);
  writeFileSync(draft, JSON.stringify(owner));
  renameSync(draft, join(path, OWNER));
}

/** @param {string} path */
function showLife(path) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Taken over while this process was suspended; npm's own checks have to do.
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
