// docs/openapi.json: well-formed, complete against the code, and its checker finds what is wrong.
import { describe, expect, it } from "vitest";
import { DOCUMENT_METHODS, READ_METHODS } from "../../../edge/allowed-methods.ts";
import { LIST_LIMIT_MAX } from "../../../router/contract.ts";
import { PROBLEMS } from "../../../router/problem.ts";
import {
  compileSchema,
  createConformanceCheck,
  type Json,
  type ObservedAnswer,
  readDescription,
  resolveRef,
} from "../../conformance/openapi.ts";

const DESCRIPTION = readDescription();
const METHODS = ["get", "head", "put", "patch", "delete", "options"];

/** Codes that no client of an edge ever gets. */
const NOT_PUBLIC = new Set(["SLOT_NOT_OWNED", "INVALID_SIGNATURE", "VERSION_CONFLICT"]);

interface Operation {
  readonly name: string;
  readonly template: string;
  readonly method: string;
  readonly item: Json;
  readonly operation: Json;
}

const at = (value: unknown, ...steps: readonly string[]): Json =>
  steps.reduce<unknown>((part, step) => (part as Json)[step], value) as Json;

const OPERATIONS: readonly Operation[] = Object.entries(at(DESCRIPTION, "paths")).flatMap(([template, item]) =>
  METHODS.filter((method) => Object.hasOwn(item as Json, method)).map((method) => ({
    name: `${method.toUpperCase()} ${template}`,
    template,
    method,
    item: item as Json,
    operation: at(item, method),
  })),
);

function* nodesOf(value: unknown): Generator<Json> {
  if (typeof value !== "object" || value === null) return;
  yield value as Json;
  for (const child of Object.values(value)) yield* nodesOf(child);
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

describe("docs/openapi.json", () => {
  it("is OpenAPI 3.1 with a title, a version and a licence", () => {
    expect(DESCRIPTION["openapi"]).toMatch(/^3\.1\.\d+$/);
    expect(DESCRIPTION["info"]).toMatchObject({
      title: "zgate",
      version: expect.any(String),
      license: { name: "MIT" },
    });
  });

  it("refers only to what is there", () => {
    for (const node of nodesOf(DESCRIPTION)) expect(resolveRef(DESCRIPTION, node)).toBeDefined();
  });

  it("uses every component", () => {
    const text = JSON.stringify(DESCRIPTION);
    for (const kind of ["parameters", "headers", "responses", "schemas"]) {
      // No operation has a 405: it is the answer to those that are not there, and the checker knows.
      const unused = Object.keys(at(DESCRIPTION, "components", kind)).filter(
        (name) => name !== "Problem405" && !text.includes(`"#/components/${kind}/${name}"`),
      );
      expect(unused).toEqual([]);
    }
  });

  it("names each operation once", () => {
    const ids = OPERATIONS.map(({ operation }) => operation["operationId"]);
    expect(new Set(ids).size).toBe(OPERATIONS.length);
    for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z]+$/);
  });

  it.each(OPERATIONS)("declares what $name needs", ({ template, item, operation }) => {
    const declared = [...listOf(item["parameters"]), ...listOf(operation["parameters"])].map((parameter) =>
      resolveRef(DESCRIPTION, parameter),
    );
    const inPath = declared.filter((parameter) => parameter["in"] === "path");
    expect(inPath.map((parameter) => `{${String(parameter["name"])}}`)).toEqual(template.match(/\{\w+\}/g) ?? []);
    for (const parameter of inPath) expect(parameter["required"]).toBe(true);
    for (const [status, response] of Object.entries(at(operation, "responses"))) {
      expect(status).toMatch(/^[2-5]\d\d$/);
      expect(resolveRef(DESCRIPTION, response)["description"]).toMatch(/.+/);
    }
  });

  it("has schemas that compile", () => {
    for (const schema of Object.values(at(DESCRIPTION, "components", "schemas"))) {
      expect(compileSchema(DESCRIPTION, schema as Json)).toBeInstanceOf(Function);
    }
  });
});

