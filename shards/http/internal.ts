/**
 * What only edges, peers and operators ask of a shard: health, the map, a slot's ownership.
 * It must not show secrets or documents.
 */
import { answerJson, answerProblem } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { parseParameters } from "./list-query.ts";
import type { ShardServices } from "./shard-services.ts";
import { parseCollection, parseSlotAddress } from "./slot-target.ts";

const COLLECTION_ONLY: ReadonlySet<string> = new Set(["collection"]);
const COLLECTION_AND_SLOT: ReadonlySet<string> = new Set(["collection", "slot"]);

/**
 * Answers GET `/internal/health`, unsigned: who this is, whether it takes requests and has what it is to serve. With
 * reason `store-lost` it still answers truthfully for every slot; a person has to restore the store. With
 * `store-unreachable` it will be ready again by itself. `detail` says what is not as it should be, for people.
 */
export function answerHealth(services: ShardServices): Response {
  const health = { shard: services.shard, pid: process.pid };
  if (!services.isReady()) return answerUnready({ ...health, ready: false, reason: "stopping" });
  const { lost, unsettled } = services.standing();
  if (lost.length > 0) return answerUnready({ ...health, ready: false, reason: "store-lost", collections: lost });
  const status = services.store.status();
  if (status.kind === "unreachable") {
    return answerUnready({ ...health, ready: false, reason: "store-unreachable", detail: status.detail });
  }
  const details = [
    ...(status.kind === "impaired" ? [status.detail] : []),
    ...(unsettled.length > 0 ? [`the catalog is silent, and nothing is held of ${unsettled.join(", ")}`] : []),
  ];
  return answerJson({ ...health, ready: true, ...(details.length > 0 ? { detail: details.join("; ") } : {}) });
}

function answerUnready(health: object): Response {
  return new Response(JSON.stringify(health), { status: 503, headers: { "Content-Type": "application/json" } });
}

/** Answers GET `/internal/map?collection=`: the newest map this shard knows. */
export async function answerMap(services: ShardServices, exchange: Exchange): Promise<Response> {
  const parameters = parseParameters(exchange.query, COLLECTION_ONLY);
  if (!parameters.ok) return answerProblem(exchange, parameters);
  const collection = parseCollection(services, parameters.value.get("collection") ?? "");
  if (!collection.ok) return answerProblem(exchange, collection);
  const map = await services.maps.current(collection.value.name);
  if (map === null) return answerProblem(exchange, { reason: "NO_MAP", detail: "the catalog has given no map yet" });
  return answerJson(map);
}

/** Answers GET `/internal/ownership?collection=&slot=`: the slot's columns as they are now. */
export async function answerOwnership(services: ShardServices, exchange: Exchange): Promise<Response> {
  const parameters = parseParameters(exchange.query, COLLECTION_AND_SLOT);
  if (!parameters.ok) return answerProblem(exchange, parameters);
  const collection = parseCollection(services, parameters.value.get("collection") ?? "");
  if (!collection.ok) return answerProblem(exchange, collection);
  const address = parseSlotAddress(collection.value, parameters.value.get("slot") ?? "");
  if (!address.ok) return answerProblem(exchange, address);
  return answerJson(await services.store.ownership(address.value));
}
