// Files of rows: formats, first reading, duplicates. It must not send anything.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { formatOf } from "../../../cli/import/records.ts";
import type { FileRow } from "../../../cli/import/row.ts";
import { readRows, surveyFile } from "../../../cli/import/survey.ts";

const folder = mkdtempSync(join(tmpdir(), "zgate-survey-"));
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function read(path: string, keyColumn: string | null = null) {
  const survey = await surveyFile({ path, format: formatOf(path), keyColumn });
  const rows: FileRow[] = [];
  for await (const row of readRows(survey)) rows.push(row);
  return { survey, rows, documents: rows.map((row) => (row.kind === "document" ? [row.key, row.json] : [row.code])) };
}

const TSV = "key\tcount\tnote\nalpha\t1\tone\nBeta\t\t2\n";
const EXPECTED = [
  ["alpha", '{"count":1,"note":"one"}'],
  ["beta", '{"note":"2"}'],
];

describe("a file", () => {
  it.each([
    ["TSV", "a.tsv", TSV],
    ["TSV with CRLF and no last line break", "b.tsv", TSV.replaceAll("\n", "\r\n").trimEnd()],
    ["TSV with a byte order mark", "c.tsv", `\ufeff${TSV}`],
    ["packed TSV", "d.tsv.gz", gzipSync(TSV)],
    ["CSV", "e.csv", 'key,count,note\nalpha,1,"one"\n"Beta",,2\n'],
    ["CSV with a byte order mark", "h.csv", '\ufeff"key",count,note\r\nalpha,1,"one"\r\nBeta,,2\r\n'],
    ["NDJSON", "f.ndjson", '{"key":"alpha","count":1,"note":"one"}\n\n{"key":"Beta","note":"2"}\n'],
  ])("of %s gives its documents", async (_name, name, content) => {
    const { survey, documents } = await read(fileWith(name, content));
    expect(documents).toEqual(EXPECTED);
    expect(survey.rows).toBe(2);
  });

  it("may quote separators and line breaks in CSV", async () => {
    const { documents } = await read(fileWith("quoted.csv", 'key,note\na,"x, ""y""\nz"\n'));
    expect(documents).toEqual([["a", '{"note":"x, \\"y\\"\\nz"}']]);
  });

  it("is cut into the same rows wherever its chunks end", async () => {
    const lines = Array.from({ length: 60_000 }, (_, index) => `k${index}\tü${index}`);
    const { rows, survey } = await read(fileWith("long.tsv", `key\tnote\n${lines.join("\n")}\n`));
    expect([rows.length, survey.rows]).toEqual([60_000, 60_000]);
    expect(rows.every((row, index) => row.kind === "document" && row.json === `{"note":"ü${index}"}`)).toBe(true);
  });

  it("refuses a row of CSV with a wrong quote and goes on behind it", async () => {
    const lines = ["key,note", "a,1", 'b,say "x"', 'c,"x\ny"', '"d"e,2', "", "f,3", '"g","say ""x"""'];
    const { documents, rows } = await read(fileWith("quotes.csv", `${lines.join("\r\n")}\r\n`));
    const texts = { a: "1", c: "x\ny", f: "3", g: 'say "x"' };
    const stored = Object.entries(texts).map(([key, note]) => [key, JSON.stringify({ note })]);
    const [a, c, f, g] = stored;
    expect(documents).toEqual([a, ["INVALID_CSV"], c, ["INVALID_CSV"], f, g]);
    expect(rows.map(({ line }) => line)).toEqual([2, 3, 4, 6, 8, 9]);
    expect(rows[3]).toMatchObject({ row: 4, text: '"d"e,2' });
  });

  it.each([
    [
      "in a row",
      "open.csv",
      'key,note\na,1\nb,"x\nc,2\n',
      /line 3 of .*open\.csv: a quote is opened and never closed$/,
    ],
    ["in the header", "head.csv", 'k"ey,note\na,1\n', /must name the columns: a quote inside a field/],
  ])("of CSV with a quote that is never closed %s is refused as a whole", async (_name, name, content, message) => {
    await expect(read(fileWith(name, content))).rejects.toThrow(message);
  });

  it("says of every row where it begins, and how", async () => {
    const { rows } = await read(fileWith("places.tsv", `key\tnote\n\na/b\t1\n\nc\t${"x".repeat(5000)}\n`));
    expect(rows.map(({ row, line, text }) => [row, line, text.length])).toEqual([
      [1, 3, 5],
      [2, 5, 4096],
    ]);
  });

  it("refuses a row that is not UTF-8 and goes on", async () => {
    const bytes = Buffer.concat([Buffer.from("key\tnote\na\t"), Buffer.from([0xff]), Buffer.from("\nb\tx\n")]);
    expect((await read(fileWith("latin.tsv", bytes))).documents).toEqual([["INVALID_TEXT"], ["b", '{"note":"x"}']]);
  });

  it("takes a key once, by its canonical form, and says which row has it", async () => {
    const { rows } = await read(fileWith("twice.tsv", "key\tn\nJSONStream\t1\nother\t2\njsonstream\t3\n"));
    expect(rows[2]).toMatchObject({
      kind: "refused",
      row: 3,
      rawKey: "jsonstream",
      code: "DUPLICATE_KEY",
      firstRow: 1,
    });
  });

  it("keeps a column as text when one of its values is no whole number", async () => {
    const { documents } = await read(fileWith("mixed.tsv", "key\tv\na\t1\nb\t1.2\n"));
    expect(documents).toEqual([
      ["a", '{"v":"1"}'],
      ["b", '{"v":"1.2"}'],
    ]);
  });

  it("may hold its key in another column", async () => {
    expect((await read(fileWith("named.tsv", "id\tname\n1\tx\n"), "name")).documents).toEqual([["x", '{"id":1}']]);
  });

  it.each([
    ["has no header", "empty.tsv", "", null, /must name the columns/],
    ["names a column twice", "double.tsv", "a\ta\n", null, /"a" is there twice/],
    ["lacks the key's column", "lacking.tsv", "a\tb\n", "c", /no column "c"/],
  ])("that %s is refused as a whole", async (_name, name, content, keyColumn, message) => {
    await expect(read(fileWith(name, content), keyColumn)).rejects.toThrow(message);
  });

  it("that is not there is refused with its name", async () => {
    await expect(read(join(folder, "none.tsv"))).rejects.toThrow(/cannot read .*none\.tsv/);
  });

  it("of an unknown kind asks for --format", () => {
    expect(() => formatOf("products.xlsx")).toThrow(/cannot tell the format/);
  });
});
