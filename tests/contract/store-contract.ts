/**
 * The contract of the store port: every implementation runs all of it, unchanged.
 * It must not assume anything of an implementation that port.ts does not promise.
 */
import { describe } from "vitest";
import { describeClosing } from "./closing-contract.ts";
import { describeGroups } from "./group-contract.ts";
import { describeIdempotency } from "./idempotency-contract.ts";
import { describeLists } from "./list-contract.ts";
import { describeOwnership } from "./ownership-contract.ts";
import type { OpenStore } from "./store-fixture.ts";
import { describeSweep } from "./sweep-contract.ts";
import { describeTransfer } from "./transfer-contract.ts";
import { describeVerdicts } from "./verdict-contract.ts";

/** Runs the contract on the store that `openStore` makes. */
export function describeStoreContract(name: string, openStore: OpenStore): void {
  describe(`store contract: ${name}`, () => {
    describeVerdicts(openStore);
    describeIdempotency(openStore);
    describeGroups(openStore);
    describeOwnership(openStore);
    describeLists(openStore);
    describeSweep(openStore);
    describeTransfer(openStore);
    describeClosing(openStore);
  });
}
