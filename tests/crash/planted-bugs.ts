/**
 * Bugs for the crash matrix to find, put around a runner or into the table of transitions inside a shard's process. None is planted unless
 * the environment names it. It must not hold a bug that a run without crashes would show at once, but for the one about records.
 */
import type { SlotRunOptions } from "../../shards/mover/slot-runner.ts";
import type { SlotSide } from "../../shards/mover/slot-side.ts";
import type { SlotPart } from "../../shards/mover/slot-stream.ts";
import { PLANTED_ENV } from "./control.ts";

/** What is planted, and what of it goes wrong. */
export const PLANTED_BUGS = {
  "failure-taken-for-done":
    "a `go` without an answer counts as done, so the destination decides beside a fenced source",
  "fill-without-run": "a page is written under any run, so one that wakes up late lands in the new owner",
  "records-stay-behind": "idempotency records are not copied, so a repetition at the new owner is applied again",
  "forgotten-fence": "the source forgets in a restart that it was fenced",
} as const;
export type PlantedBug = keyof typeof PLANTED_BUGS;

const planted = process.env[PLANTED_ENV] ?? "";

export function isPlanted(bug: PlantedBug): boolean {
  return planted === bug;
}

/** The runner with the bug in it. */
export function plantedIn(options: SlotRunOptions): SlotRunOptions {
  const { source } = options.sides;
  if (isPlanted("failure-taken-for-done")) return withSource(options, { ...source, send: guessing(source, options) });
  if (isPlanted("records-stay-behind")) return withSource(options, forgetful(source));
  return options;
}

function withSource(options: SlotRunOptions, source: SlotSide): SlotRunOptions {
  return { ...options, sides: { ...options.sides, source } };
}

function guessing(source: SlotSide, { move }: SlotRunOptions): SlotSide["send"] {
  return async (event, terms) => {
    try {
      return await source.send(event, terms);
    } catch (error) {
      if (event.kind !== "go") throw error;
      const ownership = { state: "GONE", epoch: move.epoch, move: move.move, run: null, digest: null } as const;
      return { reply: { kind: "changed", ownership: { ...ownership, to: move.destination } }, rows: null };
    }
  };
}

function forgetful(source: SlotSide): SlotSide {
  return {
    ...source,
    rows: (question) => withoutRecords(source.rows(question)),
    async send(event, terms) {
      const { reply, rows } = await source.send(event, terms);
      return { reply, rows: rows === null ? null : { ...rows, parts: withoutRecords(rows.parts) } };
    },
  };
}

async function* withoutRecords(parts: AsyncIterable<SlotPart>): AsyncGenerator<SlotPart, void, undefined> {
  for await (const part of parts) {
    if (part.kind !== "rows") yield part;
    else yield { ...part, rows: part.rows.filter(({ kind }) => kind !== "record") };
  }
}
