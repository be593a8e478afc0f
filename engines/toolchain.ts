/**
 * Looks for the Java and the Maven that the engines need, and says what to install where one is missing.
 * It must not install anything.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { EnginesError } from "./engines-error.ts";
import { JAVA_MAJOR } from "./settings.ts";

const ASK_MS_MAX = 20_000;

/** Absolute paths of the programs. `maven` is null when there is none: it is needed only until the jars are there. */
export interface Toolchain {
  readonly java: string;
  readonly maven: string | null;
  /** Home of that Java, for Maven; null when Java was found on the PATH. */
  readonly javaHome: string | null;
}

/** Finds Java 17 (JAVA_HOME, then PATH) and Maven. Throws `EnginesError` when no Java will do. */
export function findToolchain(environment: NodeJS.ProcessEnv = process.env): Toolchain {
  const found: string[] = [];
  for (const candidate of javaCandidates(environment)) {
    const major = javaMajor(candidate.java, environment);
    if (major === JAVA_MAJOR) return { ...candidate, maven: findOnPath("mvn", environment) };
    found.push(`${candidate.java} is ${major === null ? "no Java that runs" : `Java ${major}`}`);
  }
  const seen = found.length === 0 ? "neither JAVA_HOME nor the PATH has a java" : found.join(", ");
  throw new EnginesError(`Java ${JAVA_MAJOR} is needed to run Cassandra and DynamoDB Local: ${seen}`, {
    hint: installAdvice(),
  });
}

/** The path of Maven. Throws `EnginesError` when there is none. */
export function requireMaven({ maven }: Toolchain): string {
  if (maven !== null) return maven;
  throw new EnginesError("Maven (mvn) is needed once, to fetch Cassandra and DynamoDB Local", {
    hint: installAdvice(),
  });
}

/** What to install, on the systems people use. */
function installAdvice(): string {
  return (
    "Debian or Ubuntu: apt-get install openjdk-17-jre-headless maven · macOS: brew install openjdk@17 maven, " +
    "then export JAVA_HOME=$(brew --prefix openjdk@17) · others: https://adoptium.net and https://maven.apache.org"
  );
}

function javaCandidates(environment: NodeJS.ProcessEnv): readonly Pick<Toolchain, "java" | "javaHome">[] {
  const javaHome = environment["JAVA_HOME"] || null;
  const atHome = javaHome === null ? null : join(javaHome, "bin", "java");
  const onPath = findOnPath("java", environment);
  return [
    ...(atHome !== null && isExecutable(atHome) ? [{ java: atHome, javaHome }] : []),
    ...(onPath === null ? [] : [{ java: onPath, javaHome: null }]),
  ];
}

/** "17.0.15" is 17, "1.8.0_412" is 8; null when the program does not say. */
function javaMajor(java: string, environment: NodeJS.ProcessEnv): number | null {
  const asked = spawnSync(java, ["-version"], { encoding: "utf8", env: environment, timeout: ASK_MS_MAX });
  const version = /version "(?:1\.)?(\d+)/.exec(`${asked.stderr ?? ""}${asked.stdout ?? ""}`)?.[1];
  return version === undefined ? null : Number.parseInt(version, 10);
}

function findOnPath(program: string, environment: NodeJS.ProcessEnv): string | null {
  const folders = (environment["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, program)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
