// Which Java is taken, and what people read when there is none. Must not start an engine.
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { EnginesError } from "../../../engines/engines.ts";
import { findToolchain, requireMaven } from "../../../engines/toolchain.ts";
import { createFakePrograms, type FakeBehaviour, type FakePrograms } from "./fake-programs.ts";

const made: FakePrograms[] = [];
afterEach(() => {
  for (const programs of made.splice(0)) programs.remove();
});

function programs(behaviour: FakeBehaviour): FakePrograms {
  const fake = createFakePrograms(behaviour);
  made.push(fake);
  return fake;
}

/** The folder as JAVA_HOME: `bin/java` in it. */
function homeWith(version: string): string {
  return programs({ javaVersion: version, maven: null }).root;
}

function explain(environment: NodeJS.ProcessEnv): string {
  try {
    findToolchain(environment);
    return "";
  } catch (error) {
    if (error instanceof EnginesError) return error.message;
    throw error;
  }
}

describe("Java", () => {
  it("is taken from JAVA_HOME before the PATH", () => {
    const javaHome = homeWith("17.0.1");
    const found = findToolchain({ ...programs({}).environment, JAVA_HOME: javaHome });
    expect(found).toMatchObject({ java: join(javaHome, "bin", "java"), javaHome });
  });

  it("is taken from the PATH when that of JAVA_HOME is of another version", () => {
    const { environment, root } = programs({});
    const found = findToolchain({ ...environment, JAVA_HOME: homeWith("21.0.4") });
    expect(found).toMatchObject({ java: join(root, "bin", "java"), javaHome: null });
  });

  it.each([
    ["8, in the old spelling", "1.8.0_412", "is Java 8"],
    ["11", "11.0.2", "is Java 11"],
    ["21", "21.0.4", "is Java 21"],
    ["something else of that name", "none", "Java 21"],
  ])("of version %s is refused by its version", (_, version, said) => {
    const { environment } = programs({ javaVersion: version });
    const message = explain({ ...environment, JAVA_HOME: homeWith("21.0.4") });
    expect(message).toContain("Java 17 is needed");
    expect(message).toContain(said);
  });

  it("that is missing is explained with what to install", () => {
    const message = explain(programs({ javaVersion: null }).environment);
    expect(message).toContain("neither JAVA_HOME nor the PATH has a java");
    expect(message).toContain("apt-get install openjdk-17-jre-headless maven");
    expect(message).toContain("brew install openjdk@17 maven");
  });

  it("is looked for elsewhere when JAVA_HOME names a folder without one", () => {
    const { environment, root } = programs({});
    const empty = join(root, "empty");
    mkdirSync(empty);
    expect(findToolchain({ ...environment, JAVA_HOME: empty }).java).toBe(join(root, "bin", "java"));
  });
});

describe("Maven", () => {
  it("that is missing is no fault until it is needed, and then says what to install", () => {
    const toolchain = findToolchain(programs({ maven: null }).environment);
    expect(toolchain.maven).toBeNull();
    expect(() => requireMaven(toolchain)).toThrow(/Maven \(mvn\) is needed once[\s\S]*apt-get install/);
  });

  it("that is no program is not taken for one", () => {
    const { environment, root } = programs({});
    renameSync(join(root, "bin", "mvn"), join(root, "mvn"));
    mkdirSync(join(root, "bin", "mvn"));
    expect(findToolchain(environment).maven).toBeNull();
  });
});
