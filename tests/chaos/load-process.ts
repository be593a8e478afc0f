// A process of clients: over real edges, or finding their shards as an edge does, with a fresh map or an old one. It must not be imported;
// load.ts starts it.
import { parseConfig } from "../../config/config.ts";
import { readLoadOrder, runLoad } from "../faults/run-load.ts";
import { ShardWire } from "../faults/shard-wire.ts";
import { createRequestSigner } from "../faults/signed-request.ts";
import { createRandom } from "../history/random.ts";
import { createCutoverWriter, cutoverFileOf } from "./cutover-file.ts";
import { EdgeMaps } from "./edge-maps.ts";
import { createEdgeWay } from "./edge-way.ts";
import { createGatewayWay } from "./gateway-way.ts";
import { roleOf } from "./load-roles.ts";

const order = readLoadOrder();
const { origins, edges } = order;
const role = roleOf(order.number, edges);
const random = createRandom(order.seed);
const sign = createRequestSigner(order.signingKeys);
const mapWire = new ShardWire(sign, () => 0);
const maps = new EdgeMaps({
  config: parseConfig(order.configText, "the load's configuration"),
  origins,
  wire: mapWire,
  random,
  isStale: role === "stale",
});
const onCutover = createCutoverWriter(cutoverFileOf(order.historyFile));
await runLoad(order, (clockOffsetMs) =>
  role === "edges" && edges !== null
    ? createGatewayWay(edges, random)
    : createEdgeWay({ origins, wire: new ShardWire(sign, clockOffsetMs), maps, onCutover }),
);
await mapWire.close();
