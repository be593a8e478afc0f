/**
 * The routing decision: raw path segment → canonical key → slot → shard, in this process, without network.
 * It must not measure anything an edge does around it.
 */

import { parsePathSegment } from "../../router/canonical-key.ts";
import { adoptMap, noHints, type Route, type RouteHints, routeOf } from "../../router/route-hints.ts";
import { parseShardMap } from "../../router/shard-map.ts";
import { type Placement, prefixesOf, slotOf, sortKeyOf } from "../../router/slot.ts";
import type { Bench, BenchContext, Settings } from "../bench.ts";
import { absolute, type Measurement, type Sample, sideOf } from "../measurement.ts";
import { loadProducts } from "../products.ts";
import { median } from "../statistics.ts";

const TARGET = { relation: "at most", bound: 1 } as const;
const RANGES = 64;
const PLACEMENT: Placement = { kind: "range", stripes: 1 };

/** First letters of other scripts, so that a key has to be decoded, composed and lower-cased. */
const FOREIGN = ["É", "ü", "Я", "日本", "ß", "Σ", "ñ", "ก"] as const;

/** Decides the route of every product's name, as it is, written in capitals at its start, and in other scripts. */
export const routing: Bench = {
  name: "routing",
  about: "raw path segment to shard, in process",
  run: (context) => Promise.resolve(measureRouting(context)),
};

function measureRouting(context: BenchContext): readonly Measurement[] {
  const names = loadProducts().map((product) => product.key);
  const hints = manyRanges();
  const spellings = {
    "real names": names.map(encodeURIComponent),
    "mixed case": names.map((name) => encodeURIComponent(capitalised(name))),
    "non-ASCII": names.map((name, index) => encodeURIComponent(`${FOREIGN[index % FOREIGN.length]}${name}`)),
  };
  return Object.entries(spellings).map(([spelling, segments]) => {
    const name = `routing, ${spelling}`;
    const samples = timeDecisions(segments, hints, context.settings);
    context.report(`${name}: ${segments.length} keys, ${samples.length} runs`);
    return absolute({ name, unit: "µs", target: TARGET }, sideOf("route", samples));
  });
}

function capitalised(name: string): string {
  return name.replace(/[a-z]/, (letter) => String.fromCharCode(letter.charCodeAt(0) - 32));
}

/** A map as it looks after many splits, its ranges going to 8 shards in turn. */
function manyRanges(): RouteHints {
  const prefixes = prefixesOf(PLACEMENT);
  const cuts = Array.from(
    { length: RANGES },
    (_, index) => prefixes[Math.floor((index * prefixes.length) / RANGES)] ?? "",
  );
  const ranges = cuts.map((cut, index) => ({
    start: index === 0 ? "" : cut,
    end: cuts[index + 1] ?? null,
    shard: `shard-${(index % 8) + 1}`,
  }));
  const rules = { placement: PLACEMENT, shards: null };
  const map = parseShardMap({ collection: "products", version: 1, parent: 0, ranges }, rules);
  if (!map.ok) throw new Error(`the bench's own map is refused: ${map.detail}`);
  return adoptMap(noHints(PLACEMENT), map.value);
}

function decide(segment: string, hints: RouteHints): Route | null {
  const key = parsePathSegment(segment);
  if (!key.ok) return null;
  return routeOf(hints, slotOf(PLACEMENT, key.value), sortKeyOf(PLACEMENT, key.value));
}

/** The runs of one spelling: each the median of its passes, so that a pause of the machine does not count. */
function timeDecisions(segments: readonly string[], hints: RouteHints, settings: Settings): readonly Sample[] {
  const runMs = (settings.seconds * 1000) / settings.runs;
  return Array.from({ length: settings.runs }, () => {
    const passes: number[] = [];
    const endsAtMs = performance.now() + runMs;
    while (performance.now() < endsAtMs || passes.length === 0) passes.push(timePass(segments, hints));
    return {
      value: median(passes),
      latencyMedianMs: null,
      latencyP99Ms: null,
      serverMicros: null,
      generatorBusy: null,
    };
  });
}

/** Mean time of a decision over all segments, in microseconds. */
function timePass(segments: readonly string[], hints: RouteHints): number {
  const startedAtMs = performance.now();
  let refused = 0;
  for (const segment of segments) if (decide(segment, hints) === null) refused += 1;
  const micros = ((performance.now() - startedAtMs) * 1000) / segments.length;
  if (refused > 0) throw new Error(`${refused} of ${segments.length} keys have no route`);
  return micros;
}
