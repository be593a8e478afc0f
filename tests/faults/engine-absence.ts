// Whether this machine can run the engines of a suite. Must not start them.
import { EnginesError, requireRunnable } from "../../engines/engines.ts";
import { ARTIFACTS } from "../../engines/settings.ts";

/** Why not, in one line; null when it can. With ZGATE_REQUIRE_ENGINES=1 that is an error. */
export function explainAbsence(wanted: readonly (keyof typeof ARTIFACTS)[] = ["cassandra"]): string | null {
  try {
    requireRunnable(wanted.map((name) => ARTIFACTS[name]));
    return null;
  } catch (error) {
    if (!(error instanceof EnginesError) || process.env["ZGATE_REQUIRE_ENGINES"] === "1") throw error;
    return error.message.split("\n")[0] ?? error.message;
  }
}
