/**
 * The catalog port: versions of the shard map, moves, who runs them, that each shard has claimed its first slots, and
 * who did what. A log and a hint, never the safety: the data path works with the catalog down.
 */
import type { EpochRun } from "../../router/epoch-runs.ts";
import type { CollectionName, MapVersion, ShardId } from "../../router/ids.ts";
import type { KeyRange } from "../../router/range.ts";
import type { ShardMap } from "../../router/shard-map.ts";

/**
 * One line of the audit trail of a collection. `position` grows by the order of what happened, also where times are
 * equal or run backwards. Times in milliseconds since 1970.
 */
export interface AuditEntry {
  readonly position: number;
  readonly atMs: number;
  readonly actor: string;
  /** `create` and `publish` of a map; `move-created`, `move-settings`, and `move-` with the state a move went to. */
  readonly action: string;
  readonly collection: CollectionName;
  readonly version: MapVersion | null;
  readonly move: string | null;
}

/** A page of the audit trail: at most `limit` entries, those before the position `before` if it is given. */
export interface AuditPage {
  readonly limit: number;
  readonly before?: number;
}

/** Who changes something. `writer` is a fresh random token per attempt: it tells an own success from a lost race. */
export interface Author {
  readonly actor: string;
  readonly writer: string;
  readonly atMs: number;
}

/** `conflict`: somebody else published first; `current` is what is there. */
export type PublishOutcome = { readonly kind: "published" } | { readonly kind: "conflict"; readonly current: ShardMap };

/** A version of a map, and who published it when. */
export interface PublishedMap {
  readonly map: ShardMap;
  readonly actor: string;
  readonly atMs: number;
}

/** A page of a map's history: at most `limit` versions, those before `before` if it is given. */
export interface VersionsPage {
  readonly limit: number;
  readonly before?: MapVersion;
}

/** `running` and `aborting` moves are live: they hold their range. `done` and `aborted` are final. */
export type MoveState = "running" | "aborting" | "done" | "aborted";

/** How a move is to run. */
export interface MoveSettings {
  /** Slots under way at once; at least 1. */
  readonly parallel: number;
  /** At least 1; null for no limit. */
  readonly rowsPerSecond: number | null;
  /** Of rows as they travel, at least 1; null for no limit. */
  readonly bytesPerSecond: number | null;
  /** How long the source keeps its rows after a slot has gone; 0 or more. */
  readonly retentionMs: number;
}

/**
 * What is to move. `id` is a UUID that no other move ever has; `parent` the map version it was planned from. `epochs` are the ones
 * that the destination is to own, in slot order over the whole range: the source's as the plan read them, plus 1.
 */
export interface MoveIntent extends KeyRange {
  readonly id: string;
  readonly collection: CollectionName;
  readonly from: ShardId;
  readonly to: ShardId;
  readonly epochs: readonly EpochRun[];
  readonly settings: MoveSettings;
  readonly parent: MapVersion;
}

/** A move as the catalog knows it. `revision` counts its changes, from 1. */
export interface Move extends MoveIntent {
  readonly state: MoveState;
  /** The runner's own text, "" at first. */
  readonly progress: string;
  readonly revision: number;
  readonly actor: string;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
}

/** A change of a move. What is not named stays. */
export interface MoveChange {
  /** The revision that the change was made for. */
  readonly expectedRevision: number;
  readonly state?: MoveState;
  /** At most `PROGRESS_BYTES_MAX` bytes of UTF-8. */
  readonly progress?: string;
  readonly settings?: MoveSettings;
}

/** Largest progress text of a move. */
export const PROGRESS_BYTES_MAX = 4096;

/** `overlaps`: `move` is live and holds part of the range. `map-changed`: the map went on to version `current`. */
export type MoveCreation =
  | { readonly kind: "created"; readonly move: Move }
  | { readonly kind: "overlaps"; readonly move: Move }
  | { readonly kind: "map-changed"; readonly current: MapVersion };

