/**
 * Durations and sizes as people write them in the configuration: "30s", "256KiB".
 * It must not know which setting it reads.
 */

const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;
const DURATION_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE = /^(\d{1,9})(B|KiB|MiB)$/;
const SIZE_BYTES = { B: 1, KiB: 1024, MiB: 1024 * 1024 } as const;

/** "250ms", "30s", "10m", "24h", "7d" to milliseconds; null for anything else. */
export function parseDurationMs(text: string): number | null {
  const [, digits, unit] = DURATION.exec(text) ?? [];
  return digits === undefined ? null : Number(digits) * DURATION_MS[unit as keyof typeof DURATION_MS];
}

/** "512B", "256KiB", "4MiB" to bytes; null for anything else. */
export function parseSizeBytes(text: string): number | null {
  const [, digits, unit] = SIZE.exec(text) ?? [];
  return digits === undefined ? null : Number(digits) * SIZE_BYTES[unit as keyof typeof SIZE_BYTES];
}
