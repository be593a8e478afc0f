// Chapter: tokens that should not open anything, against a real edge with an issuer of its own.
// Must not test what permissions mean for each route; the other chapters do.
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { readIfThere } from "../../../cli/data-directory.ts";
import { REMOTE_ISSUER } from "../key-server.ts";
import { sendRaw } from "../raw-request.ts";
import { freshKey, useSurface } from "./surface.ts";

type Members = Readonly<Record<string, unknown>>;

const encode = (value: Members): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Signs whatever it is given, as `alg` says. */
function forge(header: Members, claims: Members, key: KeyObject | string | null): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${signText(text, header["alg"], key)}`;
}

function signText(text: string, algorithm: unknown, key: KeyObject | string | null): string {
  if (key === null) return "";
  if (typeof key === "string") return createHmac("sha256", key).update(text).digest("base64url");
  const bytes = Buffer.from(text);
  if (algorithm === "ES256") return sign("sha256", bytes, { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
  return sign(algorithm === "EdDSA" ? null : "sha256", bytes, key).toString("base64url");
}

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

describe("tokens", () => {
  const surface = useSurface();
  const path = `/carts/${freshKey()}`;
  let local: KeyObject;
  let kid = "";

  beforeAll(async () => {
    const { client, gateway, token } = surface();
    const jwk = JSON.parse(readIfThere(gateway.directory.tokenKey) ?? "{}");
    local = createPrivateKey({ key: jwk, format: "jwk" });
    kid = jwk.kid;
    await client.put(path, { secret: true }, { token });
  });

  const claims = (more: Members = {}): Members => ({
    ...{ iss: "zgate-local", aud: "zgate", sub: "mallory", exp: inSeconds(300), permissions: ["carts:read"] },
    ...more,
  });
  const remote = (more: Members = {}): Members => claims({ iss: REMOTE_ISSUER, ...more });
  const eddsa = (more: Members = {}): Members => ({ alg: "EdDSA", typ: "JWT", kid, ...more });
  const hmacKey = (key: KeyObject): string => String(createPublicKey(key).export({ format: "pem", type: "spki" }));

  const attacks: readonly (readonly [string, () => string])[] = [
    ["alg none without a signature", () => `${encode({ alg: "none" })}.${encode(claims())}.`],
    ["alg none with some signature", () => forge({ alg: "none", kid }, claims(), "x")],
    ["alg NoNe", () => forge({ alg: "NoNe", kid }, claims(), "x")],
    [
      "HS256 signed with the public key as text",
      () => forge({ alg: "HS256", kid: "rsa" }, remote(), hmacKey(surface().keyServer.rsa)),
    ],
    ["HS256 signed with the local public key", () => forge({ alg: "HS256", kid }, claims(), hmacKey(local))],
    [
      "HS256 signed with the public key's x",
      () => forge({ alg: "HS256", kid }, claims(), String(createPublicKey(local).export({ format: "jwk" })["x"])),
    ],
    [
      "RS256 under an issuer that may use EdDSA only",
      () => forge({ alg: "RS256", kid }, claims(), surface().keyServer.rsa),
    ],
    ["EdDSA under an issuer that may not use it", () => forge(eddsa({ kid: "rsa" }), remote(), local)],
    ["ES256 with the kid of the RSA key", () => forge({ alg: "ES256", kid: "rsa" }, remote(), surface().keyServer.ec)],
    ["a key of its own in jwk", () => withOwnKey("jwk")],
    ["a key of its own by jku", () => forge(eddsa({ jku: surface().keyServer.url }), claims(), surface().keyServer.ec)],
    ["a certificate in x5c", () => forge(eddsa({ x5c: ["AAAA"] }), claims(), local)],
    ["a certificate by x5u", () => forge(eddsa({ x5u: surface().keyServer.url }), claims(), local)],
    ["a kid that is a path", () => forge(eddsa({ kid: "../../../../dev/null" }), claims(), "")],
    ["a kid that is SQL", () => forge(eddsa({ kid: "' OR '1'='1" }), claims(), local)],
    ["a kid that is no text", () => forge(eddsa({ kid: { $ne: null } }), claims(), local)],
    ["a kid named __proto__", () => forge(eddsa({ kid: "__proto__" }), claims(), local)],
    ["a critical extension", () => forge(eddsa({ crit: ["exp"] }), claims(), local)],
    ["b64 false", () => forge(eddsa({ b64: false, crit: ["b64"] }), claims(), local)],
    ["a type that is no access token's", () => forge(eddsa({ typ: "id+jwt" }), claims(), local)],
    ["expired two minutes ago", () => forge(eddsa(), claims({ exp: inSeconds(-120) }), local)],
    ["no expiry", () => forge(eddsa(), claims({ exp: undefined }), local)],
    ["an expiry that is text", () => forge(eddsa(), claims({ exp: "2099-01-01" }), local)],
    ["not valid before five minutes from now", () => forge(eddsa(), claims({ nbf: inSeconds(300) }), local)],
    ["issued in the future", () => forge(eddsa(), claims({ iat: inSeconds(300) }), local)],
    ["another audience", () => forge(eddsa(), claims({ aud: "other" }), local)],
    ["no audience", () => forge(eddsa(), claims({ aud: undefined }), local)],
    ["another issuer", () => forge(eddsa(), claims({ iss: "https://evil.example" }), local)],
    ["no issuer", () => forge(eddsa(), claims({ iss: undefined }), local)],
    ["the other issuer's name with this key", () => forge(eddsa({ alg: "EdDSA", kid: "rsa" }), remote(), local)],
    [
      "this issuer's name with the other key",
      () => forge({ alg: "ES256", kid: "ec" }, claims(), surface().keyServer.ec),
    ],
    ["permissions that are no list", () => forge(eddsa(), claims({ permissions: { "carts:read": true } }), local)],
    ["a subject that is no text", () => forge(eddsa(), claims({ sub: { admin: true } }), local)],
    ["longer than 8 KiB", () => forge(eddsa(), claims({ padding: "x".repeat(8192) }), local)],
    ["a changed payload", () => changed((parts) => [parts[0], encode(claims({ sub: "admin" })), parts[2]])],
    [
      "a changed signature",
      () => changed((parts) => [parts[0], parts[1], `${parts[2][0] === "A" ? "B" : "A"}${parts[2].slice(1)}`]),
    ],
    ["no signature", () => changed((parts) => [parts[0], parts[1], ""])],
    ["padding", () => changed((parts) => [parts[0], parts[1], `${parts[2]}==`])],
    [
      "plain base64",
      () => changed((parts) => [parts[0], parts[1], Buffer.from(parts[2], "base64url").toString("base64")]),
    ],
    [
      "a last character whose spare bits are set",
      () => changed((parts) => [parts[0], parts[1], `${parts[2].slice(0, -1)}${nextCharacter(parts[2])}`]),
    ],
    ["a fourth part", () => `${forge(eddsa(), claims(), local)}.AAAA`],
    [
      "a header that is no JSON",
      () => changed((parts) => [Buffer.from("{").toString("base64url"), parts[1], parts[2]]),
    ],
    [
      "a header that is a list",
      () => changed((parts) => [Buffer.from("[]").toString("base64url"), parts[1], parts[2]]),
    ],
    ["no token at all", () => "..."],
  ];

  function withOwnKey(member: string): string {
    const own = generateKeyPairSync("ed25519").privateKey;
    const jwk = createPublicKey(own).export({ format: "jwk" });
    return forge(eddsa({ [member]: { ...jwk, kid } }), claims(), own);
  }

  function changed(change: (parts: readonly [string, string, string]) => readonly string[]): string {
    const [header = "", payload = "", signature = ""] = forge(eddsa(), claims(), local).split(".");
    return change([header, payload, signature]).join(".");
  }

  test("the same forge makes tokens that are accepted: three algorithms, two issuers", async () => {
    const { client } = surface();
    const good = [
      forge(eddsa(), claims(), local),
      forge({ alg: "EdDSA" }, claims({ aud: ["other", "zgate"], permissions: "carts:read" }), local),
      forge(eddsa(), claims({ exp: inSeconds(-30) }), local),
      forge({ alg: "RS256", kid: "rsa" }, remote(), surface().keyServer.rsa),
      forge({ alg: "ES256", kid: "ec" }, remote(), surface().keyServer.ec),
    ];
    for (const token of good) expect((await client.get(path, { token })).json()).toEqual({ secret: true });
  });

  test.for(attacks)("a token with %s is 401", async ([, make]) => {
    const { client } = surface();
    const token = make();
    for (const method of ["GET", "PUT"]) {
      const body = method === "PUT" ? { body: "{}", headers: { "content-type": "application/json" } } : {};
      const answer = await client.send(method, path, { token, ...body });
      expect(answer.json()).toMatchObject({ status: 401, code: "INVALID_TOKEN" });
      expect(answer.header("www-authenticate")).toMatch(/^Bearer realm="zgate", error="invalid_token"/);
      expect(answer.text).not.toContain("secret");
      expect(answer.text).not.toContain(token.split(".")[1] || "never");
    }
    const everybody = await client.get("/products/none", { token });
    expect(everybody.status, "where no token is needed a bad one is refused all the same").toBe(401);
  });

  test("unknown key ids do not make the edge ask the issuer again and again", async () => {
    const { client } = surface();
    const { ec, fetches } = surface().keyServer;
    const before = fetches();
    const tokens = Array.from({ length: 50 }, (_, n) => forge({ alg: "ES256", kid: `unknown-${n}` }, remote(), ec));
    const answers = await Promise.all(tokens.map((token) => client.get(path, { token })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(fetches() - before).toBeLessThanOrEqual(1);
  });

  test("two Authorization headers are refused, in whichever order and form", async () => {
    const { client, token } = surface();
    const none = forge({ alg: "none" }, claims(), "x");
    for (const [first, second] of [
      [`Bearer ${token}`, `Bearer ${none}`],
      [`Bearer ${none}`, `Bearer ${token}`],
      [`Bearer ${token}`, `Bearer ${token}`],
      [`Bearer ${token}`, "Basic YTpi"],
    ]) {
      const lines = [`GET ${path} HTTP/1.1`, "Host: gateway", `Authorization: ${first}`, `Authorization: ${second}`];
      const answer = await sendRaw(client.url, `${lines.join("\r\n")}\r\nConnection: close\r\n\r\n`);
      expect(answer.status, `${first?.slice(0, 12)} ${second?.slice(0, 12)}`).toBe(401);
      expect(answer.body).not.toContain("secret");
    }
  });

  test.for(["Bearer", "Bearer ", "bearer", "Basic YTpi", "Bearer a b", "Token abc", ""])(
    "the header Authorization: %s is 401",
    async (authorization) => {
      const { client } = surface();
      const answer = await client.get(path, { headers: { authorization } });
      expect(answer.json()).toMatchObject({ status: 401, code: "UNAUTHENTICATED" });
    },
  );

  test("a token in the query or in a cookie is no token", async () => {
    const { client, token } = surface();
    expect((await client.get(`${path}?access_token=${token}`)).json().code).toBe("UNAUTHENTICATED");
    expect((await client.get(path, { headers: { cookie: `token=${token}` } })).json().code).toBe("UNAUTHENTICATED");
  });

  test("a valid token without the permission is 403, with it 200", async () => {
    const { client, gateway } = surface();
    const lacking = await gateway.token("carts:write products:read cart:read carts:reader");
    const refused = await client.get(path, { token: lacking });
    expect(refused.json()).toMatchObject({ code: "FORBIDDEN", permission: "carts:read" });
    expect(refused.header("www-authenticate")).toContain('error="insufficient_scope"');
    const token = await gateway.token("carts:read");
    expect((await client.put(path, 1, { token })).json().code).toBe("FORBIDDEN");
    expect((await client.send("DELETE", path, { token })).json().code).toBe("FORBIDDEN");
    expect((await client.get(path, { token })).status).toBe(200);
  });
});

/** The character after the last one of `text` in base64url: the same bytes, another spelling. */
function nextCharacter(text: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return alphabet.charAt(alphabet.indexOf(text.at(-1) ?? "A") + 1);
}