/** `conflict`: `current` has another revision than expected, or is final. */
export type MoveUpdate =
  | { readonly kind: "changed"; readonly move: Move }
  | { readonly kind: "conflict"; readonly current: Move };

/** A page of moves: at most `limit`, of one state if it is given (`live`: not ended), those older than the move `after` if it is given. */
export interface MovesPage {
  readonly limit: number;
  readonly state?: MoveState | "live";
  readonly after?: string;
}

/** Who wants a lease, and for how long from `nowMs`. */
export interface LeaseRequest {
  readonly holder: string;
  readonly nowMs: number;
  readonly ttlMs: number;
}

/** `held`: by another holder, until `untilMs` by the clock of whoever holds it. */
export type LeaseOutcome =
  | { readonly kind: "acquired"; readonly untilMs: number }
  | { readonly kind: "held"; readonly holder: string; readonly untilMs: number };

/** `outcome-unknown`: the change may have happened, or may yet happen; repeating it with the same writer token tells. */
export type CatalogFault = "failed" | "outcome-unknown";

/** The catalog failed; administration must wait, the data path need not. */
export class CatalogError extends Error {
  readonly kind: CatalogFault;

  constructor(message: string, options: ErrorOptions & { readonly kind?: CatalogFault } = {}) {
    super(message, options);
    this.name = "CatalogError";
    this.kind = options.kind ?? "failed";
  }
}

/**
 * Where the versions of the shard maps and the moves lie. All methods reject with `CatalogError` only. A change that is
 * repeated with the same writer token is not made twice and has the same outcome as the first time; a change of a move is
 * known again while fewer than 16 others have followed it.
 */
export interface Catalog {
  /** Publishes version 1 of a collection; `conflict` when it already has a map. */
  create(map: ShardMap, author: Author): Promise<PublishOutcome>;
  /** Publishes the next version if `map.parent` is still the current one. */
  publish(map: ShardMap, author: Author): Promise<PublishOutcome>;
  /** The current map; null when the collection was never created. */
  current(collection: CollectionName): Promise<ShardMap | null>;
  /** One version, for ever the same; null when there is none. */
  version(collection: CollectionName, version: MapVersion): Promise<ShardMap | null>;
  /** The history of a map, newest first. */
  versions(collection: CollectionName, page: VersionsPage): Promise<readonly PublishedMap[]>;
  /** What was published and moved, latest first. */
  audit(collection: CollectionName, page: AuditPage): Promise<readonly AuditEntry[]>;

  /**
   * Records a move, if its parent is the collection's current map version and no live move of the collection overlaps its
   * range. Nothing can come between that check and the record.
   */
  createMove(intent: MoveIntent, author: Author): Promise<MoveCreation>;
  /** Changes a move if it is live and has the expected revision. */
  updateMove(id: string, change: MoveChange, author: Author): Promise<MoveUpdate>;
  /** A move; null when there is none. */
  move(id: string): Promise<Move | null>;
  /** Moves of one collection, or of all (null): newest first, in each collection by the order of their creation. */
  moves(collection: CollectionName | null, page: MovesPage): Promise<readonly Move[]>;

  /**
   * Takes or renews the lease `name`. A lease is a hint for liveness, so that one runner at a time does the work; clocks
   * differ and a paused runner wakes up late, so two may believe they hold it. Nothing may be safe only by a lease.
   */
  acquireLease(name: string, request: LeaseRequest): Promise<LeaseOutcome>;
  /** Gives the lease back if `holder` has it. */
  releaseLease(name: string, holder: string): Promise<void>;

  /** Whether `shard` has claimed its slots of version 1. It may do so once. */
  hasClaimed(collection: CollectionName, shard: ShardId): Promise<boolean>;
  /** Records, for ever, that `shard` has claimed its slots. Repeating it changes nothing. */
  recordClaim(collection: CollectionName, shard: ShardId, author: Author): Promise<void>;
  close(): Promise<void>;
}