describe("docs/openapi.json and the code", () => {
  it("have the same error codes, statuses included", () => {
    const codes = Object.keys(PROBLEMS).filter((code) => !NOT_PUBLIC.has(code));
    expect(at(DESCRIPTION, "components", "schemas", "Problem", "properties", "code")["enum"]).toEqual(codes);
    const statuses = new Set(
      codes.map((code) => `Problem${(PROBLEMS as Record<string, { status: number }>)[code]?.status}`),
    );
    const described = Object.keys(at(DESCRIPTION, "components", "responses")).filter((name) => name !== "Options");
    expect(new Set(described)).toEqual(statuses);
  });

  it.each([
    { template: "/{collection}/{key}", methods: DOCUMENT_METHODS },
    { template: "/{collection}", methods: READ_METHODS },
  ])("have the same methods of $template", ({ template, methods }) => {
    const described = OPERATIONS.filter((entry) => entry.template === template).map((entry) =>
      entry.method.toUpperCase(),
    );
    expect(described.toSorted()).toEqual([...methods].sort());
  });

  it("have the same largest page", () => {
    expect(at(DESCRIPTION, "components", "schemas", "Page", "properties", "items")["maxItems"]).toBe(LIST_LIMIT_MAX);
  });
});

const HEADERS = {
  "x-request-id": "r-1",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
  "content-type": "application/json",
};
const DATED = { etag: '"a"', "last-modified": "Sat, 21 Nov 2026 14:00:00 GMT" };
const READ: ObservedAnswer = {
  method: "GET",
  path: "/products/react",
  status: 200,
  headers: { ...HEADERS, ...DATED },
  body: "{}",
};
const PROBLEM = {
  type: "/problems/DOCUMENT_NOT_FOUND",
  title: "There is no document with this key",
  status: 404,
  detail: "no document has this key",
  code: "DOCUMENT_NOT_FOUND",
  retryable: false,
  requestId: "r-1",
};
const MISSING: ObservedAnswer = {
  ...READ,
  status: 404,
  headers: { ...HEADERS, "content-type": "application/problem+json" },
  body: JSON.stringify(PROBLEM),
};

describe("the conformance check", () => {
  const check = createConformanceCheck(DESCRIPTION);

  it.each([
    { name: "a document", answer: READ },
    { name: "the headers of a document", answer: { ...READ, method: "HEAD", body: "" } },
    { name: "a problem", answer: MISSING },
    { name: "an empty page", answer: { ...READ, path: "/products?limit=1", body: '{"items":[],"next":null}' } },
    {
      name: "health, not a collection of that name",
      answer: { ...READ, path: "/healthz", body: '{"status":"ok","maps":[]}' },
    },
    {
      name: "a method that is refused",
      answer: { ...MISSING, method: "POST", status: 405, headers: { ...MISSING.headers, allow: "GET, HEAD" } },
    },
    { name: "a path that is refused", answer: { ...MISSING, path: "/a/b/c" } },
  ])("lets pass $name", ({ answer }) => {
    expect(check(answer)).toEqual([]);
  });

  it.each([
    { name: "a status", answer: { ...READ, status: 418 }, fault: "status 418 is not described" },
    { name: "a missing header", answer: { ...READ, headers: HEADERS }, fault: "header ETag is missing" },
    {
      name: "a malformed header",
      answer: { ...READ, headers: { ...READ.headers, etag: "a" } },
      fault: expect.stringContaining("header ETag"),
    },
    { name: "a body where none may be", answer: { ...READ, method: "HEAD" }, fault: "expected no body" },
    { name: "a body that is not JSON", answer: { ...READ, body: "{" }, fault: "the body is not JSON" },
    {
      name: "another media type",
      answer: { ...READ, headers: { ...READ.headers, "content-type": "text/html" } },
      fault: 'expected a body of type application/json, got "text/html"',
    },
    {
      name: "a page without its cursor",
      answer: { ...READ, path: "/products", body: '{"items":[]}' },
      fault: expect.stringContaining("'next'"),
    },
    {
      name: "a code that there is not",
      answer: { ...MISSING, body: JSON.stringify({ ...PROBLEM, code: "NO_LUCK" }) },
      fault: expect.stringContaining("body/code"),
    },
    {
      name: "a method that is not refused",
      answer: { ...READ, method: "POST" },
      fault: "no method of this path: got status 200",
    },
    {
      name: "a refused method without Allow",
      answer: { ...MISSING, method: "POST", status: 405 },
      fault: "header Allow is missing",
    },
    {
      name: "a path that is not refused",
      answer: { ...READ, path: "/a/b/c" },
      fault: "no path of the description: got status 200",
    },
  ])("objects to $name", ({ answer, fault }) => {
    expect(check(answer)).toContainEqual(fault);
  });
});
