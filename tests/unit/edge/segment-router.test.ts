// Which handler a raw path gets.
// It must not need an app.
import { describe, expect, it } from "vitest";
import { SegmentRouter } from "../../../edge/segment-router.ts";

function routes(): SegmentRouter<string> {
  const router = new SegmentRouter<string>();
  for (const path of ["/", "/healthz", "/problems", "/problems/:code", "/:collection", "/:collection/:key"]) {
    router.add("ALL", path, path);
  }
  return router;
}

describe("a path", () => {
  it.each([
    { path: "/", route: "/" },
    { path: "/healthz", route: "/healthz" },
    { path: "/healthz/", route: "/:collection/:key" },
    { path: "/problems", route: "/problems" },
    { path: "/problems/X", route: "/problems/:code" },
    { path: "/products", route: "/:collection" },
    { path: "/products/", route: "/:collection/:key" },
    { path: "/products/a", route: "/:collection/:key" },
    { path: "/products/a%2fb", route: "/:collection/:key" },
    { path: "/products/a/", route: null },
    { path: "/products//a", route: null },
    { path: "//", route: "/:collection/:key" },
    { path: "///", route: null },
    { path: "/__proto__", route: "/:collection" },
  ])("$path goes to $route", ({ path, route }) => {
    const [[found]] = routes().match("GET", path);
    expect(found?.[0] ?? null).toBe(route);
  });
});

describe("a route", () => {
  it.each([
    { name: "twice", method: "ALL", path: "/:collection/:other" },
    { name: "for one method", method: "GET", path: "/new" },
  ])("cannot be added $name", ({ method, path }) => {
    expect(() => routes().add(method, path, "x")).toThrow("broken assumption");
  });
});
