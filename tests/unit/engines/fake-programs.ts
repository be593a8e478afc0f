/**
 * A `java` and a `mvn` that need no download: small scripts in a folder that goes first on the PATH. The fake Java answers
 * at the ports it is told to, in the protocols of the engines. It must not be used where data matters.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of programs, and the environment that finds them and nothing else of the kind. */
export interface FakePrograms {
  readonly root: string;
  readonly environment: Readonly<Record<string, string>>;
  /** How often Maven was run. */
  mavenRuns(): number;
  /** How Java behaves from now on. */
  setJava(java: NonNullable<FakeBehaviour["java"]>): void;
  remove(): void;
}

/** How the programs behave. */
export interface FakeBehaviour {
  /** What `java -version` says; null: there is no Java. */
  readonly javaVersion?: string | null;
  /** `serve` (default), `die` at once with three lines of output, or `hang` without ever answering. */
  readonly java?: "serve" | "die" | "hang";
  /** `fetch` (default), `fail`, or `hang`; null: there is no Maven. */
  readonly maven?: "fetch" | "fail" | "hang" | null;
}

/** Makes the programs. Remove them when the test is over. */
export function createFakePrograms(behaviour: FakeBehaviour = {}): FakePrograms {
  const root = mkdtempSync(join(tmpdir(), "zgate-fake-"));
  const bin = join(root, "bin");
  mkdirSync(bin);
  const { javaVersion = "17.0.9", java = "serve", maven = "fetch" } = behaviour;
  const setJava: FakePrograms["setJava"] = (next) => writeProgram(join(bin, "java"), javaText(javaVersion ?? "", next));
  if (javaVersion !== null) setJava(java);
  if (maven !== null) writeProgram(join(bin, "mvn"), mavenText(join(root, "runs"), maven));
  return {
    root,
    environment: { PATH: bin, JAVA_HOME: "", ZGATE_ENGINES_CACHE: join(root, "cache") },
    mavenRuns: () => (existsSync(join(root, "runs")) ? readFileSync(join(root, "runs"), "utf8").length : 0),
    setJava,
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function writeProgram(path: string, text: string): void {
  writeFileSync(path, `#!${process.execPath}\n${text}`);
  chmodSync(path, 0o755);
}

function javaText(version: string, java: string): string {
  return `
const args = process.argv.slice(2);
if (args[0] === "-version") {
  console.error('openjdk version "${version}" 2026-01-01');
  process.exit(0);
}
if ("${java}" === "die") {
  for (const line of ["first words", "second words", "last words"]) console.log(line);
  process.exit(3);
}
setInterval(() => undefined, 1000);
if ("${java}" === "serve") args.some((arg) => arg.endsWith("ServerRunner")) ? dynamodb() : cassandra();

function dynamodb() {
  const port = Number(args[args.indexOf("-port") + 1]);
  process.getBuiltinModule("node:http").createServer((_, response) => response.writeHead(400).end("{}")).listen(port);
}

function cassandra() {
  const prefix = "-Dcassandra.config=";
  const path = new URL(args.find((arg) => arg.startsWith(prefix)).slice(prefix.length));
  const { rpc_address, native_transport_port } = JSON.parse(process.getBuiltinModule("node:fs").readFileSync(path, "utf8"));
  const READY = 2, RESULT = 8, STARTUP = 1;
  process.getBuiltinModule("node:net").createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      // The same body to every question: a count of two.
      const answer = Buffer.alloc(17);
      answer[8] = 8;
      answer[16] = 2;
      answer[0] = 0x84;
      answer[4] = bytes[4] === STARTUP ? READY : RESULT;
      socket.write(answer);
    });
  }).listen(native_transport_port, rpc_address);
}
`;
}

function mavenText(runs: string, maven: string): string {
  return `
const { appendFileSync, readFileSync, writeFileSync } = process.getBuiltinModule("node:fs");
const { join } = process.getBuiltinModule("node:path");
const args = process.argv.slice(2);
appendFileSync(${JSON.stringify(runs)}, ".");
if ("${maven}" === "hang") setInterval(() => undefined, 1000);
if ("${maven}" === "fail") {
  console.log("[ERROR] the artifact could not be found");
  process.exit(1);
}
const pom = readFileSync(args[args.indexOf("-f") + 1], "utf8");
const [, artifact] = [...pom.matchAll(/<artifactId>(.*)<.artifactId>/g)].map((match) => match[1]);
const [, version] = [...pom.matchAll(/<version>(.*)<.version>/g)].map((match) => match[1]);
const lib = args.find((arg) => arg.startsWith("-DoutputDirectory=")).slice("-DoutputDirectory=".length);
if ("${maven}" === "fetch") for (const name of [artifact + "-" + version, "dependency-1"]) writeFileSync(join(lib, name + ".jar"), "jar");
`;
}
