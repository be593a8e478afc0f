// Which ports engines get. Must not start an engine; sockets are real.
import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { PortClaims } from "../../../engines/port-claims.ts";
import { planPorts } from "../../../engines/port-plan.ts";
import { choosePorts, isFree, saysPortTaken } from "../../../engines/ports.ts";
import { NODE_HOSTS } from "../../../engines/settings.ts";

const servers: Server[] = [];
const claims: PortClaims[] = [];
afterEach(async () => {
  for (const one of claims.splice(0)) one.release();
  await Promise.all(servers.splice(0).map((server) => new Promise((settle) => server.close(settle))));
});

/** What one start chooses by. */
function choice(random = Math.random) {
  const own = new PortClaims();
  claims.push(own);
  return { random, claims: own };
}

/** A start that has come to its end. */
async function chosenBefore(request: Parameters<typeof planPorts>[0], known: Parameters<typeof planPorts>[1]) {
  const own = choice();
  const plan = await planPorts(request, known, own);
  own.claims.release();
  return plan;
}

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
    const own = choice();
    const [free = 0] = await choosePorts([{ hosts: NODE_HOSTS, wanted: null }], own);
    expect(await choosePorts([{ hosts: NODE_HOSTS, wanted: free }], own)).toEqual([free]);
  });

  it.each(NODE_HOSTS)("is given up when it is taken at %s alone", async (host) => {
    const taken = await takenPort(host);
    expect(await isFree(taken, NODE_HOSTS)).toBe(false);
    const [chosen] = await choosePorts([{ hosts: NODE_HOSTS, wanted: taken }], choice());
    expect(chosen).not.toBe(taken);
  });

  it("is given out once, although two want the same", async () => {
    const need = { hosts: NODE_HOSTS, wanted: 20_500 };
    const chosen = await choosePorts([need, need, need], choice());
    expect(new Set(chosen).size).toBe(3);
  });

  it("is not searched for without end", async () => {
    const need = { hosts: NODE_HOSTS, wanted: null };
    // The same number drawn again and again: the second need finds it given out.
    await expect(
      choosePorts(
        [need, need],
        choice(() => 0.5),
      ),
    ).rejects.toThrow("found no free port on 127.0.0.1, 127.0.0.2");
  });
});

describe("two starts at the same time", () => {
  it("choose different ports, although both want the usual ones", async () => {
    const wanted = {
      cassandra: { nodes: 3, cql: 20_501, storage: 20_502, jmx: [20_503, 20_504, 20_505] },
      dynamodb: { port: 20_506 },
    };
    const plans = await Promise.all([planPorts(CLUSTER, wanted, choice()), planPorts(CLUSTER, wanted, choice())]);
    const ports = plans.map(({ cassandra, dynamodb }) => [
      cassandra?.cql,
      cassandra?.storage,
      ...(cassandra?.jmx ?? []),
      dynamodb?.port,
    ]);
    expect(new Set(ports.flat()).size).toBe(12);
  });

  it("want a port again that the other has not come to use", async () => {
    const first = choice();
    const [port = 0] = await choosePorts([{ hosts: NODE_HOSTS, wanted: null }], first);
    first.claims.release();
    expect(await choosePorts([{ hosts: NODE_HOSTS, wanted: port }], choice())).toEqual([port]);
  });
});

it.each([
  ["java.net.BindException: Address already in use", true],
  ["Error: listen EADDRINUSE: address already in use 127.0.0.1:9042", true],
  ["/127.0.0.1:7000 is in use by another process.  Change listen_address:storage_port", true],
  ["Not enough space to allocate", false],
])("the last words %j tell that a port is taken: %j", (text, expected) => {
  expect(saysPortTaken(text)).toBe(expected);
});

describe("the ports of a directory", () => {
  it("are the same at the next start", async () => {
    const first = await chosenBefore(CLUSTER, NOTHING);
    expect(await chosenBefore(CLUSTER, first)).toEqual(first);
  });

  it("are others where one was taken meanwhile, and only there", async () => {
    const first = await chosenBefore(CLUSTER, NOTHING);
    const cql = await takenPort("127.0.0.3");
    const known = { ...first, cassandra: first.cassandra && { ...first.cassandra, cql } };
    const second = await chosenBefore(CLUSTER, known);
    expect(second.cassandra?.cql).not.toBe(cql);
    expect({ ...second.cassandra, cql: 0 }).toEqual({ ...first.cassandra, cql: 0 });
  });

  it("are all different, one of JMX for each node", async () => {
    const { cassandra, dynamodb } = await chosenBefore(CLUSTER, NOTHING);
    const all = [cassandra?.cql, cassandra?.storage, ...(cassandra?.jmx ?? []), dynamodb?.port];
    expect(new Set(all).size).toBe(6);
  });

  it("of an engine that is not asked for are remembered", async () => {
    const first = await chosenBefore(CLUSTER, NOTHING);
    const second = await chosenBefore({ cassandraNodes: 0, dynamodb: true, ports: "any" }, first);
    expect(second.cassandra).toEqual(first.cassandra);
  });
});
