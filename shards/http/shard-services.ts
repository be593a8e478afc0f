/**
 * What the handlers of one shard's requests stand on.
 * It must not be built anywhere but in the composition root.
 */
import type { CollectionConfig } from "../../config/config.ts";
import type { ShardId } from "../../router/ids.ts";
import type { ClientTraffic } from "../client-traffic.ts";
import type { Clock } from "../clock.ts";
import type { GroupCommit } from "../group-commit.ts";
import type { Logger } from "../log.ts";
import type { MapCache } from "../map-cache.ts";
import type { MoveCourtesy } from "../mover/courtesy.ts";
import type { Peers } from "../peers/port.ts";
import type { Standing } from "../standing.ts";
import type { Store } from "../store/port.ts";
import type { Verifier } from "./signature.ts";
import type { SlotAccess } from "./slot-access.ts";
import type { SlotNews } from "./slot-waiting.ts";

/** The parts, each behind its interface. */
export interface ShardServices {
  readonly shard: ShardId;
  readonly collections: ReadonlyMap<string, CollectionConfig>;
  readonly store: Store;
  readonly commits: Pick<GroupCommit, "submit">;
  readonly access: SlotAccess;
  readonly peers: Pick<Peers, "rowsAfter">;
  /** Tells all processes of this shard, where requests may be held for the slot. */
  readonly spreadNews: (news: SlotNews) => void;
  /** What moves leave to clients, and who these are. */
  readonly courtesy: MoveCourtesy;
  readonly traffic: Pick<ClientTraffic, "note">;
  readonly maps: MapCache;
  readonly verify: Verifier;
  readonly clock: Clock;
  readonly log: Logger;
  /** What of this shard's slots is gone, or cannot be told: as of now. */
  readonly standing: () => Standing;
  /** Whether this process takes requests; false from the moment it is told to stop. */
  readonly isReady: () => boolean;
}
