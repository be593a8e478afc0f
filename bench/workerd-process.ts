/**
 * A keeper around one workerd: says when it listens, and ends it when the bench is gone.
 * It must not know what workerd runs.
 */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

const CONTROL_FD = 3;

/** Path of the workerd binary that wrangler brings; its package exports it for the platform at hand. */
function binaryPath(): string {
  const wrangler = createRequire(import.meta.url).resolve("wrangler");
  const exported: unknown = createRequire(createRequire(wrangler).resolve("miniflare"))("workerd");
  if (
    typeof exported === "object" &&
    exported !== null &&
    "default" in exported &&
    typeof exported.default === "string"
  ) {
    return exported.default;
  }
  throw new Error("the workerd package does not say where its binary is");
}

const workerd = spawn(binaryPath(), ["serve", process.argv[2] ?? "", `--control-fd=${CONTROL_FD}`], {
  stdio: ["ignore", "inherit", "inherit", "pipe"],
});

function watchControl(control: Readable): void {
  createInterface({ input: control }).on("line", (line) => {
    if (line.includes('"listen"')) process.send?.({ type: "ready" });
  });
}

const control = workerd.stdio[CONTROL_FD];
if (control !== null && control !== undefined && "read" in control) watchControl(control);
workerd.once("exit", (code) => process.exit(code ?? 1));
process.once("disconnect", () => workerd.kill("SIGKILL"));
process.once("SIGTERM", () => workerd.kill("SIGTERM"));
process.once("SIGINT", () => workerd.kill("SIGTERM"));
