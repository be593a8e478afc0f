/**
 * A PUT, PATCH or DELETE to the write it asks for, before and after its body is there.
 * It must not touch the store.
 */
import { hash } from "node:crypto";
import { HEADER } from "../../router/contract.ts";
import { accepted, type Result, refused } from "../../router/result.ts";
import type { Change, IdempotencyClaim, Preconditions } from "../store/port.ts";
import type { Refusal } from "./answer.ts";
import { parseOp, subjectOf } from "./caller.ts";
import { type DocumentTarget, parseDocumentPath, refusePermission } from "./document-target.ts";
import { parseIfMatch, parseIfNoneMatch } from "./entity-tag.ts";
import type { Exchange } from "./exchange.ts";
import { parseIdempotencyKey } from "./idempotency-key.ts";
import { parseJsonBody } from "./json-body.ts";
import { isDocumentType, isIdentityEncoding, isMergePatchType, PATCH_TYPES } from "./media-type.ts";
import type { ShardServices } from "./shard-services.ts";

/** What the request line and the headers ask for. */
export interface WriteRequest {
  readonly target: DocumentTarget;
  readonly op: string;
  readonly preconditions: Preconditions;
  readonly idempotency: IdempotencyClaim | null;
}

type Refused = { readonly ok: false } & Refusal;

/** Everything that can be judged before the body is read. */
export function parseWriteRequest(
  services: Pick<ShardServices, "collections">,
  exchange: Exchange,
): { readonly ok: true; readonly value: WriteRequest } | Refused {
  const { header } = exchange;
  const target = parseDocumentPath(exchange.path, services.collections);
  if (!target.ok) return target;
  const refusal = refusePermission(target.value.collection, "write", header) ?? refuseMediaType(exchange);
  if (refusal !== null) return refusal;
  const preconditions = parsePreconditions(exchange, target.value);
  if (!preconditions.ok) return preconditions;
  const key = parseIdempotencyKey(header("idempotency-key"));
  if (!key.ok) return key;
  const op = parseOp(header);
  if (!op.ok) return op;
  const idempotency = key.value === null ? null : claimOf(exchange, target.value, key.value);
  return accepted({ target: target.value, op: op.value, preconditions: preconditions.value, idempotency });
}

/** What the body asks for, now that it is there. */
export function parseChange(method: string, body: Buffer): Result<Change, "INVALID_JSON"> {
  if (method === "DELETE") return accepted({ kind: "delete" });
  const json = parseJsonBody(body);
  if (!json.ok) return json;
  return accepted(method === "PUT" ? { kind: "put", json: json.value } : { kind: "merge", patchJson: json.value });
}

function refuseMediaType(exchange: Exchange): Refused | null {
  const { header, method } = exchange;
  if (!isIdentityEncoding(header("content-encoding"))) {
    return refused("UNSUPPORTED_MEDIA_TYPE", "Content-Encoding: expected none, send the document as it is");
  }
  const type = header("content-type");
  if (method === "PUT" && !isDocumentType(type)) {
    return refused("UNSUPPORTED_MEDIA_TYPE", "Content-Type: expected application/json in UTF-8");
  }
  if (method !== "PATCH" || isMergePatchType(type)) return null;
  const headers = { "Accept-Patch": PATCH_TYPES };
  return { ...refused("UNSUPPORTED_MEDIA_TYPE", `Content-Type: expected one of ${PATCH_TYPES} in UTF-8`), headers };
}

function parsePreconditions(
  exchange: Exchange,
  target: DocumentTarget,
): Result<Preconditions, "INVALID_PARAMETER" | "PRECONDITION_REQUIRED"> {
  const ifMatch = parseIfMatch(exchange.header("if-match"));
  if (!ifMatch.ok) return ifMatch;
  const ifNoneMatch = parseIfNoneMatch(exchange.header("if-none-match"));
  if (!ifNoneMatch.ok) return ifNoneMatch;
  if (target.collection.requiresIfMatch && ifMatch.value === null && ifNoneMatch.value === null) {
    return refused("PRECONDITION_REQUIRED", "this collection is written with If-Match or If-None-Match only");
  }
  return accepted({ ifMatch: ifMatch.value, ifNoneMatch: ifNoneMatch.value });
}

/** Digests, because the parts have no common length; JSON keeps them apart. */
function claimOf(exchange: Exchange, target: DocumentTarget, key: string): IdempotencyClaim {
  const { header, method } = exchange;
  const document = target.address.key;
  const asked = ["content-type", "if-match", "if-none-match", HEADER.bodyDigest].map(header);
  return {
    id: digest([subjectOf(header), document, key]),
    fingerprint: digest([method, document, ...asked]),
  };
}

function digest(parts: readonly (string | null)[]): string {
  return hash("sha256", JSON.stringify(parts), "base64url");
}
