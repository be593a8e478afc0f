// Tokens against the edge: every known attack as a named row, what is accepted, how long it is remembered, key sets by URL.
// It must not test what permissions do at the shards.
import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import {
  ALL_PERMISSIONS,
  codeOf,
  type Edge,
  JWKS,
  KEYS,
  mintToken,
  putJson,
  startEdge,
} from "./fixture/edge-fixture.ts";

const encoder = new TextEncoder();
const part = (value: unknown): string => base64url.encode(JSON.stringify(value));
const seconds = (edge: Edge): number => Math.floor(edge.clock.nowMs() / 1000);
const claimsOf = (edge: Edge) => ({
  iss: "local",
  aud: "zgate",
  sub: "mallory",
  exp: seconds(edge) + 3600,
  permissions: ALL_PERMISSIONS,
});

/** A correctly signed token with another header. */
async function withHeader(edge: Edge, header: Readonly<Record<string, unknown>>): Promise<string> {
  const input = `${part({ alg: "EdDSA", kid: "ed", ...header })}.${part(claimsOf(edge))}`;
  const signature = await crypto.subtle.sign("Ed25519", KEYS.eddsa.privateKey, encoder.encode(input));
  return `${input}.${base64url.encode(new Uint8Array(signature))}`;
}

async function signedWith(edge: Edge, secret: Uint8Array, alg: string): Promise<string> {
  return new SignJWT(claimsOf(edge)).setProtectedHeader({ alg, kid: "ed" }).sign(secret);
}

async function withClaims(edge: Edge, claims: Readonly<Record<string, unknown>>): Promise<string> {
  return mintToken(edge.clock, claims);
}

const stranger = await generateKeyPair("EdDSA", { extractable: true });
const strangerJwk = await exportJWK(stranger.publicKey);

async function byStranger(edge: Edge, header: Readonly<Record<string, unknown>>): Promise<string> {
  return new SignJWT(claimsOf(edge)).setProtectedHeader({ alg: "EdDSA", ...header }).sign(stranger.privateKey);
}

async function tampered(edge: Edge): Promise<string> {
  const [header = "", , signature = ""] = (await mintToken(edge.clock)).split(".");
  return `${header}.${part({ ...claimsOf(edge), sub: "root" })}.${signature}`;
}

/** The same signature bytes, written with other unused bits in the last character. */
async function withOtherTrailingBits(edge: Edge): Promise<string> {
  const token = await mintToken(edge.clock);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.slice(-1)) + 1);
}

