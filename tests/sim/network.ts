// The wires between edges, operators and shards: delay, loss, doubling, connections that end with a process, streams that break off.
// Must not know what the requests mean, but for which of them may come twice.
import type { Life } from "./life.ts";
import type { Partitions } from "./partitions.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimRequest } from "./sim-exchange.ts";
import type { WeatherStation } from "./weather-station.ts";

/** An answer at the server. `pull` gives the next text of a stream, null at its end; null for an answer that is whole. */
export interface ServedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly pull: (() => Promise<string | null>) | null;
}

/** A process that answers. */
export interface Server {
  readonly life: Life;
  serve(request: SimRequest): Promise<ServedAnswer>;
}

/** Who asks whom. `mayDouble`: a repetition is harmless by what it says, so it may come twice. */
export interface WireCall {
  readonly life: Life;
  readonly from: string;
  readonly to: string;
  readonly request: SimRequest;
  readonly mayDouble: boolean;
}

/** An answer as it came, and the server that still holds the rest of it. */
export interface WireAnswer extends ServedAnswer {
  readonly server: Server;
}

/** What the network stands on. `serverOf`: one of a machine's processes that take connections now. */
export interface NetworkOptions {
  readonly scheduler: Scheduler;
  readonly station: WeatherStation;
  readonly partitions: Partitions;
  readonly serverOf: (machine: string) => Server | null;
}

/** Lives as long as the run. */
export class Network {
  readonly #options: NetworkOptions;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** Rejects when the connection is refused or lost; never settles when nobody ever hears of it. */
  ask(call: WireCall): Promise<WireAnswer> {
    const { scheduler, station } = this.#options;
    for (const lateMs of call.mayDouble ? station.copiesMs("doublingPart") : []) {
      scheduler.after(station.delayMs() + lateMs, () => this.#arrive(call, NOBODY));
    }
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject };
      if (station.happens("requestLossPart")) this.#lose(call, waiting);
      else scheduler.after(station.delayMs(), () => this.#arrive(call, waiting));
    });
  }

  /** The next text of a streamed answer. */
  pull(call: WireCall, { server, pull }: WireAnswer): Promise<string | null> {
    const { scheduler, station, partitions } = this.#options;
    return new Promise((resolve, reject) => {
      const isLost = station.happens("breakOffPart") || partitions.isCut(call.from, call.to);
      if (isLost || pull === null || server.life.isDead) return this.#lose(call, { reject });
      server.life.whenDead(() => this.#lose(call, { reject }));
      scheduler.after(station.delayMs(), () =>
        server.life.hear(() => {
          pull().then(
            (text) => call.life.after(station.delayMs(), () => resolve(text)),
            () => this.#lose(call, { reject }),
          );
        }),
      );
    });
  }

  #arrive(call: WireCall, waiting: Waiting): void {
    const { partitions, serverOf, scheduler, station } = this.#options;
    if (partitions.isCut(call.from, call.to)) return;
    const server = serverOf(call.to);
    if (server === null) return this.#lose(call, waiting);
    server.life.whenDead(() => this.#lose(call, waiting));
    server.life.hear(() => {
      server.serve(call.request).then(
        (answer) => {
          if (station.happens("replyLossPart")) return this.#lose(call, waiting);
          scheduler.after(station.delayMs(), () => {
            if (!partitions.isCut(call.from, call.to)) call.life.hear(() => waiting.resolve({ ...answer, server }));
          });
        },
        (error: unknown) => waiting.reject(error),
      );
    });
  }

  /** Told after a moment, or never. */
  #lose({ life }: WireCall, { reject }: Pick<Waiting, "reject">): void {
    const { scheduler, station } = this.#options;
    if (station.isCalm || scheduler.random.chance(0.6)) {
      life.after(station.delayMs(), () => reject(new Error("simulated: the connection is lost")));
    }
  }
}

interface Waiting {
  readonly resolve: (answer: WireAnswer) => void;
  readonly reject: (error: unknown) => void;
}

const NOBODY: Waiting = { resolve: () => undefined, reject: () => undefined };
