// Turns at SQLite's write lock: who has waited rings, who has just committed gives way, and nobody waits for the dead.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Pacing } from "../../../shards/catalog/pacing.ts";
import { WriteTurns } from "../../../shards/catalog/write-turns.ts";
import { makeDirectory, removeDirectory } from "../../contract/temporary-directory.ts";

let directory: string;
let file: string;
let bell: string;
let time: ReturnType<typeof createTime>;

beforeEach(() => {
  directory = makeDirectory();
  file = join(directory, "store.db");
  bell = `${file}-turn`;
  time = createTime();
});

afterEach(() => removeDirectory(directory));

/** A clock that only moves when somebody sleeps or says so. */
function createTime(): Pacing & { nowMs: number; onSleep: () => void } {
  const made = {
    nowMs: 0,
    onSleep: () => undefined,
    now: () => made.nowMs,
    random: () => 0,
    sleep: (ms: number) => {
      made.nowMs += ms;
      made.onSleep();
      return Promise.resolve();
    },
  };
  return made;
}

/** What the file's other process would be: rings after a long wait. */
function ring(): void {
  const other = new WriteTurns(file, time);
  other.waited(time.nowMs - 1000);
}

test("a short wait is nobody's business; a longer one rings until the lock is there", () => {
  const turns = new WriteTurns(file, time);
  time.nowMs = 5;
  turns.waited(0);
  expect(existsSync(bell)).toBe(false);
  time.nowMs = 6;
  turns.waited(0);
  expect(existsSync(bell)).toBe(true);
  turns.came(0);
  expect(existsSync(bell)).toBe(false);
});

test("whoever came at once takes no other's bell down", () => {
  ring();
  new WriteTurns(file, time).came(time.nowMs);
  expect(existsSync(bell)).toBe(true);
});

test("whoever has just committed gives way until the bell is taken down", async () => {
  const turns = new WriteTurns(file, time);
  turns.committed();
  ring();
  time.onSleep = () => {
    if (time.nowMs === 4) new WriteTurns(file, time).came(-1000);
  };
  await turns.giveWay();
  expect(time.nowMs).toBe(4);
});

test("a bell that nobody takes down is waited for once, and is gone then", async () => {
  const turns = new WriteTurns(file, time);
  turns.committed();
  ring();
  await turns.giveWay();
  expect(time.nowMs).toBe(12);
  expect(existsSync(bell)).toBe(false);
  await turns.giveWay();
  expect(time.nowMs).toBe(12);
});

test("whoever has not committed lately has nothing to give", async () => {
  const never = new WriteTurns(file, time);
  ring();
  await never.giveWay();
  never.committed();
  time.nowMs = 21;
  await never.giveWay();
  expect(time.nowMs).toBe(21);
});

test("a bell that cannot be rung or taken down does no harm", async () => {
  writeFileSync(file, "");
  const turns = new WriteTurns(join(file, "below-a-file.db"), time);
  turns.committed();
  turns.waited(-1000);
  await turns.giveWay();
  turns.came(-1000);
  expect(time.nowMs).toBe(0);
});
