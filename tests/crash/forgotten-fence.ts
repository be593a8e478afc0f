// A planted bug outside of any process: the source's store has lost its fences when it is opened again. Must not be used while it is open.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const FORGET = `
  UPDATE slots SET own_state = 'OWNER', own_epoch = own_epoch - 1, own_move = NULL, own_to = NULL
  WHERE own_state = 'FENCED'`;

/** Puts every fenced slot back to its owner of before, past the trigger that would not have it. */
export function forgetFences(dataDirectory: string): void {
  const db = new DatabaseSync(join(dataDirectory, "store.db"));
  const guards = db.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'slots'").all();
  for (const { name } of guards) db.exec(`DROP TRIGGER ${String(name)}`);
  db.exec(FORGET);
  for (const { sql } of guards) db.exec(String(sql));
  db.close();
}
