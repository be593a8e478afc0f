/**
 * GET and HEAD of one document.
 * It must not answer from anything but one store read that has checked the slot's ownership.
 */

import type { Row } from "../store/port.ts";
import { answerDocument, answerNotModified, answerNotOwned, answerProblem } from "./answer.ts";
import { parseSlotEpoch } from "./caller.ts";
import { type DocumentTarget, parseDocumentPath, refusePermission } from "./document-target.ts";
import { type EntityTags, formatEntityTag, parseIfMatch, parseIfNoneMatch } from "./entity-tag.ts";
import type { Exchange } from "./exchange.ts";
import type { ShardServices } from "./shard-services.ts";

/** Answers GET or HEAD `/{collection}/{key}`. */
export async function readDocument(services: ShardServices, exchange: Exchange): Promise<Response> {
  const target = parseDocumentPath(exchange.path, services.collections);
  if (!target.ok) return answerProblem(exchange, target);
  const forbidden = refusePermission(target.value.collection, "read", exchange.header);
  if (forbidden !== null) return answerProblem(exchange, forbidden);
  const ifMatch = parseIfMatch(exchange.header("if-match"));
  if (!ifMatch.ok) return answerProblem(exchange, ifMatch);
  const ifNoneMatch = parseIfNoneMatch(exchange.header("if-none-match"));
  if (!ifNoneMatch.ok) return answerProblem(exchange, ifNoneMatch);
  const answer = await readRow(services, exchange, target.value);
  if (answer.kind === "redirect") return answerNotOwned(answer.notOwned);
  if (answer.kind === "moving") return answerProblem(exchange, SLOT_MOVING);
  const row = answer.value;
  if (row === null) return answerProblem(exchange, DOCUMENT_NOT_FOUND);
  return answerRow(exchange, row, { ifMatch: ifMatch.value, ifNoneMatch: ifNoneMatch.value });
}

/** The slot did not settle while the request was held. */
export const SLOT_MOVING = { reason: "SLOT_MOVING", detail: "the slot is moving; send the request again" } as const;

/** The slot's owner has no such document. */
export const DOCUMENT_NOT_FOUND = { reason: "DOCUMENT_NOT_FOUND", detail: "no document has this key" } as const;

function readRow(services: ShardServices, exchange: Exchange, target: DocumentTarget) {
  const { address } = target;
  const request = {
    collection: address.collection,
    intent: "read",
    knownEpoch: parseSlotEpoch(exchange.header),
  } as const;
  return services.access(request, async () => {
    const outcome = await services.store.read(address);
    if (outcome.kind === "row") return { kind: "served", value: outcome.row } as const;
    return { ...outcome, slot: address.slot };
  });
}

interface ReadConditions {
  readonly ifMatch: EntityTags;
  readonly ifNoneMatch: EntityTags;
}

function answerRow(exchange: Exchange, row: Row, conditions: ReadConditions): Response {
  const { ifMatch, ifNoneMatch } = conditions;
  if (ifMatch !== null && !isListed(ifMatch, row.op)) {
    const headers = { ETag: formatEntityTag(row.op) };
    return answerProblem(exchange, {
      reason: "PRECONDITION_FAILED",
      detail: "If-Match names another version",
      headers,
    });
  }
  if (ifNoneMatch !== null && isListed(ifNoneMatch, row.op)) return answerNotModified(row);
  return answerDocument(exchange, row);
}

function isListed(tags: "*" | readonly string[], op: string): boolean {
  return tags === "*" || tags.includes(op);
}
