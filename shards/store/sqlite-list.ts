/**
 * One page of a collection, read on one state of the database: first how far the slots are readable, then the rows.
 * It must not begin or end that reading transaction.
 */
import type { Placement } from "../../router/slot.ts";
import { clipBefore, type ListWindow, successorOf, windowOf } from "./list-window.ts";
import type { ListOutcome, ListRequest, Row } from "./port.ts";
import { parseListedRow, parseOwnership, parseSlot, type Statements } from "./sqlite-statements.ts";

/** The page that `request` asks for. */
export function listPage(statements: Statements, placement: Placement, request: ListRequest): ListOutcome {
  const whole = windowOf(placement, request);
  if (whole === null) return { kind: "page", rows: [], coveredTo: null };
  const obstacle = findObstacle(statements, placement, { request, window: whole });
  if (obstacle === undefined) return readPage(statements, placement, { request, window: whole, coveredTo: null });
  const { slot, ordinal } = parseSlot(obstacle);
  const clipped = clipBefore(whole, placement, Math.floor(ordinal / placement.stripes));
  if (clipped === null) return { kind: "not-owned", slot, ownership: parseOwnership(obstacle) };
  return readPage(statements, placement, { request, window: clipped, coveredTo: clipped.end });
}

interface Page {
  readonly request: ListRequest;
  readonly window: ListWindow;
}

/** The first slot in the window that may not be read here. */
function findObstacle(statements: Statements, placement: Placement, { request, window }: Page) {
  const stripes = placement.stripes;
  const last = (window.lastPrefix + 1) * stripes - 1;
  return statements.firstNotReadable.get(request.collection, window.firstPrefix * stripes, last);
}

/** `coveredTo` is where the page ends if neither limit ends it before. One row more is read to know whether one does. */
function readPage(
  statements: Statements,
  placement: Placement,
  { request, window, coveredTo }: Page & { readonly coveredTo: string | null },
): ListOutcome {
  const rows: Row[] = [];
  let bytes = 0;
  let end = window.start;
  const found = statements.listDocuments.iterate(request.collection, window.start, window.end, request.limit + 1);
  for (const columns of found) {
    if (rows.length === request.limit || bytes >= request.bytesMax) return { kind: "page", rows, coveredTo: end };
    const { sortKey, row } = parseListedRow(columns, placement);
    rows.push(row);
    bytes += Buffer.byteLength(row.json);
    end = successorOf(sortKey);
  }
  return { kind: "page", rows, coveredTo };
}
