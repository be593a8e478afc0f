// Sees every change at the moment it takes effect, knows what nobody in the world can know, and asks the invariants.
// Must not change anything.
import type { NotOwned } from "../../router/contract.ts";
import {
  answerIsTrue,
  appliedOnce,
  endsWithOneOwner,
  rowIsAsApplied,
  sentOnce,
} from "../../router/history-invariants.ts";
import type { ShardId, SlotId } from "../../router/ids.ts";
import {
  changedByTransition,
  decidedAfterGone,
  epochsGrow,
  fencedByLiveMove,
  inspect,
  type MoveHistory,
  mayAnswerRead,
  redirectIsTrue,
  reportIsTrue,
  type SlotCopy,
  type SlotPicture,
} from "../../router/move-invariants.ts";
import type { Ownership } from "../../router/ownership.ts";
import type { MoveOutcome } from "../../router/slot-move.ts";
import type { SlotAddress } from "../../shards/store/port.ts";
import { nameOf } from "../../shards/store/slot-row.ts";
import type { SlotRow, SlotRowName } from "../../shards/store/transfer.ts";
import type { ShardData, ShardSlot, StoreWatcher } from "./shard-data.ts";
import type { AppliedWrite } from "./slot-data.ts";
import type { Stage } from "./stage.ts";

interface SlotTruth {
  /** Rows by name, as clients' writes have left them. */
  readonly rows: Map<string, string>;
  readonly owners: Map<number, ShardId>;
  readonly moves: Map<string, { -readonly [Key in keyof MoveHistory]: MoveHistory[Key] }>;
}

/** Lives as long as the run. */
export class Observer implements StoreWatcher {
  readonly #stage: Stage;
  readonly #data: ShardData[] = [];
  readonly #truths = new Map<SlotId, SlotTruth>();
  readonly #applied = new Set<string>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** The stores that it looks into. */
  watch(data: readonly ShardData[]): void {
    this.#data.push(...data);
  }

  ownershipChanged(at: ShardSlot, before: Ownership, after: Ownership): void {
    const { coverage, scheduler } = this.#stage;
    const name = changeOf(before, after);
    coverage.add(`change: ${name}`);
    scheduler.note(name);
    this.#stage.say(() => `${at.shard} ${at.address.slot}: ${name}, ${after.state} at epoch ${after.epoch}`);
    const truth = this.#truthOf(at.address);
    this.#stage.find(changedByTransition(before, after));
    this.#stage.find(epochsGrow(before, after, [...truth.owners.keys()]));
    this.#remember(truth, at, after);
    if (after.state === "OWNER") this.#newTerm(truth, at, { before, after });
    if (after.state === "FENCED") this.#stage.find(fencedByLiveMove(after, [...truth.moves.values()]));
    this.#stage.find(inspect(this.#pictureOf(at.address)));
    this.#compareOwner(at.address);
  }

  written({ shard, address }: ShardSlot, { write, outcome, rows }: AppliedWrite): void {
    const truth = this.#truthOf(address);
    for (const row of rows) truth.rows.set(textOf(nameOf(row)), JSON.stringify(row));
    if (outcome.kind !== "verdict") return;
    this.#stage.say(() => `${shard} ${address.slot}: ${write.op.slice(-4)} ${outcome.verdict.kind}`);
    if (outcome.replayed) this.#stage.coverage.add("write is replayed");
    const isApplied = rows.some((row) => row.kind !== "record");
    if (!isApplied) return;
    const once = write.idempotency === null ? write.op : write.idempotency.id;
    this.#stage.find(appliedOnce({ name: `write ${write.op}, now at ${shard},`, isApplied: this.#applied.has(once) }));
    this.#applied.add(once);
    this.#applied.add(write.op);
  }

  readAnswered({ shard, address }: ShardSlot): void {
    const picture = this.#pictureOf(address);
    const copy = picture.copies.find((one) => one.shard === shard);
    if (copy === undefined) return;
    if (copy.ownership.state === "FENCED") this.#stage.coverage.add("read at a fenced source");
    this.#stage.find(mayAnswerRead(picture, copy));
  }

  rowsChanged({ address }: ShardSlot): void {
    this.#compareOwner(address);
  }

  cleaned(at: ShardSlot): void {
    this.#stage.coverage.add("leftovers are removed");
    this.rowsChanged(at);
  }

  swept({ address }: ShardSlot, name: SlotRowName): void {
    this.#stage.coverage.add("tombstone is swept");
    this.#truthOf(address).rows.delete(textOf(name));
  }

