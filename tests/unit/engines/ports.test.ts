// Which ports engines get. Must not start an engine; sockets are real.
import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { planPorts } from "../../../engines/port-plan.ts";
import { choosePorts, isFree } from "../../../engines/ports.ts";
import { NODE_HOSTS } from "../../../engines/settings.ts";

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((settle) => server.close(settle))));
});

/** A port that somebody listens at. */
async function takenPort(host: string): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((settle) => server.listen({ port: 0, host }, settle));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

const NOTHING = { cassandra: null, dynamodb: null };
const CLUSTER = { cassandraNodes: 3, dynamodb: true, ports: "any" } as const;

describe("a port", () => {
  it("is kept while it is free", async () => {
    const [free = 0] = await choosePorts([{ hosts: NODE_HOSTS, wanted: null }], Math.random);
    expect(await choosePorts([{ hosts: NODE_HOSTS, wanted: free }], Math.random)).toEqual([free]);
  });

  it.each(NODE_HOSTS)("is given up when it is taken at %s alone", async (host) => {
    const taken = await takenPort(host);
    expect(await isFree(taken, NODE_HOSTS)).toBe(false);
    const [chosen] = await choosePorts([{ hosts: NODE_HOSTS, wanted: taken }], Math.random);
    expect(chosen).not.toBe(taken);
  });

  it("is given out once, although two want the same", async () => {
    const need = { hosts: NODE_HOSTS, wanted: 20_500 };
    const chosen = await choosePorts([need, need, need], Math.random);
    expect(new Set(chosen).size).toBe(3);
  });

  it("is not searched for without end", async () => {
    const need = { hosts: NODE_HOSTS, wanted: null };
    // The same number drawn again and again: the second need finds it given out.
    await expect(choosePorts([need, need], () => 0.5)).rejects.toThrow("found no free port on 127.0.0.1, 127.0.0.2");
  });
});

describe("the ports of a directory", () => {
  it("are the same at the next start", async () => {
    const first = await planPorts(CLUSTER, NOTHING);
    expect(await planPorts(CLUSTER, first)).toEqual(first);
  });

  it("are others where one was taken meanwhile, and only there", async () => {
    const first = await planPorts(CLUSTER, NOTHING);
    const cql = await takenPort("127.0.0.3");
    const known = { ...first, cassandra: first.cassandra && { ...first.cassandra, cql } };
    const second = await planPorts(CLUSTER, known);
    expect(second.cassandra?.cql).not.toBe(cql);
    expect({ ...second.cassandra, cql: 0 }).toEqual({ ...first.cassandra, cql: 0 });
  });

  it("are all different, one of JMX for each node", async () => {
    const { cassandra, dynamodb } = await planPorts(CLUSTER, NOTHING);
    const all = [cassandra?.cql, cassandra?.storage, ...(cassandra?.jmx ?? []), dynamodb?.port];
    expect(new Set(all).size).toBe(6);
  });

  it("of an engine that is not asked for are remembered", async () => {
    const first = await planPorts(CLUSTER, NOTHING);
    const second = await planPorts({ cassandraNodes: 0, dynamodb: true, ports: "any" }, first);
    expect(second.cassandra).toEqual(first.cassandra);
  });
});
