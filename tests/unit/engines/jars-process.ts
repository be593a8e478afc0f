// A process of its own that fetches jars: jars.test.ts runs two at once. It must not do anything else.
import { ensureJars } from "../../../engines/jars.ts";
import { ARTIFACTS } from "../../../engines/settings.ts";
import { findToolchain } from "../../../engines/toolchain.ts";

await ensureJars(ARTIFACTS.cassandra, {
  toolchain: findToolchain(),
  environment: process.env,
  onProgress: () => undefined,
});
