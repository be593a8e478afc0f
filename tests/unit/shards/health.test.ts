// What a shard says of its health: to whom it matters whether it takes requests, and to people.
import { expect, test } from "vitest";
import { answerHealth } from "../../../shards/http/internal.ts";
import type { ShardServices } from "../../../shards/http/shard-services.ts";
import { GOOD_STANDING, type Standing } from "../../../shards/standing.ts";
import type { StoreStatus } from "../../../shards/store/port.ts";

interface Case {
  readonly name: string;
  readonly isReady?: boolean;
  readonly standing?: Standing;
  readonly store?: StoreStatus;
  readonly status: 200 | 503;
  readonly answer: object;
}

const UNREACHABLE: StoreStatus = { kind: "unreachable", detail: "no node of dc1 is up" };

const CASES: readonly Case[] = [
  { name: "all is well", status: 200, answer: { ready: true } },
  {
    name: "the process is stopping, whatever else",
    isReady: false,
    store: UNREACHABLE,
    status: 503,
    answer: { ready: false, reason: "stopping" },
  },
  {
    name: "the store was lost, which does not pass by itself",
    standing: { lost: ["carts"], unsettled: [] },
    store: UNREACHABLE,
    status: 503,
    answer: { ready: false, reason: "store-lost", collections: ["carts"] },
  },
  {
    name: "the database cannot be reached",
    store: UNREACHABLE,
    status: 503,
    answer: { ready: false, reason: "store-unreachable", detail: "no node of dc1 is up" },
  },
  {
    name: "the database serves with less than it should have",
    store: { kind: "impaired", detail: "1 of 3 nodes of dc1 is down" },
    status: 200,
    answer: { ready: true, detail: "1 of 3 nodes of dc1 is down" },
  },
  {
    name: "the catalog was silent at the start: the rest is served",
    standing: { lost: [], unsettled: ["carts"] },
    status: 200,
    answer: { ready: true, detail: "the catalog is silent, and nothing is held of carts" },
  },
];

test.each(CASES)("$name", async ({ isReady = true, standing = GOOD_STANDING, store, status, answer }) => {
  const response = answerHealth({
    shard: "shard-1",
    isReady: () => isReady,
    standing: () => standing,
    store: { status: () => store ?? { kind: "ready" } },
  } as unknown as ShardServices);
  expect(response.status).toBe(status);
  expect(await response.json()).toEqual({ shard: "shard-1", pid: process.pid, ...answer });
});
