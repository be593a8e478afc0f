// One row on its way to its final answer. It must not use a network; the gateway is a list of answers.
import { describe, expect, it } from "vitest";
import type { GatewayAnswer, GatewayRequest } from "../../../cli/gateway-client.ts";
import { backoffMs, sendRow } from "../../../cli/import/row-sender.ts";
import { canonicalKey } from "../../../cli/option-values.ts";

const row = { kind: "document", row: 7, rawKey: "A b", key: canonicalKey("A b"), json: '{"n":1}' } as const;

function answer(status: number, body = "", headers: Record<string, string> = {}): GatewayAnswer {
  return { status, headers, body };
}

function gateway(answers: readonly (GatewayAnswer | Error)[]) {
  const requests: GatewayRequest[] = [];
  const pauses: number[] = [];
  let nowMs = 0;
  const options = {
    client: {
      send: (request: GatewayRequest) => {
        requests.push(request);
        const next = answers[Math.min(requests.length, answers.length) - 1] ?? new Error("no answer");
        return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
      },
    },
    collection: "products",
    runId: "run",
    pause: (ms: number) => {
      pauses.push(ms);
      nowMs += ms;
      return Promise.resolve();
    },
    now: () => nowMs,
    random: () => 0.5,
  };
  return { options, requests, pauses };
}

describe("a row", () => {
  it.each([
    [201, { kind: "created" }],
    [200, { kind: "replaced" }],
  ])("with answer %d is %j", async (status, expected) => {
    expect(await sendRow(row, gateway([answer(status)]).options)).toEqual(expected);
  });

  it("goes to its canonical key with an idempotency key of its own", async () => {
    const { options, requests } = gateway([answer(201)]);
    await sendRow(row, options);
    expect(requests[0]).toMatchObject({ method: "PUT", path: "/products/a%20b", body: '{"n":1}' });
    expect(requests[0]?.headers?.["idempotency-key"]).toBe('"import-run-7"');
  });

  it.each([400, 413, 422, 428])("answered with %d is refused with the gateway's reason", async (status) => {
    const problem = JSON.stringify({ code: "SOME_CODE", detail: "why" });
    const { options, requests } = gateway([answer(status, problem)]);
    expect(await sendRow(row, options)).toEqual({ kind: "refused", code: "SOME_CODE", detail: "why" });
    expect(requests).toHaveLength(1);
  });

  it.each([
    ["503", answer(503)],
    ["429", answer(429)],
    ["500", answer(500)],
    ["no answer", new Error("socket closed")],
  ])("is sent again after %s, with the same idempotency key", async (_name, first) => {
    const { options, requests } = gateway([first, first, answer(201)]);
    expect(await sendRow(row, options)).toEqual({ kind: "created" });
    expect(new Set(requests.map((request) => request.headers?.["idempotency-key"])).size).toBe(1);
    expect(requests).toHaveLength(3);
  });

  it("waits as long as Retry-After says, within reason", async () => {
    const { options, pauses } = gateway([
      answer(503, "", { "retry-after": "3" }),
      answer(503, "", { "retry-after": "9999" }),
      answer(201),
    ]);
    await sendRow(row, options);
    expect(pauses).toEqual([3000, 10_000]);
  });

  it("ends the import when it gets no final answer for a minute", async () => {
    const { options, pauses } = gateway([answer(503)]);
    await expect(sendRow(row, options)).rejects.toThrow(/row 7 got no final answer for 60 s/);
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(60_000);
  });

  it.each([401, 403, 404, 405])("ends the import on %d: the next row would fare no better", async (status) => {
    await expect(sendRow(row, gateway([answer(status)]).options)).rejects.toThrow(String(status));
  });
});

it("backs off exponentially within bounds", () => {
  expect([0, 1, 2, 20].map((attempt) => backoffMs(attempt, 0))).toEqual([50, 100, 200, 2500]);
  expect([0, 1, 2, 20].map((attempt) => backoffMs(attempt, 1))).toEqual([100, 200, 400, 5000]);
});
