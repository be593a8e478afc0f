/**
 * GET of a collection: one page of finished client items, a line each.
 * It must not parse the documents: numbers would lose their precision.
 */
import type { CollectionConfig } from "../../config/config.ts";
import { HEADER } from "../../router/contract.ts";
import type { ListOutcome, Row } from "../store/port.ts";
import { type AnswerHeaders, answerNotOwned, answerProblem, formatHttpDate } from "./answer.ts";
import { parseSlotEpoch } from "./caller.ts";
import { listStripes } from "./divided-prefix.ts";
import { SLOT_MOVING } from "./document-read.ts";
import { parseCollectionPath, refusePermission } from "./document-target.ts";
import { formatEntityTag } from "./entity-tag.ts";
import type { Exchange } from "./exchange.ts";
import { type ListQuery, parseListQuery } from "./list-query.ts";
import type { ShardServices } from "./shard-services.ts";

/** A page ends with the document that reaches this many bytes. */
const PAGE_BYTES_MAX = 1024 * 1024;

const LINE_BREAKS = /[\r\n]/g;

/** Answers GET `/{collection}`. */
export async function listDocuments(services: ShardServices, exchange: Exchange): Promise<Response> {
  const collection = parseCollectionPath(exchange.path, services.collections);
  if (!collection.ok) return answerProblem(exchange, collection);
  const forbidden = refusePermission(collection.value, "read", exchange.header);
  if (forbidden !== null) return answerProblem(exchange, forbidden);
  const query = parseListQuery(exchange.query);
  if (!query.ok) return answerProblem(exchange, query);
  const answer = await readPage(services, exchange, { collection: collection.value, query: query.value });
  if (answer.kind === "redirect") return answerNotOwned(answer.notOwned);
  if (answer.kind === "moving") return answerProblem(exchange, SLOT_MOVING);
  return answerPage(answer.value);
}

interface ListTarget {
  readonly collection: CollectionConfig;
  readonly query: ListQuery;
}

function readPage(services: ShardServices, exchange: Exchange, target: ListTarget) {
  const { name } = target.collection;
  const request = { collection: name, intent: "read", knownEpoch: parseSlotEpoch(exchange.header) } as const;
  const page = { ...target.query, collection: name, bytesMax: PAGE_BYTES_MAX };
  return services.access(request, async () => {
    const outcome = await listStripes(services, target.collection.placement, page);
    return outcome.kind === "page" ? ({ kind: "served", value: outcome } as const) : outcome;
  });
}

function answerPage(page: Extract<ListOutcome, { readonly kind: "page" }>): Response {
  const covered: AnswerHeaders =
    page.coveredTo === null ? {} : { [HEADER.listCovered]: encodeURIComponent(page.coveredTo) };
  const headers = { "Content-Type": "application/x-ndjson", ...covered };
  return new Response(page.rows.map(formatLine).join(""), { status: 200, headers });
}

/** A raw line break in JSON stands between tokens, where a space means the same. */
function formatLine(row: Row): string {
  const etag = formatEntityTag(row.op);
  const head = JSON.stringify({ key: row.key, etag, lastModified: formatHttpDate(row.modifiedAtMs) });
  return `${head.slice(0, -1)},"value":${row.json.replace(LINE_BREAKS, " ")}}\n`;
}
