// The catalog contract on DynamoDB. Must not repeat it, nor hold what only DynamoDB promises.
import { describeCatalogContract } from "../contract/catalog-contract.ts";
import { makeTable } from "./dynamodb-fixture.ts";
import { describeOnEngines } from "./engines.ts";

describeOnEngines("DynamoDB", (engines) => {
  describeCatalogContract("DynamoDB", () => makeTable(engines));
});
