/**
 * The end of a chaos run: every move comes to its end by itself or by an abort, then all is looked at by the operator's own commands
 * and by a last reading of every key. It must not mend anything.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { changeMove } from "../../cli/moves/find-move.ts";
import { hasEnded } from "../../cli/moves/watch-move.ts";
import { parseConfig } from "../../config/config.ts";
import { SIGNING_KEYS_ENV } from "../../config/signing-keys.ts";
import type { Catalog, Move } from "../../shards/catalog/port.ts";
import { type Finished, zgate } from "../e2e/cli-process.ts";
import { type ShardFiles, TEST_SIGNING_KEYS } from "../e2e/shard-process.ts";
import { type Meaning, meaningOf } from "../faults/answer-meaning.ts";
import { keySetOf, type LoadKey } from "../faults/key-set.ts";
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

/**
 * One of the operator's commands, on the instance of the run. Where it could not look at everything and has found nothing, a database that
 * has just come back may have been late: it is asked again.
 */
export async function askOperator(
  { directory, configFile }: ShardFiles,
  ...args: readonly string[]
): Promise<Finished> {
  const where = ["--json", "--data", directory, "--config", configFile];
  for (let asking = 1; ; asking += 1) {
    const finished = await zgate([...args, ...where], { [SIGNING_KEYS_ENV]: TEST_SIGNING_KEYS });
    if (finished.code === 0 || asking === ASKINGS_MAX || hasFound(finished.stdout)) return finished;
    await sleep(ASK_AGAIN_MS);
  }
}

const ASKINGS_MAX = 3;
const ASK_AGAIN_MS = 2000;

/** Whether `doctor` or `verify` tells of anything but that it could not look. */
function hasFound(stdout: string): boolean {
  const documents = stdout.split("\n").filter((line) => line !== "");
  return documents
    .map((line) => JSON.parse(line))
    .some(({ complaints = [], findings = [] }) => complaints.length + findings.length > 0);
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

/** A shard or database that has just come back may refuse a read, or leave it without an answer. */
async function readPatiently(way: Way, key: LoadKey): Promise<Meaning> {
  for (let reading = 1; ; reading += 1) {
    const outcome = await way.send(key, { method: "GET", path: key.path, query: "", headers: {}, body: null });
    const meaning = meaningOf(outcome, "read");
    if (reading === READINGS_MAX || (meaning.result.kind !== "refused" && meaning.result.kind !== "unknown"))
      return meaning;
    await sleep(READ_AGAIN_MS);
  }
}

const READINGS_MAX = 5;
const READ_AGAIN_MS = 1000;

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
    const { result, label } = await readPatiently(way, key);
    if (result.kind !== "found" && result.kind !== "missing") throw new Error(`${key.path} cannot be read: ${label}`);
    recorder.end(id, result);
  }
  recorder.close();
  await way.close();
  return history;
}
