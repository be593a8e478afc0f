// One worker process of a simulated shard: the product's request handling, mover, helper and clean-up on simulated ports.
// Must not hold anything that outlives the process.
import { parseNotOwned } from "../../router/contract.ts";
import type { ShardId } from "../../router/ids.ts";
import { GroupCommit } from "../../shards/group-commit.ts";
import { createRoutes, type ShardRoutes } from "../../shards/http/routes.ts";
import { createSlotAccess } from "../../shards/http/slot-access.ts";
import { SlotWaiting } from "../../shards/http/slot-waiting.ts";
import { createMapCache } from "../../shards/map-cache.ts";
import { NO_COURTESY } from "../../shards/mover/courtesy.ts";
import { CleanMoves, cleanLeftovers, type LeftoversOptions } from "../../shards/mover/leftovers.ts";
import type { MoveTrace } from "../../shards/mover/move-trace.ts";
import { runMoverAgent } from "../../shards/mover/mover-agent.ts";
import { createSlotHelp } from "../../shards/mover/slot-help.ts";
import type { RunnerWorld } from "../../shards/mover/slot-runner.ts";
import type { Peers } from "../../shards/peers/port.ts";
import { GOOD_STANDING } from "../../shards/standing.ts";
import type { Store } from "../../shards/store/port.ts";
import type { CatalogData } from "./catalog-data.ts";
import type { Life } from "./life.ts";
import type { Network, ServedAnswer, Server } from "./network.ts";
import type { Observer } from "./observer.ts";
import type { PlainResponse } from "./plain-response.ts";
import type { ShardData } from "./shard-data.ts";
import { createSimCatalog, type SimCatalog } from "./sim-catalog.ts";
import { openSimExchange, type SimRequest } from "./sim-exchange.ts";
import { createSimPeers } from "./sim-peers.ts";
import { createSimStore } from "./sim-store.ts";
import type { Stage } from "./stage.ts";
import type { Town } from "./town.ts";
import { wrapLeftovers, wrapStore } from "./wrapping.ts";

/** What a worker stands on. `onStep` hears of each step of its runners. */
export interface WorkerOptions {
  readonly stage: Stage;
  readonly town: Town;
  readonly life: Life;
  readonly data: ShardData;
  readonly catalog: CatalogData;
  readonly network: Network;
  readonly observer: Observer;
  readonly onStep: (trace: MoveTrace) => void;
}

/** Longest pause between two rounds of clean-up, in milliseconds; the product's own is a minute. */
const CLEANING_MS = 1500;
const SWEEPING_MS = 1100;

interface Parts extends WorkerOptions {
  readonly shard: ShardId;
  readonly store: Store;
  readonly peers: Peers;
  readonly simCatalog: SimCatalog;
  readonly world: RunnerWorld;
  readonly log: () => void;
}

/** Lives until its life ends. */
export class ShardWorker implements Server {
  readonly life: Life;
  readonly #routes: ShardRoutes;
  readonly #observer: Observer;
  readonly #ending = new AbortController();

  constructor(options: WorkerOptions) {
    const parts = partsOf(options);
    this.life = options.life;
    this.#observer = options.observer;
    this.#routes = routesOf(parts, () => !this.#ending.signal.aborted);
    void runMoverAgent(agentOptions(parts), this.#ending.signal);
    void keepClean(parts, this.#ending.signal);
    void keepSwept(parts);
  }

  /** Told to end, as by SIGTERM: what is under way is brought to its end. */
  end(): void {
    this.#ending.abort();
  }

  async serve(request: SimRequest): Promise<ServedAnswer> {
    const answer = await this.#routes(
      { method: request.method, url: `http://shard${request.path}` } as Request,
      openSimExchange(request),
    );
    const served = servedOf(answer as unknown as PlainResponse);
    if (served.status === 421) this.#checkRedirect(request, served.text);
    if (request.method === "PUT" && served.status < 300) this.#checkAcknowledged(served.headers);
    return served;
  }

  #checkAcknowledged({ etag }: ServedAnswer["headers"]): void {
    if (etag !== undefined) this.#observer.acknowledged(etag.replaceAll('"', ""));
  }

