// Durations and sizes as people write them.
import { describe, expect, it } from "vitest";
import { parseDurationMs, parseSizeBytes } from "../../../config/duration.ts";

describe("parseDurationMs", () => {
  it.each([
    { text: "0s", ms: 0 },
    { text: "250ms", ms: 250 },
    { text: "30s", ms: 30_000 },
    { text: "10m", ms: 600_000 },
    { text: "24h", ms: 86_400_000 },
    { text: "7d", ms: 604_800_000 },
  ])("reads $text", ({ text, ms }) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it.each(["", "30", "s", "-1s", "1.5s", "1 s", "1S", "1w", " 1s", "1s\n", "1s1s", "1234567890s", "١s"])(
    "refuses %j",
    (text) => {
      expect(parseDurationMs(text)).toBeNull();
    },
  );
});

describe("parseSizeBytes", () => {
  it.each([
    { text: "512B", bytes: 512 },
    { text: "256KiB", bytes: 262_144 },
    { text: "4MiB", bytes: 4_194_304 },
  ])("reads $text", ({ text, bytes }) => {
    expect(parseSizeBytes(text)).toBe(bytes);
  });

  it.each(["", "1", "1KB", "1kib", "1GiB", "-1B", "1.5KiB", "1 B", "1B\n"])("refuses %j", (text) => {
    expect(parseSizeBytes(text)).toBeNull();
  });
});