const attacks: readonly { readonly name: string; readonly token: (edge: Edge) => Promise<string> | string }[] = [
  { name: "alg none", token: (edge) => new UnsecuredJWT(claimsOf(edge)).encode() },
  { name: "alg none with a signature", token: (edge) => withHeader(edge, { alg: "none" }) },
  { name: "alg NONE in capitals", token: (edge) => withHeader(edge, { alg: "NONE" }) },
  { name: "no alg", token: (edge) => withHeader(edge, { alg: undefined }) },
  { name: "alg a number", token: (edge) => withHeader(edge, { alg: 1 }) },
  {
    name: "HS256 with the public key as the secret",
    token: async (edge) => signedWith(edge, encoder.encode(await exportSPKI(KEYS.eddsa.publicKey)), "HS256"),
  },
  {
    name: "HS256 with the set's symmetric key",
    token: (edge) =>
      new SignJWT(claimsOf(edge))
        .setProtectedHeader({ alg: "HS256", kid: "oct" })
        .sign(base64url.decode("c3ltbWV0cmljLXNlY3JldC1zeW1tZXRyaWMtc2VjcmV0")),
  },
  { name: "an allowed alg that is not that of the kid's key", token: (edge) => withHeader(edge, { alg: "ES256" }) },
  {
    name: "RS256, which this issuer may not use",
    token: (edge) => new SignJWT(claimsOf(edge)).setProtectedHeader({ alg: "RS256" }).sign(KEYS.rs256.privateKey),
  },
  { name: "the name Ed25519 for EdDSA", token: (edge) => withHeader(edge, { alg: "Ed25519" }) },
  { name: "its own key in jwk", token: (edge) => byStranger(edge, { jwk: strangerJwk }) },
  { name: "its own key in jwk with a known kid", token: (edge) => byStranger(edge, { jwk: strangerJwk, kid: "ed" }) },
  { name: "a key set in jku", token: (edge) => withHeader(edge, { jku: "https://evil.test/jwks" }) },
  { name: "a certificate in x5u", token: (edge) => withHeader(edge, { x5u: "https://evil.test/cert" }) },
  { name: "a certificate in x5c", token: (edge) => withHeader(edge, { x5c: ["AA=="] }) },
  { name: "a critical extension", token: (edge) => withHeader(edge, { crit: ["b64"], b64: true }) },
  { name: "an unencoded payload", token: (edge) => withHeader(edge, { b64: false }) },
  { name: "a compressed payload", token: (edge) => withHeader(edge, { zip: "DEF" }) },
  { name: "another kind of token (typ)", token: (edge) => withHeader(edge, { typ: "dpop+jwt" }) },
  { name: "an unknown kid", token: (edge) => withHeader(edge, { kid: "other" }) },
  { name: "a kid that is a path", token: (edge) => withHeader(edge, { kid: "../../../dev/null" }) },
  { name: "a kid that is a number", token: (edge) => withHeader(edge, { kid: 1 }) },
  { name: "a kid that is a member of every object", token: (edge) => withHeader(edge, { kid: "__proto__" }) },
  { name: "a stranger's signature under a known kid", token: (edge) => byStranger(edge, { kid: "ed" }) },
  { name: "a stranger's signature without a kid", token: (edge) => byStranger(edge, {}) },
  { name: "a changed payload", token: tampered },
  { name: "a cut signature", token: async (edge) => (await mintToken(edge.clock)).slice(0, -2) },
  { name: "no signature", token: async (edge) => (await mintToken(edge.clock)).replace(/[^.]*$/, "") },
  { name: "another issuer", token: (edge) => withClaims(edge, { iss: "https://evil.test" }) },
  { name: "an issuer in a list", token: (edge) => withClaims(edge, { iss: ["local"] }) },
  { name: "another configured issuer's name", token: (edge) => withClaims(edge, { iss: "https://remote.test" }) },
  { name: "another audience", token: (edge) => withClaims(edge, { aud: "other" }) },
  { name: "no audience", token: (edge) => withClaims(edge, { aud: undefined }) },
  { name: "no expiry", token: (edge) => withClaims(edge, { exp: undefined }) },
  { name: "an expiry in text", token: (edge) => withClaims(edge, { exp: "4102444800" }) },
  { name: "expired 61 s ago", token: (edge) => withClaims(edge, { exp: seconds(edge) - 61 }) },
  { name: "valid in 61 s", token: (edge) => withClaims(edge, { nbf: seconds(edge) + 61 }) },
  { name: "issued in 61 s", token: (edge) => withClaims(edge, { iat: seconds(edge) + 61 }) },
  { name: "a subject that is a list", token: (edge) => withClaims(edge, { sub: ["a"] }) },
  { name: "a subject of 257 characters", token: (edge) => withClaims(edge, { sub: "a".repeat(257) }) },
  { name: "permissions that are a number", token: (edge) => withClaims(edge, { permissions: 7 }) },
  { name: "permissions with an object in the list", token: (edge) => withClaims(edge, { permissions: [{}] }) },
  { name: "more than 8 KiB", token: (edge) => withClaims(edge, { padding: "a".repeat(8200) }) },
  { name: "padding in the base64", token: async (edge) => `${await mintToken(edge.clock)}==` },
  { name: "other unused bits at the end", token: withOtherTrailingBits },
  {
    name: "the ordinary base64 alphabet",
    token: async (edge) => (await mintToken(edge.clock)).replace(/\.[^.]*$/, ".+/+/"),
  },
  { name: "a line break inside", token: async (edge) => (await mintToken(edge.clock)).replace(".", "%0a.") },
  { name: "four parts", token: async (edge) => `${await mintToken(edge.clock)}.AA` },
  { name: "five parts (encrypted)", token: () => "a.b.c.d.e" },
  { name: "a header that is no JSON", token: () => "AAAA.AAAA.AAAA" },
  { name: "a header that is a list", token: () => `${part([])}.${part({})}.AAAA` },
  { name: "a payload that is null", token: () => `${part({ alg: "EdDSA" })}.${part(null)}.AAAA` },
  { name: "one letter", token: () => "x" },
];

