/**
 * `npm run crash -- --cell NAME`: the crash matrix alone, or a part of it. It must not decide anything but which cells run.
 */
import { parseArgs } from "node:util";
import { callProgram, startTests } from "../start-tests.ts";
import { crashGroups } from "./cells.ts";
import { CELLS_ENV } from "./run-options.ts";

const USAGE = `Usage: npm run crash -- [--cell NAME] [--list]

  --cell NAME   cells whose name holds NAME, such as "decide before, source" or "runner, takeover"
  --list        prints their names and runs nothing`;

function run(args: readonly string[]): void {
  const options = { cell: { type: "string" }, list: { type: "boolean" }, help: { type: "boolean" } } as const;
  const { values } = parseArgs({ args: [...args], options });
  if (values.help === true) {
    console.log(USAGE);
    return;
  }
  const wanted = values.cell ?? "";
  const names = crashGroups(wanted).flatMap(({ cells }) => cells.map(({ name }) => name));
  if (names.length === 0) throw new Error(`--cell: no cell's name holds "${wanted}"; --list prints them`);
  if (values.list === true) console.log(names.join("\n"));
  else startTests([wanted === "" ? "--project=crash" : "tests/crash/crash.test.ts"], { [CELLS_ENV]: wanted });
}

callProgram(run, USAGE);
