// zgate.toml: what comes out of it, its defaults, and that every fault says where, what was expected and what came.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError, parseConfig } from "../../../config/config.ts";
import { parseShardMap } from "../../../router/shard-map.ts";

const SHIPPED = readFileSync(join(import.meta.dirname, "../../../zgate.toml"), "utf8");

const LEAST = `
[[collections]]
name = "products"
kind = "range"

[[collections.map]]
start = ""
shard = "shard-1"

[[shards]]
id = "shard-1"
origins = ["http://127.0.0.1:8801"]
`;

const FULL = `
[[collections]]
name = "products"
kind = "range"
stripes = 16
read = "public"
require_if_match = true
document_max = "64KiB"
idempotency_retention = "1h"
tombstone_retention = "2h"

[collections.cache]
fresh = "10s"
stale_while_revalidate = "30s"
stale_if_error = "10m"

[collections.cors]
origins = ["https://shop.example", "*"]
max_age = "1h"

[[collections.map]]
start = ""
end = "m"
shard = "shard-1"

[[collections.map]]
start = "m"
shard = "shard-2"

[[shards]]
id = "shard-1"
origins = ["http://127.0.0.1:8801", "https://shard-1.example"]

[[shards]]
id = "shard-2"
origins = ["http://127.0.0.1:8802"]

[[issuers]]
issuer = "https://id.example"
audience = "zgate"
algorithms = ["EdDSA", "ES256", "RS256"]
jwks_url = "https://id.example/jwks.json"

[[issuers]]
issuer = "local"
audience = "zgate"
algorithms = ["EdDSA"]
jwks_env = "LOCAL_JWKS"

[edge]
shard_timeout = "1s"
total_timeout = "3s"
map_refresh = "20s"
`;

