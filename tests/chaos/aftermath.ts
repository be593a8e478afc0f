/**
 * The end of a chaos run: every move comes to its end by itself or by an abort, then all is looked at by the operator's own commands
 * and by a last reading of every key. It must not mend anything.
 */
import { join } from "node:path";
import { changeMove } from "../../cli/moves/find-move.ts";
import { hasEnded } from "../../cli/moves/watch-move.ts";
import { parseConfig } from "../../config/config.ts";
import { SIGNING_KEYS_ENV } from "../../config/signing-keys.ts";
import type { Catalog, Move } from "../../shards/catalog/port.ts";
import { type Finished, zgate } from "../e2e/cli-process.ts";
import { type ShardFiles, TEST_SIGNING_KEYS } from "../e2e/shard-process.ts";
import { meaningOf } from "../faults/answer-meaning.ts";
import { keySetOf } from "../faults/key-set.ts";
import type { EdgeAccess } from "../faults/load-message.ts";
import { until } from "../faults/patience.ts";
import { ShardWire } from "../faults/shard-wire.ts";
import { createRequestSigner } from "../faults/signed-request.ts";
import type { Way } from "../faults/way.ts";
import { createRandom } from "../history/random.ts";
import { Recorder } from "../history/recorder.ts";
import { keysOf } from "./chaos-config.ts";
import type { ChaosShards } from "./chaos-shards.ts";
import { EdgeMaps } from "./edge-maps.ts";
import { createEdgeWay } from "./edge-way.ts";
import { createGatewayWay } from "./gateway-way.ts";

const PAGE = 100;

/** How long moves may take to end by themselves, and to be aborted then, in milliseconds. */
const END_MS_MAX = 45_000;
const ABORT_MS_MAX = 60_000;

/** How the last moves ended. */
export interface Ends {
  readonly byThemselves: number;
  readonly byAbort: number;
}

/** Waits for all live moves, and aborts what does not end. */
export async function endMoves(catalog: Catalog): Promise<Ends> {
  const author = () => ({ actor: "chaos", writer: crypto.randomUUID(), atMs: Date.now() });
  const before = await liveMoves(catalog);
  const haveEnded = async (): Promise<boolean> => (await liveMoves(catalog)).length === 0;
  await until(haveEnded, "", END_MS_MAX).catch(() => undefined);
  const left = await liveMoves(catalog);
  for (const { id } of left) {
    await changeMove({ catalog, author }, id, (move) => (hasEnded(move) ? {} : { state: "aborting" }));
  }
  await until(haveEnded, "every move has been aborted", ABORT_MS_MAX);
  return { byThemselves: before.length - left.length, byAbort: left.length };
}

async function liveMoves(catalog: Catalog): Promise<readonly Move[]> {
  const states = ["running", "aborting"] as const;
  return (await Promise.all(states.map((state) => catalog.moves(null, { limit: PAGE, state })))).flat();
}

/** One of the operator's commands, on the instance of the run. */
export function askOperator({ directory, configFile }: ShardFiles, ...args: readonly string[]): Promise<Finished> {
  const where = ["--json", "--data", directory, "--config", configFile];
  return zgate([...args, ...where], { [SIGNING_KEYS_ENV]: TEST_SIGNING_KEYS });
}

/** Reads every key at whoever owns it, into a history of its own. Throws when one cannot be read. */
export async function readOwners(shards: ChaosShards): Promise<string> {
  const { files, origins } = shards;
  const wire = new ShardWire(createRequestSigner(TEST_SIGNING_KEYS), () => 0);
  const config = parseConfig(files.configText, files.configFile);
  const maps = new EdgeMaps({ config, origins, wire, random: createRandom(1), isStale: false });
  const way = createEdgeWay({ origins, wire, maps, onCutover: () => undefined });
  return readEverything(shards, { name: "last", way });
}

/** As `readOwners`, over each of the edges. */
export async function readOverEdges(shards: ChaosShards, { urls, token }: EdgeAccess): Promise<readonly string[]> {
  const readers = urls.map((url, index) => {
    const way = createGatewayWay({ urls: [url], token }, createRandom(1));
    return readEverything(shards, { name: `last-${index}`, way });
  });
  return Promise.all(readers);
}

interface LastReader {
  readonly name: string;
  readonly way: Way;
}

async function readEverything({ files }: ChaosShards, { name, way }: LastReader): Promise<string> {
  const history = join(files.directory, `history-${name}.jsonl`);
  const recorder = new Recorder(history);
  for (const [index, key] of keySetOf(
    files.configText,
    keysOf(files.config.collections.keys()),
    createRandom(1),
  ).keys.entries()) {
    const id = `${name}.${index}`;
    recorder.start({ id, process: name, key: key.path, isKeyed: false, request: { kind: "read" } });
    const outcome = await way.send(key, { method: "GET", path: key.path, query: "", headers: {}, body: null });
    const { result, label } = meaningOf(outcome, "read");
    if (result.kind !== "found" && result.kind !== "missing") throw new Error(`${key.path} cannot be read: ${label}`);
    recorder.end(id, result);
  }
  recorder.close();
  await way.close();
  return history;
}
