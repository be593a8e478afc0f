// Rules about files that are not sources: the lockfile and what must agree across configuration files.
// Must not need the syntax tree.

/** Addresses of a registry in the lockfile: they tie an install to one host. */
export function findLockedAddresses(lockfileText: string): readonly string[] {
  return [...lockfileText.matchAll(/"resolved":\s*"(https?:[^"]*)"/g)].map((match) => match[1] ?? "");
}

/** The `compatibility date` a configuration text names, however it spells the setting; empty if none. */
export function compatibilityDateOf(configText: string): string {
  return /compatibility_?date\s*[=:]\s*["']([0-9-]+)["']/i.exec(configText)?.[1] ?? "";
}