  #checkRedirect({ headers }: SimRequest, text: string): void {
    const told = parseNotOwned(JSON.parse(text));
    const isKeyed = headers["idempotency-key"] !== undefined;
    if (told.ok) this.#observer.redirected(told.value, isKeyed ? null : (headers["zgate-op"] ?? null));
  }
}

function partsOf(options: WorkerOptions): Parts {
  const { stage, town, life, data, network, onStep } = options;
  const { scheduler, station, partitions, scenario } = stage;
  const placement = town.collection.placement;
  const store = createSimStore({ life, data, placement, commitScope: scenario.commitScope, scheduler, station });
  const clock = life.clock;
  return {
    ...options,
    shard: data.shard,
    store: wrapStore(store),
    peers: createSimPeers({ stage, life, from: data.shard, network }),
    simCatalog: createSimCatalog({ life, from: data.shard, data: options.catalog, scheduler, station, partitions }),
    world: { clock, monotonicMs: () => scheduler.nowMs(), newToken: stage.newToken, trace: onStep },
    log: () => undefined,
  };
}

function routesOf(parts: Parts, isReady: () => boolean): ShardRoutes {
  const { town, life, shard, store, peers, simCatalog, world, log, stage } = parts;
  const { clock } = life;
  const help = createSlotHelp({ ...world, shard, store, peers, log });
  const waiting = new SlotWaiting(clock);
  const defer = (run: () => void): void => life.after(stage.scheduler.random.below(2) / 10, run);
  return createRoutes({
    ...{ shard, collections: town.collections, store, clock, log, isReady },
    commits: new GroupCommit({ store, clock, defer }),
    access: createSlotAccess({ clock, store, peers, waiting, log, help }),
    peers,
    spreadNews: (news) => {
      stage.coverage.add(`news: ${news.destination === null ? "restored" : "decided"}`);
      if (waiting.tell(news) > 0) stage.coverage.add("news is heard by a held request");
    },
    maps: createMapCache({ catalog: simCatalog, clock, log }),
    verify: () => null,
    standing: () => GOOD_STANDING,
    courtesy: NO_COURTESY,
    traffic: { note: () => undefined },
  });
}

function agentOptions({ town, shard, store, peers, simCatalog, world, log }: Parts) {
  const { collections, shardSet: shards } = town;
  return { ...world, shard, collections, shards, store, peers, catalog: simCatalog, log, courtesy: NO_COURTESY };
}

async function keepClean(
  { stage, town, shard, store, peers, simCatalog, life, log }: Parts,
  signal: AbortSignal,
): Promise<void> {
  const options: LeftoversOptions = {
    ...{ shard, collections: town.collections, store, peers, catalog: simCatalog, clock: life.clock, log },
  };
  const known = new CleanMoves();
  while (!signal.aborted) {
    await life.clock.sleep(stage.scheduler.random.below(CLEANING_MS));
    await cleanLeftovers(wrapLeftovers(options), { known, signal }).catch(() => undefined);
  }
}

async function keepSwept({ town, store, life }: Parts): Promise<void> {
  const { name, tombstoneRetentionMs } = town.collection;
  for (;;) {
    await life.clock.sleep(SWEEPING_MS);
    const tombstonesBeforeMs = life.clock.nowMs() - tombstoneRetentionMs;
    const request = { collection: name, recordsBeforeMs: 0, tombstonesBeforeMs, rowsMax: 100 };
    await store.sweep(request).catch(() => undefined);
  }
}

function servedOf({ status, fields, content }: PlainResponse): ServedAnswer {
  const headers = Object.fromEntries(fields);
  if (typeof content === "string" || content === null) return { status, headers, text: content ?? "", pull: null };
  const reader = content.getReader();
  const decoder = new TextDecoder();
  const pull = async (): Promise<string | null> => {
    const { done, value } = await reader.read();
    return done ? null : decoder.decode(value);
  };
  return { status, headers, text: "", pull };
}
