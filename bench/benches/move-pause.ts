/**
 * How long a slot that moves keeps its clients waiting, as they see it, on SQLite. Forty slots go to and fro between two shards; eight
 * clients write a document and read it back without a rest, follow 421s as an edge does, and go from slot to slot ahead of the move.
 * A pause is the time of the slowest request that was under way at the cutover (cutovers.ts), so an ordinary request's time is in it.
 * It must not leave out a failed request: they are counted, and none may be.
 */
import { pauseQuantile } from "../../router/move-progress.ts";
import type { Bench, BenchContext } from "../bench.ts";
import { lotOf } from "../lots.ts";
import { absolute, type Measurement, pooled, type Sample, sideOf } from "../measurement.ts";
import { collectionNamed } from "../move-config.ts";
import { onMoveGround } from "../move-ground.ts";
import { failuresOf } from "../move-load.ts";
import { type FinishedMove, fillLot } from "../move-run.ts";
import { movePauses, WARM_MOVES } from "../pause-rounds.ts";
import { loadProducts } from "../products.ts";

const COLLECTION = "moved";
const SLOTS = 40;
/** As the 113,663 products lie on average. */
const ROWS_PER_SLOT = 75;
const P99_TARGET = { relation: "at most", bound: 50 } as const;
const MAX_TARGET = { relation: "at most", bound: 250 } as const;
const NO_FAILURE = { relation: "at most", bound: 0 } as const;

/** Moves to and fro until there are enough cutovers. */
export const movePause: Bench = {
  name: "move-pause",
  about: "the pause of a moving slot as its clients see it, on SQLite",
  run: measurePause,
};

function measurePause(context: BenchContext): Promise<readonly Measurement[]> {
  const { workers, cutovers: cutoversMin } = context.settings;
  const collections = [{ name: COLLECTION, stripes: 1 }];
  return onMoveGround(context, { collections, workers, cluster: null }, async (ground) => {
    const placement = { kind: "range", stripes: 1 } as const;
    const collection = collectionNamed(COLLECTION);
    const lot = lotOf({ collection, placement, firstPrefix: 0, slots: SLOTS, rowsPerSlot: ROWS_PER_SLOT });
    const store = await ground.openStore("shard-1");
    await fillLot(store, lot, loadProducts(context.productsFile));
    await store.close();
    const spec = { lot, cutoversMin, movesMax: Number.POSITIVE_INFINITY, warmMoves: WARM_MOVES };
    const { pausesMs, moves, report } = await movePauses(context, ground, spec);
    return [...pauseFigures({ pausesMs, failures: failuresOf([report]) }), ...ownFigures(moves)];
  });
}

/** What the mover itself counts, for comparison: clients learn of a decision a little later, and pay for their own way. */
function ownFigures(moves: readonly FinishedMove[]): readonly Measurement[] {
  const shares = [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const;
  return shares.map(([text, share]) => {
    const subject = {
      name: `from fence to decision, ${text} of a move, by the mover's count`,
      unit: "ms",
      target: null,
    };
    return absolute(
      subject,
      sideOf(
        "mover",
        moves.map(({ progress }) => sampleOf(pauseQuantile(progress.pause, share))),
      ),
    );
  });
}

function sampleOf(value: number): Sample {
  return { value, latencyMedianMs: null, latencyP99Ms: null, serverMicros: null, generatorBusy: null };
}

interface Pauses {
  readonly pausesMs: readonly (readonly number[])[];
  readonly failures: number;
}

function pauseFigures({ pausesMs: runs, failures }: Pauses): readonly Measurement[] {
  const of = `of ${runs.flat().length} cutovers`;
  const side = { label: "pause", runs, failures };
  return [
    pooled({ name: `pause, p50 ${of}`, unit: "ms", target: null }, { ...side, share: 0.5 }),
    pooled({ name: `pause, p99 ${of}`, unit: "ms", target: P99_TARGET }, { ...side, share: 0.99 }),
    pooled({ name: `pause, longest ${of}`, unit: "ms", target: MAX_TARGET }, { ...side, share: 1 }),
    pooled(
      { name: "failed requests meanwhile", unit: "requests", target: NO_FAILURE },
      { label: "failed", runs: [[failures]], share: 1, failures },
    ),
  ];
}
