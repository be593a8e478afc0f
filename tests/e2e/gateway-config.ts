// The configuration of test gateways: each setting that an answer can depend on is there once.
// Must not start anything.

/** Ports, and what a test wants other than usual. */
export interface GatewayConfigOptions {
  /** Port of each shard, in order. `zgate up` replaces them by its own. */
  readonly ports?: readonly number[];
  /** The `[edge]` table. */
  readonly edge?: string;
  /** More tables, such as issuers. */
  readonly more?: string;
}

const PUBLIC = 'read = "public"';

/** Origin that may read the collection `notes`. */
export const NOTES_ORIGIN = "https://notes.example";

/** `stale_if_error` and `fresh` of the collection `news`, in milliseconds. */
export const NEWS_FRESH_MS = 300;

/** Largest document of the collection `notes`, in bytes. */
export const NOTE_BYTES_MAX = 1024;

/**
 * products: as the project ships it. carts: private, by hash. notes: demands If-Match, small, CORS for one origin.
 * news: fresh for a moment, then revalidated in the background. rates: fresh for a moment, then asked for. prices: never cached. Each is cut at "m", or in halves.
 */
export function gatewayConfig(options: GatewayConfigOptions = {}): string {
  const { ports = [8801, 8802], edge = "", more = "" } = options;
  const cached = (fresh: string, meanwhile: string): string =>
    `[collections.cache]\nfresh = "${fresh}"\nstale_while_revalidate = "${meanwhile}"\nstale_if_error = "10m"`;
  return [
    collection("products", "range", `${PUBLIC}\n${cached("10s", "30s")}\n[collections.cors]\norigins = ["*"]`),
    collection("carts", "hash", ""),
    collection(
      "notes",
      "range",
      `${PUBLIC}\nrequire_if_match = true\ndocument_max = "${NOTE_BYTES_MAX}B"\n[collections.cors]\norigins = ["${NOTES_ORIGIN}"]`,
    ),
    collection("news", "range", `${PUBLIC}\n${cached(`${NEWS_FRESH_MS}ms`, "30s")}`),
    collection("rates", "range", `${PUBLIC}\n${cached(`${NEWS_FRESH_MS}ms`, "0s")}`),
    collection("prices", "range", PUBLIC),
    ...ports.map((port, index) => `[[shards]]\nid = "shard-${index + 1}"\norigins = ["http://127.0.0.1:${port}"]\n`),
    '[[issuers]]\nissuer = "zgate-local"\naudience = "zgate"\nalgorithms = ["EdDSA"]\njwks_env = "ZGATE_LOCAL_JWKS"',
    more,
    `[edge]\n${edge}`,
  ].join("\n");
}

function collection(name: string, kind: "range" | "hash", settings: string): string {
  const cut = kind === "range" ? "m" : "g0";
  return `
[[collections]]
name = "${name}"
kind = "${kind}"
${settings}
[[collections.map]]
start = ""
end = "${cut}"
shard = "shard-1"
[[collections.map]]
start = "${cut}"
shard = "shard-2"
`;
}
