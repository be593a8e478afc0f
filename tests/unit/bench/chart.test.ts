// Charts as files that every reader of XML takes, with axes that fit. Must not compare pictures.
import { describe, expect, it } from "vitest";
import { type Chart, formatChart } from "../../../bench/chart.ts";
import { scaleOf, tickText } from "../../../bench/chart-scale.ts";

const TIME = { label: "time", unit: "s", scale: "linear" } as const;
const ROWS = { label: "rows", unit: "", scale: "log" } as const;

function chartOf(points: readonly (readonly [number, number])[], more: Partial<Chart["panels"][number]> = {}): Chart {
  const series = [{ label: "p99", shape: "line", points } as const];
  const panel = { title: "Latency", x: TIME, y: { label: "p99", unit: "ms", scale: "log" }, series, ...more } as const;
  return { title: 'Rows & "pauses" < 1', description: "What <b>happens</b>", panels: [panel] };
}

/** Names of the elements that are open at each moment have to match; returns all of them. Throws where they do not. */
function elementsOf(xml: string): readonly string[] {
  const open: string[] = [];
  const seen: string[] = [];
  const rest = xml.replaceAll(
    /<(\/?)([a-z]+)((?: [A-Za-z0-9-]+="[^"<&]*(?:&[a-z]+;[^"<&]*)*")*)(\/?)>/g,
    (_, ...parts) => {
      const [closing, name, , empty] = parts as readonly string[];
      if (closing === "/" && open.pop() !== name) throw new Error(`</${name}> closes nothing`);
      if (closing === "") seen.push(name ?? "");
      if (closing === "" && empty === "") open.push(name ?? "");
      return "";
    },
  );
  if (open.length > 0) throw new Error(`not closed: ${open.join(", ")}`);
  if (/[<>]|&(?!(?:amp|lt|gt|quot);)/.test(rest)) throw new Error(`neither text nor an element: ${rest}`);
  return seen;
}

describe("a chart", () => {
  it("is well-formed XML with its texts as text", () => {
    const svg = formatChart(
      chartOf([
        [0, 1],
        [5, 20],
      ]),
    );
    expect(elementsOf(svg)).toEqual(expect.arrayContaining(["svg", "title", "desc", "style", "polyline", "text"]));
    expect(svg).toContain(">Rows &amp; &quot;pauses&quot; &lt; 1</text>");
    expect(svg).toContain(">p99 (ms)</text>");
    expect(svg).toContain(">time (s)</text>");
  });

  it("follows the reader's colour scheme", () => {
    expect(formatChart(chartOf([[1, 1]]))).toContain("@media (prefers-color-scheme: dark)");
  });

  it.each([
    ["a dot for each point", "dots", "circle"],
    ["a bar for each point", "bars", "rect"],
  ] as const)("draws %s", (_name, shape, element) => {
    const points = [
      [1, 1],
      [2, 4],
      [3, 9],
    ] as const;
    const without = formatChart(chartOf(points));
    const svg = formatChart(chartOf(points, { series: [{ label: "p99", shape, points }] }));
    const count = (text: string) => elementsOf(text).filter((name) => name === element).length;
    const dots = element === "circle" ? 0 : count(without);
    expect(count(svg)).toBe(points.length + dots);
  });

  it("puts higher values higher, and later ones to the right", () => {
    const svg = formatChart(
      chartOf(
        [
          [10, 10],
          [1000, 100],
        ],
        { x: ROWS },
      ),
    );
    const [first = "", second = ""] = /points="([^"]+)"/.exec(svg)?.[1]?.split(" ") ?? [];
    const [x1 = 0, y1 = 0] = first.split(",").map(Number);
    const [x2 = 0, y2 = 0] = second.split(",").map(Number);
    expect(x2).toBeGreaterThan(x1);
    expect(y2).toBeLessThan(y1);
  });

  it("leaves out what a log axis cannot hold, and marks times", () => {
    const svg = formatChart(
      chartOf(
        [
          [0, 0],
          [1, 5],
        ],
        { marks: [{ x: 1, label: "begins" }] },
      ),
    );
    expect(/points="([^" ]+)"/.test(svg)).toBe(true);
    expect(svg).toContain(">begins</text>");
  });

  it("refuses a panel without a point", () => {
    expect(() => formatChart(chartOf([]))).toThrow("Latency: expected a point, got none");
  });
});

describe("a scale", () => {
  it.each([
    ["of small numbers", [0, 0.4], [0, 0.1, 0.2, 0.3, 0.4]],
    ["of numbers up to seven", [0, 7], [0, 2, 4, 6, 8]],
    ["of thousands", [1, 4321], [0, 1000, 2000, 3000, 4000, 5000]],
  ])("%s has round ticks from 0", (_name, values, ticks) => {
    expect(scaleOf("linear", values).ticks).toEqual(ticks);
  });

  it("of powers of ten holds all values between two of them", () => {
    const scale = scaleOf("log", [3, 450]);
    expect(scale.ticks).toEqual([1, 10, 100, 1000]);
    expect([1, 10, 1000].map(scale.at)).toEqual([0, 1 / 3, 1]);
  });

  it("of a single power of ten still has a length", () => {
    expect(scaleOf("log", [100]).ticks).toEqual([100, 1000]);
  });

  it("writes thousands in groups", () => {
    expect([1_000_000, 0.25, 100].map(tickText)).toEqual(["1,000,000", "0.25", "100"]);
  });
});