describe("an attack with", () => {
  it.each(attacks)("$name is refused with 401, and no shard is asked", async ({ token }) => {
    const edge = startEdge();
    const headers = { authorization: `Bearer ${await token(edge)}` };
    for (const path of ["/notes/a", "/products/a"]) {
      const answer = await edge.fetch(path, { headers });
      expect([answer.status, await codeOf(answer)]).toEqual([401, "INVALID_TOKEN"]);
      expect(answer.headers.get("www-authenticate")).toMatch(
        /^Bearer realm="zgate", error="invalid_token", error_description="[^"]+"$/,
      );
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
    expect(edge.fleet.calls).toEqual([]);
    expect(edge.cache.matches).toBe(0);
  });
});

describe("the Authorization header", () => {
  it.each([
    { name: "another scheme", value: () => "Basic YTpi" },
    { name: "no token", value: () => "Bearer" },
    { name: "an empty value", value: () => "" },
    { name: "a token without a scheme", value: (token: string) => token },
    { name: "two tokens", value: (token: string) => `Bearer ${token}, Bearer ${token}` },
    { name: "two words", value: (token: string) => `Bearer ${token} x` },
  ])("with $name: 401 and a challenge without an error", async ({ value }) => {
    const edge = startEdge();
    const answer = await edge.fetch("/products/a", { headers: { authorization: value(await mintToken(edge.clock)) } });
    expect([answer.status, await codeOf(answer)]).toEqual([401, "UNAUTHENTICATED"]);
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="zgate"');
  });

  it("names its scheme in any case", async () => {
    const edge = startEdge();
    const answer = await edge.fetch("/notes/a", {
      headers: { authorization: `bEaReR ${await mintToken(edge.clock)}` },
    });
    expect(answer.status).toBe(404);
  });
});

describe("a token is accepted", () => {
  it.each([
    { name: "by Ed25519", token: (edge: Edge) => mintToken(edge.clock) },
    {
      name: "by P-256",
      token: (edge: Edge) =>
        new SignJWT(claimsOf(edge)).setProtectedHeader({ alg: "ES256", kid: "es" }).sign(KEYS.es256.privateKey),
    },
    {
      name: "without a kid, where one key has its algorithm",
      token: (edge: Edge) =>
        new SignJWT(claimsOf(edge)).setProtectedHeader({ alg: "EdDSA" }).sign(KEYS.eddsa.privateKey),
    },
    { name: "with the audience in a list", token: (edge: Edge) => mintToken(edge.clock, { aud: ["other", "zgate"] }) },
    { name: "expired 59 s ago", token: (edge: Edge) => mintToken(edge.clock, { exp: seconds(edge) - 59 }) },
    {
      name: "valid in 59 s",
      token: (edge: Edge) => mintToken(edge.clock, { nbf: seconds(edge) + 59, iat: seconds(edge) + 59 }),
    },
    {
      name: "with permissions in one text",
      token: (edge: Edge) => mintToken(edge.clock, { permissions: "other notes:read" }),
    },
    { name: "of type at+jwt", token: (edge: Edge) => withHeader(edge, { typ: "at+JWT" }) },
  ])("$name", async ({ token }) => {
    const edge = startEdge();
    const answer = await edge.fetch("/notes/a", { headers: { authorization: `Bearer ${await token(edge)}` } });
    expect(answer.status).toBe(404);
  });

  it("until it expires and never longer, though it is remembered", async () => {
    const edge = startEdge();
    const headers = { authorization: `Bearer ${await mintToken(edge.clock, { exp: seconds(edge) + 30 })}` };
    for (const [elapsedMs, status] of [
      [0, 404],
      [29_000, 404],
      [60_000, 404],
      [1000, 401],
    ] as const) {
      edge.clock.advance(elapsedMs);
      expect((await edge.fetch("/notes/a", { headers })).status).toBe(status);
    }
  });
});