  /** A 421 as a shard gives it; `op` of the write that it answers, null for anything that may be sent again. */
  redirected(told: NotOwned, op: string | null): void {
    this.#stage.coverage.add("redirect");
    this.#stage.find(redirectIsTrue(told, this.#truthOf(told).owners));
    if (op === null) return;
    this.#stage.find(sentOnce({ name: `write ${op}`, isKeyed: false, isApplied: this.#applied.has(op) }));
  }

  /** A shard's word that what `op` wrote is there. */
  acknowledged(op: string): void {
    this.#stage.find(answerIsTrue({ name: `write ${op}`, isApplied: this.#applied.has(op) }, "applied"));
  }

  /** A runner says how the slot's move has ended. */
  ended({ slot, move }: { readonly slot: SlotId; readonly move: string }, said: MoveOutcome): void {
    const history = this.#truthOf({ slot }).moves.get(move);
    this.#stage.find(reportIsTrue(move, said, history?.outcome ?? "open"));
    if (history !== undefined && said === "aborted") history.isReported = true;
  }

  ownershipAt(shard: ShardId, address: SlotAddress): Ownership | undefined {
    return this.#data.find((data) => data.shard === shard)?.slot(address).ownership;
  }

  /** What is wrong with a slot once everything has come to its end. */
  judgeEnd(address: SlotAddress): void {
    const { copies } = this.#pictureOf(address);
    this.#stage.say(() => `the end of ${address.slot}`);
    this.#stage.find(endsWithOneOwner(copies));
    this.#compareOwner(address);
  }

  #newTerm(
    truth: SlotTruth,
    { shard, address }: ShardSlot,
    { before, after }: { readonly before: Ownership; readonly after: Ownership },
  ): void {
    truth.owners.set(after.epoch, shard);
    if (before.state !== "RECEIVING") return;
    const source = this.#copyAt(before.to, address);
    const destination = this.#copyAt(shard, address);
    if (source !== null && destination !== null) this.#stage.find(decidedAfterGone(source, destination));
  }

  #remember(truth: SlotTruth, { shard }: ShardSlot, { state, move, epoch, to }: Ownership): void {
    if (move === null || to === null) return;
    if (state === "RECEIVING" && !truth.moves.has(move)) {
      const slotMove = { move, epoch, source: to, destination: shard };
      truth.moves.set(move, { move: slotMove, outcome: "open", isReported: false });
    }
    const history = truth.moves.get(move);
    if (history === undefined || history.move.destination !== shard) return;
    if (history.outcome !== "open") return;
    if (state === "OWNER") history.outcome = "decided";
    if (state === "ABORTED") history.outcome = "aborted";
  }

  /** I16. */
  #compareOwner(address: SlotAddress): void {
    const { rows } = this.#truthOf(address);
    for (const data of this.#data) {
      const slot = data.slot(address);
      if (slot.ownership.state !== "OWNER") continue;
      const there = new Map(slot.rows().map((row) => [textOf(nameOf(row)), JSON.stringify(row)]));
      for (const name of new Set([...rows.keys(), ...there.keys()])) {
        this.#stage.find(rowIsAsApplied(name, there.get(name) ?? null, rows.get(name) ?? null));
      }
    }
  }

  #pictureOf(address: SlotAddress): SlotPicture {
    const copies = this.#data.map(({ shard }) => this.#copyAt(shard, address)).filter((copy) => copy !== null);
    return { copies, moves: [...this.#truthOf(address).moves.values()] };
  }

  #copyAt(shard: ShardId | null, address: SlotAddress): SlotCopy | null {
    const slot = this.#data.find((data) => data.shard === shard)?.slot(address);
    if (shard === null || slot === undefined) return null;
    return {
      shard,
      ownership: slot.ownership,
      get content() {
        return contentOf(slot.rows());
      },
    };
  }

  #truthOf({ slot }: Pick<SlotAddress, "slot">): SlotTruth {
    const known = this.#truths.get(slot);
    if (known !== undefined) return known;
    const truth: SlotTruth = { rows: new Map(), owners: new Map(), moves: new Map() };
    this.#truths.set(slot, truth);
    return truth;
  }
}

function contentOf(rows: readonly SlotRow[]): string {
  return rows.map((row) => JSON.stringify(row)).join("\n");
}

function textOf({ of, name }: SlotRowName): string {
  return `${of} ${name}`;
}

/** A change of the columns, by the name of what brought it about. */
function changeOf(before: Ownership, after: Ownership): string {
  if (before.state === "RECEIVING" && after.state === "RECEIVING" && before.move === after.move) {
    return after.digest === before.digest ? "take-over" : "seal";
  }
  return `${before.state} to ${after.state}`;
}
