// TLS to Cassandra: whose certificate is accepted, and for which name. The servers of these suites speak in the clear, so
// a proxy in front of one of them ends the TLS connection.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSession, type SessionOptions } from "../../shards/cassandra/driver-session.ts";
import type { CassandraTls } from "../../shards/cassandra/settings.ts";
import { settingsFor } from "./cassandra-keyspaces.ts";
import { describeOnEngines } from "./engines.ts";

const READ = { cql: "SELECT cluster_name FROM system.local", parameters: [] };

describeOnEngines("a Cassandra session over TLS", ({ single }) => {
  const directory = mkdtempSync(join(tmpdir(), "zgate-tls-"));
  const servers: Server[] = [];
  const ports = new Map<string, number>();
  let ca = "";

  beforeAll(async () => {
    ca = makeAuthority(directory);
    for (const [name, subject] of [
      ["right", "IP:127.0.0.1"],
      ["wrong", "DNS:elsewhere.example"],
    ] as const) {
      const server = createServer(makeCertificate(directory, name, subject));
      server.on("secureConnection", (client) => {
        const [host = "", port] = single.contactPoints[0]?.split(":") ?? [];
        const upstream = connect(Number(port), host);
        for (const socket of [client, upstream]) socket.on("error", () => undefined);
        client.on("close", () => upstream.destroy()).pipe(upstream);
        upstream.on("close", () => client.destroy()).pipe(client);
      });
      server.on("tlsClientError", () => undefined).listen(0, "127.0.0.1");
      await once(server, "listening");
      servers.push(server);
      ports.set(name, (server.address() as AddressInfo).port);
    }
  });
  afterAll(() => {
    for (const server of servers) server.close();
    rmSync(directory, { recursive: true });
  });

  const optionsFor = (name: string, tls: CassandraTls | null): SessionOptions => {
    const address = { ...single, contactPoints: [`127.0.0.1:${ports.get(name)}`] };
    const translateAddress = () => address.contactPoints[0] ?? "";
    return { settings: { ...settingsFor({ address, replicas: 1 }), tls }, keyspace: null, translateAddress };
  };

  test("asks through a connection whose certificate is of the authority named, for the node's address", async () => {
    const session = await openSession(optionsFor("right", { ca, cert: null, key: null }));
    expect(await session.readQuorum(READ, { rowsMax: 1, after: null })).toMatchObject({ rows: [{}] });
    expect(session.status()).toEqual({ kind: "ready" });
    await session.close();
  });

  describe("is broken", () => {
    test.each([
      { name: "a certificate for another name", server: "wrong", isKnown: true, message: /does not match certificate/ },
      { name: "a certificate of an unknown authority", server: "right", isKnown: false, message: /certificate/ },
    ])("by $name", async ({ server, isKnown, message }) => {
      const opening = openSession(optionsFor(server, { ca: isKnown ? ca : null, cert: null, key: null }));
      await expect(opening).rejects.toMatchObject({ kind: "broken", message: expect.stringMatching(message) });
    });
  });

  test("is unavailable in the clear where the servers want TLS", async () => {
    await expect(openSession(optionsFor("right", null))).rejects.toMatchObject({ kind: "unavailable" });
  });
});

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "pipe" });
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"] as const;

function makeAuthority(directory: string): string {
  const file = (name: string) => join(directory, name);
  openssl("req", "-x509", ...NEW_KEY, "-subj", "/CN=authority", "-keyout", file("ca.key"), "-out", file("ca.pem"));
  return readFileSync(file("ca.pem"), "utf8");
}

function makeCertificate(
  directory: string,
  name: string,
  subject: string,
): { readonly cert: Buffer; readonly key: Buffer } {
  const file = (kind: string) => join(directory, `${name}.${kind}`);
  writeFileSync(file("ext"), `subjectAltName=${subject}\n`);
  openssl("req", ...NEW_KEY, "-subj", `/CN=${name}`, "-keyout", file("key"), "-out", file("csr"));
  const authority = ["-CA", join(directory, "ca.pem"), "-CAkey", join(directory, "ca.key"), "-CAcreateserial"];
  openssl("x509", "-req", "-in", file("csr"), ...authority, "-days", "2", "-extfile", file("ext"), "-out", file("pem"));
  return { cert: readFileSync(file("pem")), key: readFileSync(file("key")) };
}
