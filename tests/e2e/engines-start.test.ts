// Starting engines and ending them in every way, with a Java that is a script: what is left behind, what is said, which
// ports are taken. Real engines are in tests/engines/engines-real.test.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type EnginesRequest, type RunningEngines, startEngines } from "../../engines/engines.ts";
import { recordedProcess } from "../../engines/left-over.ts";
import { directoryLock, tryLock } from "../../engines/lock.ts";
import { identify, isAlive, type ProcessIdentity, waitUntilGone } from "../../engines/process-identity.ts";
import { createFakePrograms, type FakeBehaviour, type FakePrograms } from "../unit/engines/fake-programs.ts";

const GONE_MS_MAX = 10_000;
const WAIT = { timeout: 60_000, interval: 50 };
const OWNER = new URL("./engines-owner.ts", import.meta.url).pathname;
const made: FakePrograms[] = [];
const started: RunningEngines[] = [];
const owners: ChildProcess[] = [];

afterEach(async () => {
  for (const owner of owners.splice(0)) owner.kill("SIGKILL");
  await Promise.all(started.splice(0).map((engines) => engines.stop()));
  vi.unstubAllEnvs();
  for (const programs of made.splice(0)) programs.remove();
});

/** Programs of this test, found by everything it starts. */
function programs(behaviour: FakeBehaviour = {}): FakePrograms {
  const fake = createFakePrograms(behaviour);
  made.push(fake);
  for (const [name, value] of Object.entries(fake.environment)) vi.stubEnv(name, value);
  return fake;
}

async function start(directory: string, more: Partial<EnginesRequest> = {}): Promise<RunningEngines> {
  const engines = await startEngines({ directory, cassandraNodes: 1, dynamodb: false, ...more });
  started.push(engines);
  return engines;
}

function nodesOf({ cassandra, dynamodb }: RunningEngines) {
  return [...(cassandra?.nodes ?? []), ...(dynamodb === null ? [] : [dynamodb.node])];
}

function identitiesOf(pids: readonly (number | null)[]): readonly ProcessIdentity[] {
  return pids.flatMap((pid) => (pid === null ? [] : (identify(pid) ?? [])));
}

/** Ids of processes that outlive the limit. */
async function survivors(identities: readonly ProcessIdentity[]): Promise<readonly number[]> {
  const gone = await Promise.all(identities.map((identity) => waitUntilGone(identity, GONE_MS_MAX)));
  return identities.filter((_, at) => gone[at] === false).map(({ pid }) => pid);
}