describe("permissions", () => {
  const as = async (edge: Edge, permissions: unknown) => ({
    authorization: `Bearer ${await mintToken(edge.clock, { permissions })}`,
  });

  it.each([
    { name: "reading a private document", path: "/notes/a", method: "GET", needed: "notes:read" },
    { name: "listing a private collection", path: "/notes", method: "GET", needed: "notes:read" },
    { name: "putting", path: "/products/a", method: "PUT", needed: "products:write" },
    { name: "patching", path: "/products/a", method: "PATCH", needed: "products:write" },
    { name: "deleting", path: "/products/a", method: "DELETE", needed: "products:write" },
    { name: "a map", path: "/maps/products", method: "GET", needed: "zgate:operate" },
  ])("$name needs $needed: 401 without a token, 403 without it", async ({ path, method, needed }) => {
    const edge = startEdge();
    const init = method === "PUT" || method === "PATCH" ? { method, body: "{}" } : { method };
    const anonymous = await edge.fetch(path, init);
    expect([anonymous.status, await codeOf(anonymous)]).toEqual([401, "UNAUTHENTICATED"]);
    const others = ALL_PERMISSIONS.filter((permission) => permission !== needed);
    const poor = await edge.fetch(path, { ...init, headers: await as(edge, others) });
    expect([poor.status, await codeOf(poor)]).toEqual([403, "FORBIDDEN"]);
    expect(poor.headers.get("www-authenticate")).toContain(`error="insufficient_scope", scope="${needed}"`);
    expect(edge.fleet.calls).toEqual([]);
    expect((await edge.fetch(path, { ...init, headers: await as(edge, [needed]) })).status).not.toBe(403);
  });

  it("reach the shard sorted, once each, and only those that mean something here", async () => {
    const edge = startEdge();
    const permissions = ["products:write", "x\ny", "products:read", "products:write", "root"];
    await edge.fetch("/products/a", putJson("{}", await as(edge, permissions)));
    expect(edge.fleet.dataCalls[0]?.headers["zgate-permissions"]).toBe("products:read products:write");
  });

  it("are asked for before the cache is: what is private is never kept, not even for its owner", async () => {
    const edge = startEdge();
    await edge.fetchAs("/notes/a", putJson('"private"'));
    expect(await (await edge.fetchAs("/notes/a")).text()).toBe('"private"');
    expect((await edge.fetch("/notes/a")).status).toBe(401);
    expect([edge.cache.matches, edge.cache.kept.size]).toEqual([0, 0]);
  });
});

const remotePublicKey = await exportJWK(KEYS.rs256.publicKey);

describe("a key set by URL", () => {
  const remoteToken = (edge: Edge, kid: string): Promise<string> =>
    new SignJWT({ ...claimsOf(edge), iss: "https://remote.test" })
      .setProtectedHeader({ alg: "RS256", kid })
      .sign(KEYS.rs256.privateKey);

  function startRemote() {
    const state = { fetches: 0, kids: ["r1"], isDown: false };
    const edge = startEdge({
      keySource: {
        async fetchKeySet() {
          state.fetches += 1;
          if (state.isDown) throw new Error("down");
          return { keys: state.kids.map((kid) => ({ ...remotePublicKey, kid })) };
        },
      },
    });
    const ask = async (kid: string): Promise<number> =>
      (await edge.fetch("/notes/a", { headers: { authorization: `Bearer ${await remoteToken(edge, kid)}` } })).status;
    return { edge, state, ask };
  }

  it("is fetched once for many tokens at once", async () => {
    const { state, ask } = startRemote();
    expect(await Promise.all([ask("r1"), ask("r1"), ask("r1")])).toEqual([404, 404, 404]);
    expect(state.fetches).toBe(1);
  });

  it("is fetched again for an unknown kid, but not more often than the cool-down", async () => {
    const { edge, state, ask } = startRemote();
    await ask("r1");
    state.kids = ["r1", "r2"];
    for (let count = 0; count < 5; count += 1) expect(await ask("r2")).toBe(401);
    expect(state.fetches).toBe(1);
    edge.clock.advance(30_000);
    expect(await ask("r2")).toBe(404);
    expect(state.fetches).toBe(2);
  });

  it("stays the last good one while the issuer is down", async () => {
    const { edge, state, ask } = startRemote();
    await ask("r1");
    state.isDown = true;
    edge.clock.advance(11 * 60_000);
    expect(await ask("r1")).toBe(404);
    expect(state.fetches).toBe(2);
  });

  it("that was never had is no fault of the token: 503", async () => {
    const { edge, state, ask } = startRemote();
    state.isDown = true;
    expect(await ask("r1")).toBe(503);
    state.isDown = false;
    edge.clock.advance(1000);
    expect(await ask("r1")).toBe(404);
  });

  it("without a key ends what was remembered by that key", async () => {
    const { edge, state, ask } = startRemote();
    const headers = { authorization: `Bearer ${await remoteToken(edge, "r1")}` };
    expect((await edge.fetch("/notes/a", { headers })).status).toBe(404);
    state.kids = ["r2"];
    edge.clock.advance(31_000);
    expect(await ask("r2")).toBe(404);
    expect((await edge.fetch("/notes/a", { headers })).status).toBe(401);
  });
});

