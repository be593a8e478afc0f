// Whether this machine can run Cassandra. Must not start it.
import { EnginesError, requireRunnable } from "../../engines/engines.ts";
import { ARTIFACTS } from "../../engines/settings.ts";

/** Why not, in one line; null when it can. With ZGATE_REQUIRE_ENGINES=1 that is an error. */
export function explainAbsence(): string | null {
  try {
    requireRunnable([ARTIFACTS.cassandra]);
    return null;
  } catch (error) {
    if (!(error instanceof EnginesError) || process.env["ZGATE_REQUIRE_ENGINES"] === "1") throw error;
    return error.message.split("\n")[0] ?? error.message;
  }
}
