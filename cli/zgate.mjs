#!/usr/bin/env node
// The `zgate` command: hands its arguments to cli/main.ts on a Node that runs it. It must not hold logic of its own.
import { fileURLToPath } from "node:url";
import { launch } from "./launch.mjs";

await launch(fileURLToPath(new URL("main.ts", import.meta.url)), process.argv.slice(2));
