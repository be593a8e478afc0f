/**
 * Which methods each kind of resource has, and the answer to all others.
 * It must not know what they do.
 */
import { EdgeProblem } from "./edge-problem.ts";

/** Methods of one document. */
export const DOCUMENT_METHODS = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** Methods of everything that is only read. */
export const READ_METHODS = ["GET", "HEAD", "OPTIONS"] as const;

/** Returns `method` if it is one of `allowed`, else throws 405 with Allow. */
export function requireMethod<Method extends string>(method: string, allowed: readonly Method[]): Method {
  const found = allowed.find((candidate) => candidate === method);
  if (found !== undefined) return found;
  const headers = { allow: allowed.join(", ") };
  throw new EdgeProblem("METHOD_NOT_ALLOWED", `expected one of ${allowed.join(", ")}`, { headers });
}
