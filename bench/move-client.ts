/**
 * One client of shards between which ranges move: it finds the owner of its document as an edge does, and looks whether what it reads is
 * what it has written. It must not send anything twice: what fails is counted and stays failed.
 */
import { setTimeout as delay } from "node:timers/promises";
import { encodeKey } from "../router/canonical-key.ts";
import { HEADER } from "../router/contract.ts";
import type { CollectionName, SlotId } from "../router/ids.ts";
import { type Placement, slotOf, sortKeyOf } from "../router/slot.ts";
import type { SignedRequest } from "../tests/faults/signed-request.ts";
import type { Way } from "../tests/faults/way.ts";
import type { SlotRequest } from "./cutovers.ts";
import { collectionNamed } from "./move-config.ts";
import type { MoveClient } from "./move-load-plan.ts";
import { canonicalKey } from "./spread.ts";

/** A request that was answered as it had to be. */
export interface GoodRequest extends SlotRequest {
  readonly group: string;
}

/** What a client stands on. */
export interface MoveClientOptions {
  readonly client: MoveClient;
  readonly placement: Placement;
  /** A way to the shards; `onTold` hears of each owner that a request is sent on to. */
  readonly createWay: (onTold: (epoch: number) => void) => Way;
  readonly onRequest: (request: GoodRequest) => void;
  readonly onFailure: (reason: string) => void;
  readonly signal: AbortSignal;
}

/** As long as the shipped products' documents are on average, in characters. */
const FILLING = "x".repeat(150);

/** Milliseconds since 1970, with fractions, the same for all processes of a machine. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Writes and reads until the signal aborts. */
export async function runMoveClient(options: MoveClientOptions): Promise<void> {
  await new Client(options).run();
}

interface Place {
  readonly collection: CollectionName;
  readonly slot: SlotId;
  readonly sortKey: string;
  readonly shard: string;
  readonly path: string;
}

class Client {
  readonly #options: MoveClientOptions;
  readonly #places: readonly Place[];
  readonly #way: Way;
  readonly #permissions: string;
  #told: number | null = null;
  #writes = 0;

  constructor(options: MoveClientOptions) {
    const { client, placement, createWay } = options;
    this.#options = options;
    this.#places = client.keys.map((key) => placeOf(client.collection, placement, key));
    this.#permissions = `${client.collection}:read ${client.collection}:write`;
    this.#way = createWay((epoch) => {
      this.#told = Math.max(this.#told ?? 0, epoch);
    });
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    for (let at = 0; !signal.aborted; ) {
      const place = this.#places[at % this.#places.length];
      if (place === undefined) throw new Error("a client of the bench has nothing to do");
      const hasMoved = await this.#writeAndRead(place);
      if (hasMoved) at += 1;
    }
    await this.#way.close();
  }

  /** Whether a cutover was met. */
  async #writeAndRead(place: Place): Promise<boolean> {
    this.#writes += 1;
    const body = `{"writes":${this.#writes},"filling":"${FILLING}"}`;
    const written = await this.#send(place, "PUT", body);
    const read = this.#options.signal.aborted ? null : await this.#send(place, "GET", null);
    // What a failed write has left is not known.
    if (written.text !== null && read !== null && read.text !== null && read.text !== body) {
      this.#options.onFailure("wrong content");
    }
    return written.hasMoved || read?.hasMoved === true;
  }

  async #send(place: Place, method: "PUT" | "GET", body: string | null) {
    const { client, onRequest, onFailure } = this.#options;
    const headers = { [HEADER.permissions]: this.#permissions };
    const request: SignedRequest = { method, path: place.path, query: "", headers, body };
    this.#told = null;
    const startedAtMs = epochMs();
    const outcome = await this.#way.send(place, request);
    const endedAtMs = epochMs();
    const toldEpoch = this.#told;
    const isGood = outcome.kind === "answer" && outcome.status >= 200 && outcome.status < 300;
    if (isGood) onRequest({ group: client.group, slot: place.slot, startedAtMs, endedAtMs, toldEpoch });
    else onFailure(outcome.kind === "answer" ? `${outcome.status} ${outcome.code}` : outcome.kind);
    if (client.thinkMs > 0) await delay(client.thinkMs);
    return { text: isGood ? outcome.text : null, hasMoved: toldEpoch !== null };
  }
}

function placeOf(collection: string, placement: Placement, text: string): Place {
  const key = canonicalKey(text);
  return {
    collection: collectionNamed(collection),
    slot: slotOf(placement, key),
    sortKey: sortKeyOf(placement, key),
    shard: "",
    path: `/${collection}/${encodeKey(key)}`,
  };
}
