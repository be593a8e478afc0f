// How far an import has come. It must not import anything.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import {
  AnsweredPrefix,
  checkpointName,
  loadCheckpoint,
  newCheckpoint,
  type Outcome,
  saveCheckpoint,
} from "../../../cli/import/checkpoint.ts";
import { openRefusedFile } from "../../../cli/import/refused-file.ts";
import { holds } from "../seed.ts";

const folder = mkdtempSync(join(tmpdir(), "zgate-checkpoint-"));
afterAll(() => rmSync(folder, { recursive: true }));

const identity = { sha256: "abc", bytes: 10, collection: "products", keyColumn: "key" };
const start = newCheckpoint(identity, "run");

describe("the prefix of answered rows", () => {
  it("waits for the row that is missing", () => {
    const prefix = new AnsweredPrefix(start);
    prefix.add(2, "created");
    prefix.add(3, "refused");
    expect([prefix.rows, prefix.answered]).toEqual([0, 2]);
    prefix.add(1, "replaced");
    expect([prefix.rows, prefix.tally]).toEqual([3, { created: 1, replaced: 1, refused: 1 }]);
  });

  it("is complete and counts right in whatever order the answers come", () => {
    const outcomes = fc.array(fc.constantFrom<Outcome>("created", "replaced", "refused"), { maxLength: 40 });
    const shuffled = outcomes.chain((list) =>
      fc.record({ list: fc.constant(list), order: fc.shuffledSubarray([...list.keys()], { minLength: list.length }) }),
    );
    holds(
      fc.property(shuffled, ({ list, order }) => {
        const prefix = new AnsweredPrefix(start);
        for (const index of order) prefix.add(index + 1, list[index] ?? "refused");
        const count = (wanted: Outcome) => list.filter((outcome) => outcome === wanted).length;
        expect(prefix.rows).toBe(list.length);
        expect(prefix.tally).toEqual({
          created: count("created"),
          replaced: count("replaced"),
          refused: count("refused"),
        });
      }),
    );
  });
});

describe("a checkpoint on disk", () => {
  const path = join(folder, checkpointName(identity));

  it("comes back as it was saved", () => {
    const saved = { ...start, rows: 5, tally: { created: 3, replaced: 1, refused: 1 } };
    saveCheckpoint(path, saved);
    expect(loadCheckpoint(path, identity)).toEqual(saved);
  });

  it.each([
    ["another content", { sha256: "abd" }],
    ["another size", { bytes: 11 }],
    ["another collection", { collection: "carts" }],
    ["another key column", { keyColumn: "name" }],
  ])("does not count for %s", (_name, change) => {
    saveCheckpoint(path, start);
    expect(loadCheckpoint(path, { ...identity, ...change })).toBeNull();
  });

  it.each(["", "{", "{}", '{"runId":"x"}', '{"runId":"x","rows":-1,"tally":{},"identity":{}}'])(
    "is not believed as %j",
    (text) => {
      writeFileSync(path, text);
      expect(loadCheckpoint(path, identity)).toBeNull();
    },
  );
});

describe("the file of refused rows", () => {
  const path = join(folder, "refused.ndjson");
  const row = (number: number) =>
    ({
      kind: "refused",
      row: number,
      rawKey: "a",
      key: null,
      code: "SLASH",
      detail: "d",
      line: number,
      text: "a",
    }) as const;
  const rows = () =>
    readFileSync(path, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).row);

  it("keeps what lies before the point where an import goes on, and drops the rest", () => {
    const first = openRefusedFile(path, 0);
    for (const number of [1, 4, 9]) first.add(row(number));
    openRefusedFile(path, 5).add(row(9));
    expect(rows()).toEqual([1, 4, 9]);
  });

  it("is begun anew by an import that begins anew", () => {
    openRefusedFile(path, 0).add(row(2));
    expect(rows()).toEqual([2]);
  });
});
