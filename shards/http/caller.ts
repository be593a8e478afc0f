/**
 * What the edge says about a request in signed headers: who asks, which op id, which slot epoch it knew.
 * It must be read only after the signature has been verified.
 */
import { HEADER, type HeaderReader } from "../../router/contract.ts";
import { quote } from "../../router/ids.ts";
import { accepted, type Result, refused } from "../../router/result.ts";

const COUNTER = /^\d{1,15}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The slot epoch that the edge knew; 0 when it knew none. */
export function parseSlotEpoch(header: HeaderReader): number {
  const text = header(HEADER.slotEpoch);
  return text !== null && COUNTER.test(text) ? Number(text) : 0;
}

/** The op id of a write: a UUID made by the edge, the same over all re-sends of one client request. */
export function parseOp(header: HeaderReader): Result<string, "INVALID_PARAMETER"> {
  const op = header(HEADER.op);
  if (op !== null && UUID.test(op)) return accepted(op);
  return refused("INVALID_PARAMETER", `${HEADER.op}: expected a UUID, got ${quote(op)}`);
}

/** The signed subject, opaque here: issuer and subject of the token; "" for an anonymous caller. */
export function subjectOf(header: HeaderReader): string {
  return header(HEADER.subject) ?? "";
}
