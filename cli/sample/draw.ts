/**
 * Draws the sample from the whole list of products: `node cli/sample/draw.ts FILE.tsv.gz > cli/sample/products.tsv`.
 * Systematic in the order of keys, so that the sample is spread over the slots as the whole is. It must give the
 * same sample for the same file.
 */

import { parseKey } from "../../router/canonical-key.ts";
import { compareCodePoints } from "../../router/text.ts";
import { formatOf, readRecords } from "../import/records.ts";

const SAMPLE_ROWS = 5000;

/** The sample is the one that holds this key: it is the example in the documentation. */
const PIVOT_KEY = "react";

/** `total` things in order, `wanted` of them evenly spaced so that number `pivot` is among them. */
export function systematicIndices(total: number, wanted: number, pivot: number): readonly number[] {
  const step = total / wanted;
  const turn = Math.floor(pivot / step);
  const start = pivot - turn * step;
  return Array.from({ length: wanted }, (_, index) => Math.min(total - 1, Math.floor(start + index * step + 1e-6)));
}

async function main(path: string): Promise<void> {
  const lines = new Map<string, string>();
  let header: string | null = null;
  for await (const { content } of readRecords(path, formatOf(path))) {
    const fields = content.ok ? content.value : [];
    const key = parseKey(fields[0] ?? "");
    if (header === null) header = fields.join("\t");
    else if (content.ok && key.ok && (key.value === fields[0] || !lines.has(key.value))) {
      lines.set(key.value, fields.join("\t"));
    }
  }
  const keys = [...lines.keys()].sort(compareCodePoints);
  const drawn = systematicIndices(keys.length, SAMPLE_ROWS, keys.indexOf(PIVOT_KEY));
  const sample = drawn.map((index) => lines.get(keys[index] ?? "") ?? "");
  process.stdout.write(`${[header, ...sample].join("\n")}\n`);
}

if (import.meta.main) await main(process.argv[2] ?? "");
