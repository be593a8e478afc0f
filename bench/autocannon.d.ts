// The part of autocannon's JavaScript interface that the bench uses; the package brings no types of its own.
// It must not declare what is not used here.
declare module "autocannon" {
  import type { EventEmitter } from "node:events";

  namespace autocannon {
    interface Request {
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body?: Buffer;
    }

    /** One connection. */
    interface Client {
      setRequests(requests: readonly Request[]): void;
    }

    interface Options {
      readonly url: string;
      readonly connections: number;
      /** In seconds; the run ends at the first sample after it. */
      readonly duration: number;
      /** Milliseconds between samples. */
      readonly sampleInt: number;
      /** Seconds to wait for an answer. */
      readonly timeout: number;
      readonly maxConnectionRequests?: number;
      readonly setupClient: (client: Client) => void;
    }

    interface Result {
      readonly errors: number;
      readonly timeouts: number;
      readonly non2xx: number;
      readonly statusCodeStats: Readonly<Record<string, { readonly count: number }>>;
    }

    interface Instance extends EventEmitter<Events>, PromiseLike<Result> {
      stop(): void;
    }

    interface Events {
      reqError: [error: Error];
      response: [client: Client, status: number, bytes: number, milliseconds: number];
    }
  }

  function autocannon(options: autocannon.Options): autocannon.Instance;
  export = autocannon;
}
