/**
 * The command line of DynamoDB Local, its tables kept on disk. It must not start it.
 */
import { join } from "node:path";
import type { EngineProgram } from "./engine-node.ts";
import { answersHttp } from "./probes.ts";
import { DYNAMODB_HEAP, LATE_OPTIMISATION, NODE_HOSTS } from "./settings.ts";

const STOP_MS_MAX = 10_000;

/** DynamoDB Local to run. */
export interface DynamoPlan {
  readonly directory: string;
  readonly logFile: string;
  readonly port: number;
  readonly java: string;
  /** Folder with the jars and the native library of SQLite. */
  readonly lib: string;
}

/** What runs it. It listens at every address of the machine; it has no setting for that. */
export function dynamodbProgram({ directory, logFile, port, java, lib }: DynamoPlan): EngineProgram {
  const host = NODE_HOSTS[0];
  const tmp = join(directory, "tmp");
  return {
    name: "dynamodb",
    host,
    port,
    directory,
    logFile,
    command: java,
    args: [
      ...[`-Xmx${DYNAMODB_HEAP}`, "-XX:+UseSerialGC", "-XX:+PerfDisableSharedMem", "-XX:+ExitOnOutOfMemoryError"],
      ...LATE_OPTIMISATION,
      ...[`-Djava.io.tmpdir=${tmp}`, `-Djava.library.path=${lib}`, "-cp", join(lib, "*")],
      "com.amazonaws.services.dynamodbv2.local.main.ServerRunner",
      // One database whatever credentials and region a client names.
      ...["-dbPath", join(directory, "data"), "-sharedDb", "-disableTelemetry", "-port", String(port)],
    ],
    files: {},
    isServing: () => answersHttp(host, port),
    stopMsMax: STOP_MS_MAX,
  };
}