describe("rate limiting", () => {
  it("answers 429 with Retry-After, by subject or address", async () => {
    const keys: string[] = [];
    const edge = startEdge({
      rateLimiter: {
        async limit({ key }) {
          keys.push(key);
          return { success: keys.length < 3 };
        },
      },
    });
    expect((await edge.fetch("/products/a", { headers: { "cf-connecting-ip": "192.0.2.1" } })).status).toBe(404);
    expect((await edge.fetchAs("/notes/a")).status).toBe(404);
    const refused = await edge.fetchAs("/notes/a");
    expect([refused.status, await codeOf(refused), refused.headers.get("retry-after")]).toEqual([
      429,
      "RATE_LIMITED",
      "1",
    ]);
    expect(keys).toEqual(["address 192.0.2.1", "subject local tester", "subject local tester"]);
  });
});

it("the local key set holds a symmetric key, which the attacks above try", () => {
  expect(JWKS.keys.some((key) => key.kty === "oct")).toBe(true);
});

describe("the subject on its way to the shards", () => {
  it("names the issuer too: the same subject of two issuers is two callers", async () => {
    const jwks = { keys: [{ ...(await exportJWK(KEYS.rs256.publicKey)), kid: "r1", alg: "RS256" }] };
    const edge = startEdge({ keySource: { fetchKeySet: async () => jwks } });
    const claims = { ...claimsOf(edge), iss: "https://remote.test", sub: "ann b" };
    const remote = await new SignJWT(claims)
      .setProtectedHeader({ alg: "RS256", kid: "r1" })
      .sign(KEYS.rs256.privateKey);
    for (const token of [await withClaims(edge, { sub: "ann b" }), remote]) {
      const headers = { authorization: `Bearer ${token}`, "idempotency-key": "k-1" };
      expect((await edge.fetch("/notes/a", putJson("1", headers))).status).toBeLessThan(300);
    }
    const subjects = edge.fleet.dataCalls.map((call) => call.headers["zgate-subject"]);
    expect(subjects).toEqual(["local ann%20b", "https%3A%2F%2Fremote.test ann%20b"]);
  });
});

describe("an issuer whose key set variable is not usable", () => {
  it.each([
    { name: "missing", text: undefined, fault: "is not set" },
    { name: "no JSON", text: "{", fault: "does not hold a JSON Web Key Set" },
    { name: "no key set", text: '{"keys":1}', fault: "does not hold a JSON Web Key Set" },
  ])("($name) 503 for its tokens, and the log names the variable", async ({ text, fault }) => {
    const edge = startEdge({ keySetText: () => text });
    const answer = await edge.fetchAs("/notes/a");
    const body = await answer.text();
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(body).toContain("ISSUER_UNAVAILABLE");
    expect(body).not.toContain("TEST_JWKS");
    expect(edge.logs[0]?.fields["cause"]).toBe(`the environment variable TEST_JWKS ${fault}`);
    expect((await edge.fetch("/products/a")).status).toBe(404);
  });
});
