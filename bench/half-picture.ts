/**
 * The timeline of a move of half of the products, as a picture. It must not judge it.
 */
import type { MoveProgress } from "../router/move-progress.ts";
import { type Axis, formatChart, type Mark } from "./chart.ts";
import { tickText } from "./chart-scale.ts";
import { countOf, type Half } from "./half-ground.ts";
import type { MoveLoadReport } from "./move-load-plan.ts";
import type { FinishedMove } from "./move-run.ts";

/** What was seen. `steps`: the move's entry in the catalog each time that it was looked at. */
export interface HalfSeen {
  readonly half: Half;
  readonly move: FinishedMove;
  readonly steps: readonly MoveProgress[];
  readonly report: MoveLoadReport;
}

const TIME: Axis = { label: "time", unit: "s", scale: "linear" };

/** Text of the SVG. */
export function drawHalf({ half, move, steps, report }: HalfSeen): string {
  const { fromMs, seconds, cutovers } = report;
  const secondOf = (ms: number): number => (ms - fromMs) / 1000;
  const { startedAtMs, updatedAtMs } = move.progress;
  const marks: readonly Mark[] = [
    { x: secondOf(startedAtMs), label: "begins" },
    { x: secondOf(updatedAtMs), label: "done" },
  ];
  const requests = seconds.map((each) => [each.second + 0.5, each.requests] as const);
  const latencies = seconds.flatMap(({ second, latencyP99Ms }) =>
    latencyP99Ms === null ? [] : [[second + 0.5, latencyP99Ms] as const],
  );
  const pauses = cutovers.map(({ atMs, pauseMs }) => [secondOf(atMs), pauseMs] as const);
  const y = (label: string, unit: string, scale: Axis["scale"] = "linear"): Axis => ({ label, unit, scale });
  const panel = { x: TIME, marks };
  const line = (label: string, points: readonly (readonly [number, number])[]) =>
    ({ label, shape: "line", points }) as const;
  const pace = (of: (progress: MoveProgress) => number) =>
    paceOf(steps, of).map(([ms, value]) => [secondOf(ms), value] as const);
  const [going, all] = [countOf(half.going), countOf(half.going) + countOf(half.staying)];
  return formatChart({
    title: `Half of ${tickText(all)} products go to another shard under load`,
    description: `Second by second: the move of ${tickText(going)} rows, the clients' requests, their latency, and each cutover's pause.`,
    panels: [
      {
        ...panel,
        title: "The move",
        y: y("rows", "1/s"),
        series: [
          line(
            "rows copied",
            pace(({ rows }) => rows),
          ),
        ],
      },
      {
        ...panel,
        title: "Slots that have gone over",
        y: y("cutovers", "1/s"),
        series: [
          line(
            "cutovers",
            pace(({ decided }) => decided),
          ),
        ],
      },
      { ...panel, title: "Clients", y: y("requests", "1/s"), series: [line("good answers", requests)] },
      { ...panel, title: "Their latency", y: y("p99", "ms", "log"), series: [line("p99 in a second", latencies)] },
      ...(pauses.length === 0
        ? []
        : [
            {
              ...panel,
              title: "Pauses, as clients met them",
              y: y("pause", "ms", "log"),
              series: [{ label: "a cutover", shape: "dots", points: pauses } as const],
            },
          ]),
    ],
  });
}

/** The pace between two looks that saw something new, at the later of them; 0 at the beginning. */
function paceOf(steps: readonly MoveProgress[], of: (progress: MoveProgress) => number) {
  const [first] = steps;
  if (first === undefined) return [];
  const points: (readonly [ms: number, perSecond: number])[] = [[first.startedAtMs, 0]];
  let [lastMs, lastCount] = [first.startedAtMs, 0];
  for (const step of steps) {
    const elapsedMs = step.updatedAtMs - lastMs;
    if (elapsedMs < LEAST_MS) continue;
    points.push([step.updatedAtMs, ((of(step) - lastCount) * 1000) / elapsedMs]);
    [lastMs, lastCount] = [step.updatedAtMs, of(step)];
  }
  return points;
}

/** Over a shorter time a pace says nothing. */
const LEAST_MS = 200;
