// The names of permissions are part of what tokens, edges and shards agree on: they may not change.
import { expect, it } from "vitest";
import { accessPermission, accessPermissions, OPERATE_PERMISSION } from "../../../router/permissions.ts";

it("names the collection and what is done with it", () => {
  expect(accessPermission("products", "write")).toBe("products:write");
  expect(accessPermissions("carts")).toEqual(["carts:read", "carts:write"]);
  expect(OPERATE_PERMISSION).toBe("zgate:operate");
});
