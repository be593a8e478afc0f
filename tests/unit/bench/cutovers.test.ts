// How pauses are found in what clients saw. Must not run clients.
import { describe, expect, it } from "vitest";
import { cutoversOf, type SlotRequest } from "../../../bench/cutovers.ts";

function request(startedAtMs: number, endedAtMs: number, toldEpoch: number | null = null): SlotRequest {
  return { slot: "ga", startedAtMs, endedAtMs, toldEpoch };
}

function elsewhere(asked: SlotRequest): SlotRequest {
  return { ...asked, slot: "gb" };
}

describe("the pause of a cutover", () => {
  it("is the time of the slowest request that was under way when the first one was told", () => {
    const requests = [request(0, 5), request(6, 46, 2), request(10, 48, 2), request(47, 50)];
    expect(cutoversOf(requests)).toEqual([{ slot: "ga", epoch: 2, atMs: 46, pauseMs: 40 }]);
  });

  it("counts a request that came back later without having been told", () => {
    expect(cutoversOf([request(0, 5), request(20, 30, 2), request(25, 90)])).toMatchObject([{ pauseMs: 65 }]);
  });

  it("counts no request that was answered before, nor one that was sent afterwards", () => {
    const requests = [request(0, 5), request(5, 28), request(20, 30, 2), request(31, 500)];
    expect(cutoversOf(requests)).toMatchObject([{ pauseMs: 10 }]);
  });

  it("is left out where nobody had asked the old owner: the first client came too late", () => {
    expect(cutoversOf([request(20, 30, 2), request(31, 40)])).toEqual([]);
  });

  it("is left out where the old owner was asked only before the cutover before", () => {
    const requests = [request(0, 5), request(10, 20, 2), request(30, 40, 3)];
    expect(cutoversOf(requests)).toMatchObject([{ epoch: 2 }]);
  });

  it("is found for each slot and each way, by time", () => {
    const requests = [
      ...[elsewhere(request(0, 4)), request(0, 5), request(6, 20, 2), request(21, 25), request(26, 60, 3)],
      elsewhere(request(7, 19, 2)),
    ];
    expect(cutoversOf(requests).map(({ slot, epoch, pauseMs }) => [slot, epoch, pauseMs])).toEqual([
      ["gb", 2, 12],
      ["ga", 2, 14],
      ["ga", 3, 34],
    ]);
  });

  it("is not found where nothing moved", () => {
    expect(cutoversOf([request(0, 900), request(901, 905)])).toEqual([]);
  });
});
