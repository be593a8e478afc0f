/**
 * Reads a request's body up to a limit, whatever Content-Length says, and checks it against the signed digest.
 * It must not keep more than the limit in memory, nor interpret the bytes.
 */
import type { IncomingMessage } from "node:http";
import { HEADER } from "../../router/contract.ts";
import { accepted, type Result, refused } from "../../router/result.ts";
import type { Exchange } from "./exchange.ts";
import { digestBody, EMPTY_BODY_DIGEST } from "./signature.ts";

/** Why a body was not taken. */
export type BodyRefusal = "DOCUMENT_TOO_LARGE" | "INVALID_SIGNATURE" | "INVALID_PARAMETER";

const NO_BYTES = Buffer.alloc(0);
const DIGEST_DIFFERS = refused("INVALID_SIGNATURE", "the body does not match its signed digest");

/** Whether the request announces a body. */
export function hasBody(incoming: IncomingMessage): boolean {
  const { headers } = incoming;
  const length = headers["content-length"];
  return (length !== undefined && length !== "0") || headers["transfer-encoding"] !== undefined;
}

/** Whether a request without a body was signed as one. */
export function isSignedEmpty(exchange: Exchange): boolean {
  return exchange.header(HEADER.bodyDigest) === EMPTY_BODY_DIGEST;
}

/** The whole body. Its headers' signature must have been verified before. */
export async function readBody(exchange: Exchange, bytesMax: number): Promise<Result<Buffer, BodyRefusal>> {
  const { incoming } = exchange;
  if (!hasBody(incoming)) return isSignedEmpty(exchange) ? accepted(NO_BYTES) : DIGEST_DIFFERS;
  if (Number(incoming.headers["content-length"] ?? 0) > bytesMax) return tooLarge(bytesMax);
  const bytes = await collect(incoming, bytesMax);
  if (bytes === "too-large") return tooLarge(bytesMax);
  if (bytes === "aborted") return refused("INVALID_PARAMETER", "the connection ended inside the body");
  return digestBody(bytes) === exchange.header(HEADER.bodyDigest) ? accepted(bytes) : DIGEST_DIFFERS;
}

function tooLarge(bytesMax: number): Result<Buffer, BodyRefusal> {
  return refused("DOCUMENT_TOO_LARGE", `expected at most ${bytesMax} bytes`);
}

function collect(incoming: IncomingMessage, bytesMax: number): Promise<Buffer | "too-large" | "aborted"> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (outcome: Buffer | "too-large" | "aborted"): void => {
      incoming.off("data", onData).off("end", onEnd).off("close", onClose);
      resolve(outcome);
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        incoming.pause();
        settle("too-large");
      } else chunks.push(chunk);
    };
    const onEnd = (): void =>
      settle(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    const onClose = (): void => settle("aborted");
    // The error listener stays: an aborted request must not become an uncaught exception later either.
    incoming.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
  });
}
