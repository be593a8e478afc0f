// Which Content-Type and Content-Encoding headers a body may have.
import { expect, test } from "vitest";
import { isDocumentType, isIdentityEncoding, isMergePatchType } from "../../../shards/http/media-type.ts";

test.each([
  ["application/json", true, true],
  ["Application/JSON", true, true],
  ["application/json; charset=utf-8", true, true],
  ['application/json;charset="UTF-8"', true, true],
  ["application/json; profile=x", true, true],
  ["application/merge-patch+json", true, true],
  ["application/ld+json", true, false],
  ["application/json-patch+json", true, false],
  ["application/json; charset=latin1", false, false],
  ["application/json; charset=utf-16", false, false],
  ["text/json", false, false],
  ["text/plain", false, false],
  ["application/jsonx", false, false],
  ["application/+json", false, false],
  ["json", false, false],
  ["", false, false],
  [null, false, false],
])("%s: document %s, merge patch %s", (header, isDocument, isPatch) => {
  expect(isDocumentType(header)).toBe(isDocument);
  expect(isMergePatchType(header)).toBe(isPatch);
});

test.each([
  [null, true],
  ["identity", true],
  ["Identity", true],
  ["gzip", false],
  ["", false],
  ["identity, gzip", false],
])("Content-Encoding %s: %s", (header, isIdentity) => {
  expect(isIdentityEncoding(header)).toBe(isIdentity);
});
