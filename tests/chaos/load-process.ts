// A process of clients that find their shards as an edge does; every third keeps an old map. It must not be imported; load.ts starts it.
import { parseConfig } from "../../config/config.ts";
import { readLoadOrder, runLoad } from "../faults/run-load.ts";
import { ShardWire } from "../faults/shard-wire.ts";
import { createRequestSigner } from "../faults/signed-request.ts";
import { createRandom } from "../history/random.ts";
import { createCutoverWriter, cutoverFileOf } from "./cutover-file.ts";
import { EdgeMaps } from "./edge-maps.ts";
import { createEdgeWay } from "./edge-way.ts";

const STALE_EVERY = 3;

const order = readLoadOrder();
const { origins } = order;
const sign = createRequestSigner(order.signingKeys);
const mapWire = new ShardWire(sign, () => 0);
const maps = new EdgeMaps({
  config: parseConfig(order.configText, "the load's configuration"),
  origins,
  wire: mapWire,
  random: createRandom(order.seed),
  isStale: order.number % STALE_EVERY === STALE_EVERY - 1,
});
const onCutover = createCutoverWriter(cutoverFileOf(order.historyFile));
await runLoad(order, (clockOffsetMs) =>
  createEdgeWay({ origins, wire: new ShardWire(sign, clockOffsetMs), maps, onCutover }),
);
await mapWire.close();
