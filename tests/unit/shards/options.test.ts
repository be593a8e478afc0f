// What a shard process is told, and how it complains.
import { expect, test } from "vitest";
import { parseShardOptions } from "../../../shards/options.ts";

const ENVIRONMENT = { ZGATE_SIGNING_KEYS: `k1:${"A".repeat(43)}` };
const ARGUMENTS = ["--shard", "shard-1", "--config", "z.toml", "--data", "d", "--catalog", "c.db", "--port", "8920"];

test("everything that is needed, with defaults", () => {
  const options = parseShardOptions([...ARGUMENTS, "--workers", "3"], ENVIRONMENT);
  expect(options).toMatchObject({
    shard: "shard-1",
    dataDirectory: "d",
    catalogFile: "c.db",
    host: "127.0.0.1",
    port: 8920,
    workers: 3,
    stopMsMax: 10_000,
    groupRowsMax: 256,
  });
});

test.each([
  ["left out", ["--shard", "shard-1", "--config", "z.toml", "--port", "8920"]],
  ["empty", [...ARGUMENTS, "--data", "", "--catalog", ""]],
])("paths that are %s are none: only embedded stores and catalogs need them", (_name, argv) => {
  expect(parseShardOptions(argv, ENVIRONMENT)).toMatchObject({ dataDirectory: null, catalogFile: null });
});

test.each([
  ["no shard", ARGUMENTS.slice(2), "--shard is missing"],
  ["a bad shard id", [...ARGUMENTS, "--shard", "Shard 1"], "--shard: expected a shard id"],
  ["no port", ARGUMENTS.slice(0, -2), "--port is missing"],
  ["port 0", [...ARGUMENTS, "--port", "0"], '--port: expected a whole number from 1 to 65535, got "0"'],
  ["a port too high", [...ARGUMENTS, "--port", "65536"], "--port: expected"],
  ["no number", [...ARGUMENTS, "--workers", "1e2"], "--workers: expected"],
  ["an unknown option", [...ARGUMENTS, "--nope"], "--nope"],
  ["a value too much", [...ARGUMENTS, "extra"], "extra"],
])("%s", (_name, argv, message) => {
  expect(() => parseShardOptions(argv, ENVIRONMENT)).toThrow(message);
});

test("bad keys are named, never shown", () => {
  const secret = "c2VjcmV0";
  expect(() => parseShardOptions(ARGUMENTS, { ZGATE_SIGNING_KEYS: `k1:${secret}` })).toThrow("ZGATE_SIGNING_KEYS");
  expect(() => parseShardOptions(ARGUMENTS, { ZGATE_SIGNING_KEYS: `k1:${secret}` })).not.toThrow(secret);
  expect(() => parseShardOptions(ARGUMENTS, {})).toThrow("ZGATE_SIGNING_KEYS");
});
