// TLS to Cassandra: whose certificate is accepted, for which name, and that the client shows its own. The servers of these
// suites speak in the clear, so a proxy in front of one of them ends the TLS connection.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server, type TlsOptions } from "node:tls";
import { stringify } from "smol-toml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../../config/config.ts";
import { openSession, type SessionOptions } from "../../shards/cassandra/driver-session.ts";
import { type CassandraSettings, type CassandraTls, readCassandraSettings } from "../../shards/cassandra/settings.ts";
import { settingsFor } from "./cassandra-keyspaces.ts";
import { describeOnEngines } from "./engines.ts";

const READ = { cql: "SELECT cluster_name FROM system.local", parameters: [] };

describeOnEngines("a Cassandra session over TLS", ({ single }) => {
  const directory = mkdtempSync(join(tmpdir(), "zgate-tls-"));
  const servers: Server[] = [];
  const ports = new Map<string, number>();
  let ca = "";

  beforeAll(async () => {
    ca = makeAuthority(directory, "authority");
    makeAuthority(directory, "stranger");
    for (const signer of ["authority", "stranger"]) {
      makeCertificate(directory, { name: `client-of-${signer}`, subject: "DNS:shard-1.example", signer });
    }
    const right = makeCertificate(directory, { name: "right", subject: "IP:127.0.0.1", signer: "authority" });
    const wrong = makeCertificate(directory, { name: "wrong", subject: "DNS:elsewhere.example", signer: "authority" });
    await listen("right", right);
    await listen("wrong", wrong);
    await listen("demanding", { ...right, ca, requestCert: true, rejectUnauthorized: true });
  });
  afterAll(() => {
    for (const server of servers) server.close();
    rmSync(directory, { recursive: true });
  });

  async function listen(name: string, options: TlsOptions): Promise<void> {
    const server = createServer(options);
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

  const optionsFor = (name: string, tls: CassandraTls | null): SessionOptions => {
    const address = { ...single, contactPoints: [`127.0.0.1:${ports.get(name)}`] };
    const translateAddress = () => address.contactPoints[0] ?? "";
    return { settings: { ...settingsFor({ address, replicas: 1 }), tls }, keyspace: null, translateAddress };
  };

  /** As a shard is told of the demanding servers: by `[stores.main.tls]` of a configuration. */
  const configured = (client: string | null): SessionOptions => {
    const contactPoint = `127.0.0.1:${ports.get("demanding")}`;
    const file = (name: string) => join(directory, name);
    const own = client === null ? {} : { cert: file(`${client}.pem`), key: file(`${client}.key`) };
    const tls = { ca: file("authority.pem"), ...own };
    return {
      settings: settingsOf({ ...single, contactPoint, tls }),
      keyspace: null,
      translateAddress: () => contactPoint,
    };
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

  test("shows its own certificate to servers that ask for one", async () => {
    const session = await openSession(configured("client-of-authority"));
    expect(await session.readQuorum(READ, { rowsMax: 1, after: null })).toMatchObject({ rows: [{}] });
    await session.close();
  });

  test.each([
    { name: "none", client: null, kind: "broken", message: /alert certificate required/ },
    // The proxy hangs up on it without a word, and the driver notices nothing before its time is over.
    {
      name: "one of an unknown authority",
      client: "client-of-stranger",
      kind: "unavailable",
      message: /did not reply/,
    },
  ])("is $kind where the servers ask for a certificate and it has $name", async ({ client, kind, message }) => {
    const opening = openSession(configured(client));
    await expect(opening).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
  });

  test("is unavailable in the clear where the servers want TLS", async () => {
    await expect(openSession(optionsFor("right", null))).rejects.toMatchObject({ kind: "unavailable" });
  });
});

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "pipe" });
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"] as const;

function makeAuthority(directory: string, name: string): string {
  const file = (kind: string) => join(directory, `${name}.${kind}`);
  openssl("req", "-x509", ...NEW_KEY, "-subj", `/CN=${name}`, "-keyout", file("key"), "-out", file("pem"));
  return readFileSync(file("pem"), "utf8");
}

interface Wanted {
  readonly name: string;
  readonly subject: string;
  /** The authority's name. */
  readonly signer: string;
}

/** Leaves `NAME.pem` and `NAME.key` in the directory. */
function makeCertificate(
  directory: string,
  { name, subject, signer }: Wanted,
): { readonly cert: Buffer; readonly key: Buffer } {
  const file = (kind: string, of = name) => join(directory, `${of}.${kind}`);
  writeFileSync(file("ext"), `subjectAltName=${subject}\n`);
  openssl("req", ...NEW_KEY, "-subj", `/CN=${name}`, "-keyout", file("key"), "-out", file("csr"));
  const authority = ["-CA", file("pem", signer), "-CAkey", file("key", signer), "-CAcreateserial"];
  openssl("x509", "-req", "-in", file("csr"), ...authority, "-days", "2", "-extfile", file("ext"), "-out", file("pem"));
  return { cert: readFileSync(file("pem")), key: readFileSync(file("key")) };
}

interface Named {
  readonly contactPoint: string;
  readonly datacenter: string;
  readonly tls: Readonly<Record<string, string>>;
}

/** The settings of shard-1 in a zgate.toml. */
function settingsOf({ contactPoint, datacenter, tls }: Named): CassandraSettings {
  const text = stringify({
    collections: [{ name: "products", kind: "range", map: [{ start: "", shard: "shard-1" }] }],
    shards: [{ id: "shard-1", origins: ["http://127.0.0.1:8801"], store: "main" }],
    stores: {
      main: { kind: "cassandra", contact_points: [contactPoint], datacenter, replication: { [datacenter]: 1 }, tls },
    },
  });
  const [shard] = parseConfig(text, "zgate.toml").shards.values();
  if (shard?.store.kind !== "cassandra") throw new Error("expected a shard on Cassandra");
  return readCassandraSettings(shard.store, {});
}
