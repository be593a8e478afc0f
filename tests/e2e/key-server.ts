// An issuer of tokens that publishes its keys over HTTP, on this machine.
// Must not sign; the tests do, as they like.
import { createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from "node:crypto";
import { createServer, type Server } from "node:http";

/** An issuer that publishes its keys over HTTP; it may use RS256 and ES256. */
export interface KeyServer {
  readonly url: string;
  readonly rsa: KeyObject;
  readonly ec: KeyObject;
  /** How often the keys were asked for. */
  fetches(): number;
  close(): void;
}

/** What its tokens name as issuer. */
export const REMOTE_ISSUER = "https://issuer.example";

/** Starts an issuer on a port of its own. */
export async function startKeyServer(): Promise<KeyServer> {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const published = (key: KeyObject, more: JsonWebKey) => ({
    ...createPublicKey(key).export({ format: "jwk" }),
    ...more,
  });
  const keys = [published(rsa, { kid: "rsa", alg: "RS256" }), published(ec, { kid: "ec", alg: "ES256" })];
  let fetches = 0;
  const server: Server = createServer((_, response) => {
    fetches += 1;
    response.setHeader("content-type", "application/json").end(JSON.stringify({ keys }));
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const close = (): void => void server.close();
  return { url: `http://127.0.0.1:${port}/keys`, rsa, ec, fetches: () => fetches, close };
}

/** The issuer's table of a configuration. */
export function keyServerTable(url: string): string {
  return `[[issuers]]\nissuer = "${REMOTE_ISSUER}"\naudience = "zgate"\nalgorithms = ["RS256", "ES256"]\njwks_url = "${url}"`;
}