function faultsOf(text: string): readonly string[] {
  try {
    parseConfig(text, "zgate.toml");
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

/** `text` with `found` replaced; throws if it is not there, so that a case cannot test nothing. */
function replaced(text: string, found: string, by: string): string {
  if (!text.includes(found)) throw new Error(`not in the text: ${found}`);
  return text.replace(found, () => by);
}

describe("a configuration", () => {
  it("has every setting it was given", () => {
    const config = parseConfig(FULL, "zgate.toml");
    expect(config.collections.get("products")).toEqual({
      name: "products",
      placement: { kind: "range", stripes: 16 },
      isPublic: true,
      requiresIfMatch: true,
      documentBytesMax: 65_536,
      idempotencyRetentionMs: 3_600_000,
      tombstoneRetentionMs: 7_200_000,
      cache: { freshMs: 10_000, staleWhileRevalidateMs: 30_000, staleIfErrorMs: 600_000 },
      cors: { origins: ["https://shop.example", "*"], maxAgeMs: 3_600_000 },
      initialMap: {
        collection: "products",
        version: 1,
        parent: 0,
        ranges: [
          { start: "", end: "m", shard: "shard-1" },
          { start: "m", end: null, shard: "shard-2" },
        ],
      },
    });
    expect([...config.shards.values()]).toEqual([
      {
        id: "shard-1",
        origins: ["http://127.0.0.1:8801", "https://shard-1.example"],
        store: { kind: "sqlite" },
      },
      { id: "shard-2", origins: ["http://127.0.0.1:8802"], store: { kind: "sqlite" } },
    ]);
    expect(config.issuers).toEqual([
      {
        issuer: "https://id.example",
        audience: "zgate",
        algorithms: ["EdDSA", "ES256", "RS256"],
        keys: { kind: "url", url: "https://id.example/jwks.json" },
      },
      { issuer: "local", audience: "zgate", algorithms: ["EdDSA"], keys: { kind: "env", name: "LOCAL_JWKS" } },
    ]);
    expect(config.edge).toEqual({ shardTimeoutMs: 1000, totalTimeoutMs: 3000, mapRefreshMs: 20_000 });
  });

  it("has safe defaults for the rest", () => {
    const config = parseConfig(LEAST, "zgate.toml");
    expect(config.collections.get("products")).toMatchObject({
      placement: { kind: "range", stripes: 1 },
      isPublic: false,
      requiresIfMatch: false,
      documentBytesMax: 262_144,
      idempotencyRetentionMs: 86_400_000,
      tombstoneRetentionMs: 86_400_000,
      cache: null,
      cors: null,
    });
    expect(config.issuers).toEqual([]);
    expect(config.edge).toEqual({ shardTimeoutMs: 5000, totalTimeoutMs: 15_000, mapRefreshMs: 10_000 });
  });

  it("has defaults within a cache and within cors", () => {
    const extra = '[collections.cache]\nfresh = "10s"\n[collections.cors]\norigins = ["*"]\n[[collections.map]]';
    const text = replaced(
      replaced(LEAST, "[[collections.map]]", extra),
      'kind = "range"',
      'kind = "range"\nread = "public"',
    );
    expect(parseConfig(text, "zgate.toml").collections.get("products")).toMatchObject({
      cache: { freshMs: 10_000, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 },
      cors: { origins: ["*"], maxAgeMs: 600_000 },
    });
  });

  it("places a hash collection by hash", () => {
    const collection = parseConfig(replaced(LEAST, '"range"', '"hash"'), "zgate.toml").collections.get("products");
    expect(collection?.placement).toEqual({ kind: "hash", stripes: 1 });
  });

  it("comes from the file that is shipped, whose maps survive being printed", () => {
    const config = parseConfig(SHIPPED, "zgate.toml");
    expect([...config.collections.keys()]).toEqual(["products", "carts"]);
    for (const { initialMap, placement } of config.collections.values()) {
      const printed: unknown = JSON.parse(JSON.stringify(initialMap));
      const shards = new Set(config.shards.keys());
      expect(parseShardMap(printed, { placement, shards })).toEqual({ ok: true, value: initialMap });
    }
  });
});

interface Fault {
  readonly name: string;
  readonly found: string;
  readonly by: string;
  readonly fault: string;
}

const FAULTS: readonly Fault[] = [
  {
    name: "a kind that there is not",
    found: 'kind = "range"',
    by: 'kind = "list"',
    fault: 'collections[0].kind: expected "range" or "hash", got "list"',
  },
  {
    name: "a setting that is missing",
    found: 'kind = "range"\n',
    by: "",
    fault: "collections[0].kind: expected a value, got nothing",
  },
  {
    name: "a setting that there is not",
    found: "shard_timeout",
    by: "shard_timeuot",
    fault: 'edge.shard_timeuot: expected no setting of this name, got "shard_timeuot"',
  },
  {
    name: "a number for a duration",
    found: 'fresh = "10s"',
    by: "fresh = 10",
    fault:
      'collections[0].cache.fresh: expected a duration such as "250ms", "30s", "10m", "24h" or "7d", from "0s" to "365d", got 10',
  },
  {
    name: "a duration without a unit",
    found: 'fresh = "10s"',
    by: 'fresh = "10"',
    fault:
      'collections[0].cache.fresh: expected a duration such as "250ms", "30s", "10m", "24h" or "7d", from "0s" to "365d", got "10"',
  },
  {
    name: "a duration of more than a year",
    found: 'fresh = "10s"',
    by: 'fresh = "366d"',
    fault:
      'collections[0].cache.fresh: expected a duration such as "250ms", "30s", "10m", "24h" or "7d", from "0s" to "365d", got "366d"',
  },
  {
    name: "a wait of nothing",
    found: 'shard_timeout = "1s"',
    by: 'shard_timeout = "0s"',
    fault:
      'edge.shard_timeout: expected a duration such as "250ms", "30s", "10m", "24h" or "7d", from "1ms" to "1h", got "0s"',
  },
  {
    name: "a size over the limit",
    found: '"64KiB"',
    by: '"257KiB"',
    fault: 'collections[0].document_max: expected a size such as "512B" or "64KiB", at most "256KiB", got "257KiB"',
  },
  {
    name: "a size of nothing",
    found: '"64KiB"',
    by: '"0B"',
    fault: 'collections[0].document_max: expected a size such as "512B" or "64KiB", at most "256KiB", got "0B"',
  },
  {
    name: "a number for a size",
    found: '"64KiB"',
    by: "65536",
    fault: 'collections[0].document_max: expected a size such as "512B" or "64KiB", at most "256KiB", got 65536',
  },
  {
    name: "a size without a unit",
    found: '"64KiB"',
    by: '"64"',
    fault: 'collections[0].document_max: expected a size such as "512B" or "64KiB", at most "256KiB", got "64"',
  },
  ...["0", "257", "1.5", "nan", '"16"'].map((by) => ({
    name: `${by} stripes`,
    found: "stripes = 16",
    by: `stripes = ${by}`,
    fault: `collections[0].stripes: expected a whole number from 1 to 256, got ${by === "nan" ? "NaN" : by}`,
  })),
  {
    name: "a reader that there is not",
    found: 'read = "public"',
    by: 'read = "all"',
    fault: 'collections[0].read: expected "public" or "permission", got "all"',
  },
  {
    name: "a cache for what is not public",
    found: 'read = "public"',
    by: 'read = "permission"',
    fault: 'collections[0].cache: expected read = "public" (nothing private is cached), got read = "permission"',
  },
  {
    name: "a collection name with a slash",
    found: 'name = "products"',
    by: 'name = "a/b"',
    fault:
      'collections[0].name: expected a collection name such as "products" ([a-z0-9-], at most 32, not reserved), got "a/b"',
  },
  {
    name: "a reserved collection name",
    found: 'name = "products"',
    by: 'name = "internal"',
    fault:
      'collections[0].name: expected a collection name such as "products" ([a-z0-9-], at most 32, not reserved), got "internal"',
  },
  {
    name: "a shard id with a space",
    found: 'id = "shard-1"',
    by: 'id = "shard 1"',
    fault: 'shards[0].id: expected a shard id such as "shard-1" ([a-z0-9-], at most 32), got "shard 1"',
  },
  {
    name: "an unknown shard in a map",
    found: 'start = "m"\nshard = "shard-2"',
    by: 'start = "m"\nshard = "shard-3"',
    fault: 'collections[0].map[1]: expected one of shard-1, shard-2, got "shard-3"',
  },
  {
    name: "a map with a gap",
    found: 'start = "m"',
    by: 'start = "n"',
    fault: 'collections[0].map[1]: expected ["n", ∞) to start where the one before ends: ["", "m")',
  },
  {
    name: "a map cut inside a slot",
    found: 'end = "m"',
    by: 'end = "mmm"',
    fault: 'collections[0].map[0]: expected a slot boundary, got "mmm"; the nearest are "mm" or "mn"',
  },
  {
    name: "a map that ends before the end",
    found: 'start = "m"\nshard',
    by: 'start = "m"\nend = "z"\nshard',
    fault: 'collections[0].map[1]: expected the last range to go to the very end (leave out end), got end = "z"',
  },
  {
    name: "a range that starts with a number",
    found: 'start = "m"',
    by: "start = 1",
    fault: "collections[0].map[1].start: expected a text, got 1",
  },
  {
    name: "a text for a switch",
    found: "require_if_match = true",
    by: 'require_if_match = "yes"',
    fault: 'collections[0].require_if_match: expected true or false, got "yes"',
  },
  {
    name: "an origin of two shards",
    found: '"http://127.0.0.1:8802"',
    by: '"http://127.0.0.1:8802", "https://shard-1.example"',
    fault:
      'shards[1].origins[1]: expected an origin that no other shard has, got "https://shard-1.example", which is shard-1\'s',
  },
  {
    name: "less time for all attempts than for one",
    found: 'total_timeout = "3s"',
    by: 'total_timeout = "900ms"',
    fault: "edge.total_timeout: expected at least edge.shard_timeout (1000 ms), got 900 ms",
  },
  {
    name: "the same shard twice",
    found: 'id = "shard-2"',
    by: 'id = "shard-1"',
    fault: 'shards: "shard-1" is there twice',
  },
  ...[
    "127.0.0.1:8801",
    "http://127.0.0.1:8801/",
    "http://127.0.0.1:80",
    "ftp://a.example",
    "http://A.example",
    "http://u:p@a.example",
  ].map((origin) => ({
    name: `the origin ${origin}`,
    found: "http://127.0.0.1:8801",
    by: origin,
    fault: `shards[0].origins[0]: expected an origin such as http://127.0.0.1:8801 or https://shard-1.example, without a path or a default port, got "${origin}"`,
  })),
  {
    name: "no origins",
    found: 'origins = ["http://127.0.0.1:8802"]',
    by: "origins = []",
    fault: "shards[1].origins: expected a list of at least one, got []",
  },
  {
    name: "origins that are no list",
    found: 'origins = ["http://127.0.0.1:8802"]',
    by: 'origins = "http://127.0.0.1:8802"',
    fault: 'shards[1].origins: expected a list, got "http://127.0.0.1:8802"',
  },
  {
    name: "the same issuer twice",
    found: 'issuer = "local"',
    by: 'issuer = "https://id.example"',
    fault: 'issuers: "https://id.example" is there twice',
  },
  {
    name: "an issuer without a name",
    found: 'issuer = "local"',
    by: 'issuer = ""',
    fault: 'issuers[1].issuer: expected a text that is not empty, got ""',
  },
  {
    name: "the algorithm none",
    found: 'algorithms = ["EdDSA"]',
    by: 'algorithms = ["none"]',
    fault: 'issuers[1].algorithms[0]: expected "EdDSA" or "ES256" or "RS256", got "none"',
  },
  {
    name: "no algorithm",
    found: 'algorithms = ["EdDSA"]',
    by: "algorithms = []",
    fault: "issuers[1].algorithms: expected a list of at least one, got []",
  },
  ...["jwks.json", "file:///jwks.json", "http://id.example/jwks.json"].map((url) => ({
    name: `keys from ${url}`,
    found: "https://id.example/jwks.json",
    by: url,
    fault: `issuers[0].jwks_url: expected an https URL (http only on 127.0.0.1 or localhost), got "${url}"`,
  })),
  {
    name: "a variable in lower case",
    found: '"LOCAL_JWKS"',
    by: '"local_jwks"',
    fault: 'issuers[1].jwks_env: expected the name of an environment variable, got "local_jwks"',
  },
  {
    name: "an issuer without keys",
    found: 'jwks_env = "LOCAL_JWKS"',
    by: "",
    fault:
      'issuers[1]: expected either jwks_url or jwks_env, got {"issuer":"local","audience":"zgate","algorithms":["EdDSA"]}',
  },
];

describe("a fault", () => {
  it.each(FAULTS)("names place, expectation and what came: $name", ({ found, by, fault }) => {
    expect(faultsOf(replaced(FULL, found, by))).toContain(fault);
  });

  it("in the TOML itself names line and column", () => {
    const faults = faultsOf('[[collections]]\nname = "a" "b"\n');
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^line 2, column \d+: .+/);
  });

  it.each(["http://127.0.0.1:9000/jwks.json", "http://localhost/jwks.json"])("is not seen in keys from %s", (url) => {
    expect(faultsOf(replaced(FULL, "https://id.example/jwks.json", url))).toEqual([]);
  });

  it("in a whole table says so", () => {
    expect(faultsOf(`edge = "fast"\n${LEAST}`)).toEqual(['edge: expected a table, got "fast"']);
    expect(faultsOf("")).toEqual([
      "collections: expected a value, got nothing",
      "shards: expected a value, got nothing",
    ]);
  });

  it("does not hide the others", () => {
    const text = replaced(replaced(FULL, '"range"', '"list"'), '"EdDSA", ', '"none", ');
    expect(faultsOf(text)).toHaveLength(2);
    const twice = replaced(replaced(FULL, 'end = "m"', 'end = "n"'), 'jwks_env = "LOCAL_JWKS"', "");
    expect(faultsOf(twice)).toHaveLength(2);
  });

  it("in a collection that is there twice names it", () => {
    const collection = LEAST.slice(0, LEAST.indexOf("[[shards]]"));
    expect(faultsOf(collection + LEAST)).toEqual(['collections: "products" is there twice']);
  });

  it("in an issuer with two sources of keys shows the issuer", () => {
    const faults = faultsOf(
      replaced(FULL, 'jwks_env = "LOCAL_JWKS"', 'jwks_env = "LOCAL_JWKS"\njwks_url = "https://a.example"'),
    );
    expect(faults).toEqual([expect.stringMatching(/^issuers\[1\]: expected either jwks_url or jwks_env, got \{/)]);
  });

  it("comes as one error that names the file", () => {
    expect(() => parseConfig("", "my.toml")).toThrow(/^my\.toml is not valid:\n {2}collections: /);
  });
});
