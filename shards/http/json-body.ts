/**
 * The bytes of a body to the text of a JSON document, or where they stop being one.
 * It must not change the text.
 */
import { isUtf8 } from "node:buffer";
import { accepted, type Result, refused } from "../../router/result.ts";
import { findJsonFault, positionOf } from "./json-fault.ts";

/** Strict UTF-8 to well-formed JSON text; a refusal says line and column. */
export function parseJsonBody(bytes: Buffer): Result<string, "INVALID_JSON"> {
  if (!isUtf8(bytes)) return refuseAt(bytes.toString("utf8"), firstInvalidOffset(bytes), "the bytes are not UTF-8");
  const text = bytes.toString("utf8");
  const fault = findJsonFault(text);
  return fault === null ? accepted(text) : refuseAt(text, fault.offset, fault.reason);
}

function refuseAt(text: string, offset: number, reason: string): Result<string, "INVALID_JSON"> {
  const { line, column } = positionOf(text, offset);
  return refused("INVALID_JSON", `line ${line}, column ${column}: ${reason}`);
}

/** Offset in the decoded text of the first bytes that are not UTF-8, by bisection: only for refusals. */
function firstInvalidOffset(bytes: Buffer): number {
  let valid = 0;
  let invalid = bytes.length;
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >>> 1;
    if (startsAsUtf8(bytes.subarray(0, middle))) valid = middle;
    else invalid = middle;
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, valid), { stream: true }).length;
}

function startsAsUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
