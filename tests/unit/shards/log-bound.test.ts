// Lines that come in floods: one a second of each kind, and none is lost count of.
import { describe, expect, test } from "vitest";
import type { Exchange } from "../../../shards/http/exchange.ts";
import { createFailureAnswers } from "../../../shards/http/failure.ts";
import type { LogFields } from "../../../shards/log.ts";
import { LogBound } from "../../../shards/log-bound.ts";
import { boundWarnings } from "../../../shards/open-cassandra.ts";
import { StoreError } from "../../../shards/store/port.ts";

/** A clock that is advanced by hand, and what was logged. */
function setUp() {
  const clock = { now: 5_000, nowMs: () => clock.now };
  const lines: LogFields[] = [];
  const log = (_level: string, _event: string, fields: LogFields = {}) => void lines.push(fields);
  return { clock, lines, log };
}

describe("a bound", () => {
  test("lets a line of each kind through a second, and counts the others", () => {
    const { clock, lines } = setUp();
    const bound = new LogBound(clock);
    const write = (kind: string) => bound.write(kind, (fields) => lines.push({ kind, ...fields }));
    for (const kind of ["a", "a", "b", "a"]) write(kind);
    clock.now += 999;
    write("a");
    clock.now += 1;
    for (const kind of ["a", "b", "a"]) write(kind);
    expect(lines).toEqual([{ kind: "a" }, { kind: "b" }, { kind: "a", leftOut: 3 }, { kind: "b" }]);
  });

  test("is not silent while a clock that was put back catches up", () => {
    const { clock, lines } = setUp();
    const bound = new LogBound(clock);
    bound.write("a", (fields) => lines.push(fields));
    clock.now -= 3_000;
    bound.write("a", (fields) => lines.push(fields));
    expect(lines).toHaveLength(2);
  });
});

describe("failures of requests", () => {
  const exchange = { requestId: "r", method: "GET" } as Exchange;

  test("of the storage are logged once a second for each kind, and all are answered", () => {
    const { clock, lines, log } = setUp();
    const answer = createFailureAnswers({ log, clock });
    const answers = (["busy", "unavailable", "busy", "busy"] as const).map((kind) =>
      answer(exchange, new StoreError(kind, kind)),
    );
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
    // Whoever is refused for now is told when to come again.
    for (const { headers } of answers) expect(headers.get("retry-after")).toMatch(/^\d+$/);
    clock.now += 1_000;
    answer(exchange, new StoreError("busy", "again"));
    expect(lines).toMatchObject([
      { error: "StoreError: busy" },
      { error: "StoreError: unavailable" },
      { error: "StoreError: again", leftOut: 2 },
    ]);
  });

  test("that nobody has expected are logged each", () => {
    const { clock, lines, log } = setUp();
    const answer = createFailureAnswers({ log, clock });
    for (const name of ["one", "two"]) expect(answer(exchange, new TypeError(name)).status).toBe(500);
    expect(lines).toMatchObject([{ error: "TypeError: one" }, { error: "TypeError: two" }]);
  });
});

test("warnings of Cassandra's nodes are logged once a second for each kind of request, everything else each time", () => {
  const { clock, lines, log } = setUp();
  const bounded = boundWarnings(log, clock);
  for (const warning of ["1 tombstone", "2 tombstones"])
    bounded("warn", "cassandra-warning", { request: "read", warning });
  bounded("warn", "cassandra-warning", { request: "write", warning: "large" });
  for (const message of ["down", "up"]) bounded("warn", "cassandra-driver", { message });
  clock.now += 1_000;
  bounded("warn", "cassandra-warning", { request: "read", warning: "3 tombstones" });
  expect(lines).toEqual([
    { request: "read", warning: "1 tombstone" },
    { request: "write", warning: "large" },
    { message: "down" },
    { message: "up" },
    { request: "read", warning: "3 tombstones", leftOut: 1 },
  ]);
});
