/**
 * Charts as SVG: panels one below the other, each with its axes, points joined by lines or standing alone. Text stays text, colours follow
 * the reader's scheme. It must not know what is drawn.
 */
import { scaleOf, tickText } from "./chart-scale.ts";

/** An axis. `unit` goes behind the label. */
export interface Axis {
  readonly label: string;
  readonly unit: string;
  readonly scale: "linear" | "log";
}

/** Points in the order of x. A line breaks where nothing was measured: begin another series, or leave the point out. */
export interface Series {
  readonly label: string;
  readonly shape: "line" | "dots" | "bars";
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A time that is marked through a panel. */
export interface Mark {
  readonly x: number;
  readonly label: string;
}

/** One pair of axes. A linear one begins at 0; a log one leaves out what is not above 0. */
export interface Panel {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly marks?: readonly Mark[];
}

/** A picture. `description` is for readers who cannot see it. */
export interface Chart {
  readonly title: string;
  readonly description: string;
  readonly panels: readonly Panel[];
}

const WIDTH = 860;
const HEADER = 46;
const PANEL = { height: 220, top: 34, bottom: 44, left: 74, right: 24 } as const;
const PLOT = { width: WIDTH - PANEL.left - PANEL.right, height: PANEL.height - PANEL.top - PANEL.bottom } as const;
const BAR = 0.8;

/** Readable on light and on dark ground, also without telling colours apart: the series differ in dash and in their legend. */
const STYLE = `
    svg { --ground: #ffffff; --text: #1f2328; --grid: #d9dee3; --first: #0b62c4; --second: #b3470b; --third: #1a7f37; }
    @media (prefers-color-scheme: dark) {
      svg { --ground: #0d1117; --text: #e6edf3; --grid: #30363d; --first: #6cb0ff; --second: #ff9b57; --third: #57d27b; }
    }
    .ground { fill: var(--ground); }
    text { fill: var(--text); font: 12px system-ui, sans-serif; }
    .title { font-size: 17px; font-weight: 600; }
    .panel { font-size: 13px; font-weight: 600; }
    .grid { stroke: var(--grid); stroke-width: 1; }
    .mark { stroke: var(--text); stroke-width: 1; stroke-dasharray: 2 3; }
    .line { fill: none; stroke-width: 2; }
    .s0 { stroke: var(--first); } .s1 { stroke: var(--second); stroke-dasharray: 7 3; } .s2 { stroke: var(--third); stroke-dasharray: 2 3; }
    .f0 { fill: var(--first); } .f1 { fill: var(--second); } .f2 { fill: var(--third); }`;

const COLOURS = 3;

/** The picture as text of an SVG file. Throws a `RangeError` for a panel without a point, or with more series than colours. */
export function formatChart({ title, description, panels }: Chart): string {
  const height = HEADER + panels.length * PANEL.height;
  const parts = panels.map((panel, index) => panelText(panel, HEADER + index * PANEL.height));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title description">
  <title id="title">${escaped(title)}</title>
  <desc id="description">${escaped(description)}</desc>
  <style>${STYLE}
  </style>
  <rect class="ground" width="${WIDTH}" height="${height}"/>
  <text class="title" x="${PANEL.left}" y="28">${escaped(title)}</text>
${parts.join("\n")}
</svg>
`;
}

/** Pixels of a panel, from its upper left corner. */
interface Plot {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

function panelText(panel: Panel, offset: number): string {
  if (panel.series.length > COLOURS) throw new RangeError(`${panel.title}: at most ${COLOURS} series`);
  const series = panel.series.map((each) => ({
    ...each,
    points: each.points.filter((point) => isDrawn(panel, point)),
  }));
  const points = series.flatMap((each) => each.points);
  if (points.length === 0) throw new RangeError(`${panel.title}: expected a point, got none`);
  const xs = [...points.map(([x]) => x), ...(panel.marks ?? []).map(({ x }) => x)];
  const across = scaleOf(panel.x.scale, xs);
  const up = scaleOf(
    panel.y.scale,
    points.map(([, y]) => y),
  );
  const plot: Plot = {
    x: (value) => PANEL.left + across.at(value) * PLOT.width,
    y: (value) => PANEL.top + (1 - up.at(value)) * PLOT.height,
  };
  const lines = [
    `<text class="panel" x="${PANEL.left}" y="14">${escaped(panel.title)}</text>`,
    legendText(panel.series),
    ...up.ticks.map((tick) => yTick(plot.y(tick), tickText(tick))),
    ...across.ticks.map((tick) => xTick(plot.x(tick), tickText(tick))),
    axisLabels(panel),
    ...(panel.marks ?? []).map((mark) => markText(plot, mark)),
    ...series.map((each, index) => seriesText(plot, each, index)),
  ];
  return `  <g transform="translate(0 ${offset})">\n    ${lines.join("\n    ")}\n  </g>`;
}

function isDrawn({ x, y }: Panel, [across, up]: readonly [number, number]): boolean {
  const fits = ({ scale }: Axis, value: number): boolean => Number.isFinite(value) && (scale === "linear" || value > 0);
  return fits(x, across) && fits(y, up);
}

function legendText(series: readonly Series[]): string {
  const entries = series.map(({ label }, index) => {
    const x = WIDTH - PANEL.right - (series.length - index) * 170;
    const key = `<rect class="f${index}" x="${x}" y="5" width="14" height="9"/>`;
    return `${key}<text x="${x + 19}" y="14">${escaped(label)}</text>`;
  });
  return entries.join("");
}

function yTick(y: number, text: string): string {
  const right = PANEL.left + PLOT.width;
  const line = `<line class="grid" x1="${PANEL.left}" x2="${right}" y1="${px(y)}" y2="${px(y)}"/>`;
  return `${line}<text x="${PANEL.left - 8}" y="${px(y + 4)}" text-anchor="end">${text}</text>`;
}

function xTick(x: number, text: string): string {
  const bottom = PANEL.top + PLOT.height;
  const line = `<line class="grid" x1="${px(x)}" x2="${px(x)}" y1="${bottom}" y2="${bottom + 5}"/>`;
  return `${line}<text x="${px(x)}" y="${bottom + 19}" text-anchor="middle">${text}</text>`;
}

function axisLabels({ x, y }: Panel): string {
  const middle = PANEL.top + PLOT.height / 2;
  const below = PANEL.top + PLOT.height + 35;
  const across = `<text x="${PANEL.left + PLOT.width / 2}" y="${below}" text-anchor="middle">${labelOf(x)}</text>`;
  return `${across}<text transform="rotate(-90 16 ${middle})" x="16" y="${middle}" text-anchor="middle">${labelOf(y)}</text>`;
}

function labelOf({ label, unit }: Axis): string {
  return escaped(unit === "" ? label : `${label} (${unit})`);
}

function markText({ x }: Plot, mark: Mark): string {
  const [at, bottom] = [px(x(mark.x)), PANEL.top + PLOT.height];
  const line = `<line class="mark" x1="${at}" x2="${at}" y1="${PANEL.top - 6}" y2="${bottom}"/>`;
  return `${line}<text x="${at}" y="${PANEL.top - 8}" text-anchor="middle">${escaped(mark.label)}</text>`;
}

function seriesText({ x, y }: Plot, { shape, points }: Series, index: number): string {
  if (shape === "line") {
    const path = points.map(([across, up]) => `${px(x(across))},${px(y(up))}`).join(" ");
    const dots = points.length > LINE_DOTS_MAX ? "" : dotsText({ x, y }, points, index);
    return `<polyline class="line s${index}" points="${path}"/>${dots}`;
  }
  if (shape === "dots") return dotsText({ x, y }, points, index);
  const [first = 0, second = first + 1] = points.map(([across]) => x(across));
  const width = Math.max(1, (second - first) * BAR);
  const bottom = PANEL.top + PLOT.height;
  return points
    .map(([across, up]) => {
      const [left, top] = [px(x(across) - width / 2), px(y(up))];
      return `<rect class="f${index}" x="${left}" y="${top}" width="${px(width)}" height="${px(bottom - y(up))}"/>`;
    })
    .join("");
}

/** Few points of a line are shown as such. */
const LINE_DOTS_MAX = 20;

function dotsText({ x, y }: Plot, points: Series["points"], index: number): string {
  return points
    .map(([across, up]) => `<circle class="f${index}" cx="${px(x(across))}" cy="${px(y(up))}" r="3"/>`)
    .join("");
}

function px(value: number): string {
  return String(Number(value.toFixed(1)));
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (symbol) => ENTITIES[symbol] ?? "");
}