describe("engines", () => {
  it("serve at addresses of their own, one port for all nodes, and are gone after the stop", async () => {
    const { root } = programs();
    const engines = await start(join(root, "data"), { cassandraNodes: 3, dynamodb: true });
    const ports = engines.cassandra?.contactPoints.map((point) => point.split(":")[1]);
    expect(engines.cassandra?.nodes.map(({ host }) => host)).toEqual(["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    expect(new Set(ports).size).toBe(1);
    expect((await fetch(engines.dynamodb?.endpoint ?? "")).status).toBe(400);
    const identities = identitiesOf(nodesOf(engines).map((node) => node.pid()));
    expect(identities).toHaveLength(4);
    await engines.stop();
    expect(await survivors(identities)).toEqual([]);
  });

  it("of two suites side by side share no port", async () => {
    const { root } = programs();
    const both = await Promise.all(["a", "b"].map((name) => start(join(root, name), { dynamodb: true })));
    const ports = both.flatMap(nodesOf).map(({ port }) => port);
    expect(new Set(ports).size).toBe(4);
  });

  it("come back at the same ports, and at others when one was taken meanwhile", async () => {
    const { root } = programs();
    const first = await start(join(root, "data"));
    const port = first.cassandra?.nodes[0]?.port ?? 0;
    await first.stop();
    const second = await start(join(root, "data"));
    expect(second.cassandra?.nodes[0]?.port).toBe(port);
    await second.stop();
    const other = createServer().listen(port, "127.0.0.1");
    await once(other, "listening");
    const third = await start(join(root, "data"));
    expect(third.cassandra?.nodes[0]?.port).not.toBe(port);
    other.close();
  });

  it("are refused a directory that another start holds", async () => {
    const { root } = programs();
    await start(join(root, "data"));
    await expect(start(join(root, "data"))).rejects.toThrow("is in use: engines of another process run on it");
  });

  it("tell of their stop when they are gone and before anybody else can have the directory", async () => {
    const { root } = programs();
    const directory = join(root, "data");
    const seen: (readonly [alive: number, isFree: boolean])[] = [];
    const onStopped = (): void => {
      const lock = tryLock(directoryLock(directory));
      seen.push([existingPids(directory).length, lock !== null]);
      lock?.release();
    };
    await (await start(directory, { onStopped })).stop();
    expect(seen).toEqual([[0, false]]);
  });

  it("are refused a cluster of another size than their data's", async () => {
    const { root } = programs();
    await (await start(join(root, "data"))).stop();
    await expect(start(join(root, "data"), { cassandraNodes: 3 })).rejects.toThrow("holds a cluster of 1 node, not 3");
  });

  it("are not started on a state that cannot be read", async () => {
    const { root } = programs();
    await (await start(join(root, "data"))).stop();
    writeFileSync(join(root, "data", "engines.json"), "{");
    await expect(start(join(root, "data"))).rejects.toThrow("cannot read");
  });
});

describe("an engine", () => {
  it("that dies at its start is explained by the end of its log, and the others are ended", async () => {
    const { root } = programs({ java: "die" });
    const starting = start(join(root, "data"), { cassandraNodes: 3, dynamodb: true });
    await expect(starting).rejects.toThrow(/ended before it served: exit code 3[\s\S]*second words\s+last words/);
    expect(existingPids(join(root, "data"))).toEqual([]);
  });

  it("that dies later is reported once; one that is killed by order is not", async () => {
    const { root } = programs();
    const engines = await start(join(root, "data"), { cassandraNodes: 2 });
    const [first, second] = engines.cassandra?.nodes ?? [];
    await first?.kill();
    expect(first?.pid()).toBeNull();
    process.kill(second?.pid() ?? 0, "SIGKILL");
    expect(await engines.died).toEqual({ name: "cassandra-2", reason: "killed by SIGKILL" });
  });

  it("can be killed and started again, as often as wanted", async () => {
    const { root } = programs();
    const engines = await start(join(root, "data"));
    const node = engines.cassandra?.nodes[0];
    const before = node?.pid();
    await node?.kill();
    await node?.start();
    expect(node?.pid()).not.toBe(before);
    await expect(node?.start()).rejects.toThrow("cassandra-1 runs already");
    await node?.stop();
    await node?.start();
    expect(node?.pid()).not.toBeNull();
  });

  it("that has died is started again at the same address, once for all who ask", async () => {
    const { root } = programs();
    const engines = await start(join(root, "data"), { cassandraNodes: 0, dynamodb: true });
    process.kill(engines.dynamodb?.node.pid() ?? 0, "SIGKILL");
    await engines.died;
    await Promise.all([engines.revive("dynamodb"), engines.revive("dynamodb")]);
    expect((await fetch(engines.dynamodb?.endpoint ?? "")).status).toBe(400);
    await expect(engines.revive("dynamodb")).rejects.toThrow("dynamodb runs already");
    await expect(engines.revive("cassandra-9")).rejects.toThrow("there is no engine cassandra-9 here");
  });

  it("that is paused keeps its connections and answers nobody until it is resumed", async () => {
    const { root } = programs();
    const engines = await start(join(root, "data"), { cassandraNodes: 0, dynamodb: true });
    const ask = (limitMs: number) =>
      fetch(engines.dynamodb?.endpoint ?? "", { signal: AbortSignal.timeout(limitMs) }).then((answer) => answer.status);
    engines.dynamodb?.node.pause();
    await expect(ask(500)).rejects.toThrow("timeout");
    engines.dynamodb?.node.resume();
    expect(await ask(30_000)).toBe(400);
  });

  it("that is paused is stopped all the same", async () => {
    const { root } = programs();
    const engines = await start(join(root, "data"));
    const identities = identitiesOf([engines.cassandra?.nodes[0]?.pid() ?? null]);
    engines.cassandra?.nodes[0]?.pause();
    await engines.stop();
    expect(await survivors(identities)).toEqual([]);
  });
});

describe("nothing is left running", () => {
  it("when the start is broken off", async () => {
    const { root } = programs({ java: "hang" });
    const stop = new AbortController();
    const starting = start(join(root, "data"), { cassandraNodes: 2, signal: stop.signal });
    const record = (node: number): string => join(root, "data", `cassandra-${node}`, "process.json");
    const pids = await vi.waitFor(() => [1, 2].map((node) => pidIn(record(node))), WAIT);
    const identities = identitiesOf(pids);
    expect(identities).toHaveLength(2);
    stop.abort();
    await expect(starting).rejects.toThrow("aborted");
    expect(await survivors(identities)).toEqual([]);
  });

  it("when the stop comes while an engine is started again", async () => {
    const { root, setJava } = programs();
    const engines = await start(join(root, "data"));
    setJava("hang");
    await engines.cassandra?.nodes[0]?.kill();
    const reviving = Promise.allSettled([engines.revive("cassandra-1")]);
    await vi.waitUntil(() => existingPids(join(root, "data")).length === 1, WAIT);
    await engines.stop();
    expect(existingPids(join(root, "data"))).toEqual([]);
    expect(await reviving).toMatchObject([{ status: "rejected" }]);
    await expect(engines.revive("cassandra-1")).rejects.toThrow("the engines are being stopped");
  });

  it("when the caller is killed by SIGKILL, a paused engine included", async () => {
    const { root } = programs();
    const { kill, pids } = await startOwner(join(root, "data"));
    const identities = identitiesOf(pids);
    expect(identities).toHaveLength(3);
    process.kill(pids[0] ?? 0, "SIGSTOP");
    kill();
    expect(await survivors(identities)).toEqual([]);
    await expect(start(join(root, "data"), { cassandraNodes: 2 })).resolves.toBeDefined();
  });

  it("when the guard of an engine is killed by SIGKILL", async () => {
    const { root } = programs();
    const engines = await start(join(root, "data"));
    const identities = identitiesOf([engines.cassandra?.nodes[0]?.pid() ?? null]);
    process.kill(parentOf(identities[0]?.pid ?? 0), "SIGKILL");
    expect(await engines.died).toMatchObject({ name: "cassandra-1" });
    expect(await survivors(identities)).toEqual([]);
  });

  it("on the data when caller and guard were both killed and the next start comes", async () => {
    const { root } = programs();
    const { kill, pids } = await startOwner(join(root, "data"));
    const identities = identitiesOf(pids);
    const guards = identities.map(({ pid }) => parentOf(pid));
    for (const guard of guards) process.kill(guard, "SIGKILL");
    kill();
    await start(join(root, "data"), { cassandraNodes: 2 });
    expect(await survivors(identities)).toEqual([]);
  });
});

/** Recorded engines of a directory that live. */
function existingPids(directory: string): readonly number[] {
  const names = ["cassandra-1", "cassandra-2", "cassandra-3", "dynamodb"];
  const recorded = names.flatMap((name) => recordedProcess(join(directory, name)) ?? []);
  expect(recorded).not.toEqual([]);
  return recorded.filter(isAlive).map(({ pid }) => pid);
}

/** A process that starts two nodes and DynamoDB Local and then does nothing. */
async function startOwner(directory: string): Promise<{ kill: () => void; pids: readonly number[] }> {
  const owner = spawn(process.execPath, [OWNER, directory, "2", "dynamodb"], { stdio: ["ignore", "pipe", "inherit"] });
  owners.push(owner);
  const [line] = (await once(owner.stdout, "data")) as [Buffer];
  const { pids } = JSON.parse(line.toString()) as { readonly pids: readonly number[] };
  return { kill: () => owner.kill("SIGKILL"), pids };
}

function pidIn(path: string): number {
  return (JSON.parse(readFileSync(path, "utf8")) as { readonly pid: number }).pid;
}

function parentOf(pid: number): number {
  return Number(
    readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")[1],
  );
}
