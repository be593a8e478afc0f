/**
 * The products that the benches store and ask for: those of the shipped sample or of a file, as an import stores them.
 * It must not make up data.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { DEFAULT_KEY_COLUMN, isInteger, tableRow } from "../cli/import/row.ts";

/** A product as it is stored: its canonical key and its document as JSON text. */
export interface Product {
  readonly key: string;
  readonly json: string;
}

const SAMPLE = new URL("../cli/sample/products.tsv", import.meta.url);

/** All products of a file of tab-separated values (also with gzip), in its order; null for the sample. */
export function loadProducts(file: string | null = null): readonly Product[] {
  const bytes = readFileSync(file ?? SAMPLE);
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const text = (isPacked ? gunzipSync(bytes) : bytes).toString("utf8");
  const [header = "", ...lines] = text.trimEnd().split("\n");
  const names = header.split("\t");
  const rows = lines.map((line) => line.split("\t"));
  const isNumeric = (column: number): boolean => rows.every((fields) => isInteger(fields[column] ?? ""));
  const integers = new Set(names.map((_, column) => column).filter(isNumeric));
  const columns = { names, keyIndex: names.indexOf(DEFAULT_KEY_COLUMN), integers };
  return rows.flatMap((fields, index) => {
    const row = tableRow(index + 1, fields, columns);
    return row.kind === "document" ? [{ key: row.key, json: row.json }] : [];
  });
}

/** `count` of the products, evenly spread over all of them. */
export function spreadProducts(products: readonly Product[], count: number): readonly Product[] {
  const step = Math.max(1, products.length / count);
  return products.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step)).slice(0, count);
}
