/**
 * Routes by raw path segments, for Hono: at most two segments, a literal one before a parameter, two map lookups at most.
 * Of Hono's own routers the quick one refuses a literal beside a parameter, and the others spend several times as long.
 * It must not look at methods (handlers do, each resource has its own Allow) and never decodes.
 */
import { METHOD_NAME_ALL, type Result, type Router } from "hono/router";

const PARAMETER = ":";

/** A router for paths such as `/`, `/healthz`, `/problems/:code`, `/:collection/:key`; `:key` may be empty. */
export class SegmentRouter<Handler> implements Router<Handler> {
  readonly name = "SegmentRouter";
  readonly #handlers = new Map<string, Handler>();

  add(method: string, path: string, handler: Handler): void {
    const shape = path.replaceAll(/:[^/]+/g, PARAMETER);
    if (method !== METHOD_NAME_ALL || this.#handlers.has(shape)) {
      throw new Error(`broken assumption: one handler for all methods of ${path}`);
    }
    this.#handlers.set(shape, handler);
  }

  match(_method: string, path: string): Result<Handler> {
    const handler = this.#find(path);
    return [handler === undefined ? [] : [[handler, {}]]];
  }

  #find(path: string): Handler | undefined {
    const slash = path.indexOf("/", 1);
    if (slash < 0) return this.#handlers.get(path) ?? this.#handlers.get(`/${PARAMETER}`);
    if (path.includes("/", slash + 1)) return undefined;
    return this.#handlers.get(path.slice(0, slash + 1) + PARAMETER) ?? this.#handlers.get(`/${PARAMETER}/${PARAMETER}`);
  }
}
