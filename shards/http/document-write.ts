/**
 * PUT, PATCH and DELETE of one document.
 * It must not acknowledge a write before its commit, nor say "failed" where nobody knows.
 */

import { commitOnce } from "../commit-outcome.ts";
import type { Write, WriteVerdict } from "../store/port.ts";
import {
  type AnswerHeaders,
  answerNoContent,
  answerNotOwned,
  answerProblem,
  answerWritten,
  type Refusal,
} from "./answer.ts";
import { parseSlotEpoch } from "./caller.ts";
import { DOCUMENT_NOT_FOUND, SLOT_MOVING } from "./document-read.ts";
import { formatEntityTag } from "./entity-tag.ts";
import type { Exchange } from "./exchange.ts";
import { readBody } from "./request-body.ts";
import type { ShardServices } from "./shard-services.ts";
import { parseChange, parseWriteRequest } from "./write-request.ts";

/** Answers PUT, PATCH or DELETE `/{collection}/{key}`. */
export async function writeDocument(services: ShardServices, exchange: Exchange): Promise<Response> {
  const request = parseWriteRequest(services, exchange);
  if (!request.ok) return answerProblem(exchange, request);
  const { target, ...asked } = request.value;
  const { documentBytesMax } = target.collection;
  const body = await readBody(exchange, documentBytesMax);
  if (!body.ok) return answerProblem(exchange, body);
  const change = parseChange(exchange.method, body.value);
  if (!change.ok) return answerProblem(exchange, change);
  const atMs = services.clock.nowMs();
  const write: Write = { ...asked, address: target.address, atMs, change: change.value, documentBytesMax };
  return answerWrite(exchange, write, await applyWrite(services, exchange, write));
}

function applyWrite(services: ShardServices, exchange: Exchange, write: Write) {
  const { collection, slot } = write.address;
  const request = { collection, intent: "write", knownEpoch: parseSlotEpoch(exchange.header) } as const;
  return services.access(request, async () => {
    const outcome = await commitOnce(services, write);
    if (outcome.kind === "not-owned") return { ...outcome, slot };
    return { kind: "served", value: outcome } as const;
  });
}

type WriteAnswer = Awaited<ReturnType<typeof applyWrite>>;

function answerWrite(exchange: Exchange, write: Write, answer: WriteAnswer): Response {
  if (answer.kind === "redirect") return answerNotOwned(answer.notOwned);
  if (answer.kind === "moving") return answerProblem(exchange, SLOT_MOVING);
  if (answer.value.kind === "overloaded") return answerProblem(exchange, OVERLOADED);
  const { verdict, replayed } = answer.value;
  const headers: AnswerHeaders = replayed ? { "Idempotency-Replayed": "true" } : {};
  switch (verdict.kind) {
    case "created":
      return answerWritten(201, { ...verdict, key: write.address.key }, headers);
    case "replaced":
      return answerWritten(200, { ...verdict, key: write.address.key }, headers);
    case "deleted":
      return answerNoContent(headers);
    default:
      return answerProblem(exchange, refusalOf(verdict, headers));
  }
}

const OVERLOADED: Refusal = { reason: "OVERLOADED", detail: "too many writes are waiting; send the request again" };

type RefusedVerdict = Exclude<WriteVerdict, { readonly kind: "created" | "replaced" | "deleted" }>;

function refusalOf(verdict: RefusedVerdict, headers: AnswerHeaders): Refusal {
  switch (verdict.kind) {
    case "absent":
      return { ...DOCUMENT_NOT_FOUND, headers };
    case "precondition-failed": {
      const { currentOp } = verdict;
      const etag: AnswerHeaders = currentOp === null ? {} : { ETag: formatEntityTag(currentOp) };
      const detail = currentOp === null ? "no document has this key" : "the document has another version";
      return { reason: "PRECONDITION_FAILED", detail, headers: { ...headers, ...etag } };
    }
    case "too-large":
      return { reason: "DOCUMENT_TOO_LARGE", detail: `the merged document would have ${verdict.bytes} bytes`, headers };
    case "key-reused":
      return { reason: "IDEMPOTENCY_KEY_REUSED", detail: "the first request with this key asked for something else" };
    default:
      return verdict satisfies never;
  }
}
