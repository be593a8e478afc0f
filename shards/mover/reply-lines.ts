/**
 * A statement's reply with the slot's rows behind it: a line `{reply}`, then those of slot-lines.ts, and back.
 * It must not read on behind the reply before somebody wants the rows.
 */
import { quote } from "../../router/ids.ts";
import { type EventReply, parseEventReply } from "../../router/ownership-wire.ts";
import { parseParts } from "./slot-lines.ts";
import type { SlotPart } from "./slot-stream.ts";

/** Rows that came with something else. They belong to whoever has them, who reads them once, or drops them. */
export interface RowsAhead {
  /** As in `SlotSide.rows`. */
  readonly parts: AsyncIterable<SlotPart>;
  /** Ends their request, whatever of it was read. May be called at any time, and again. */
  readonly drop: () => void;
}

/** `rows`: those behind the statement; null where they were not asked for, or did not come. Never with a refusal. */
export interface StatementAnswer {
  readonly reply: EventReply;
  readonly rows: RowsAhead | null;
}

/** The reply as a line, with its end. */
export function formatReply(reply: EventReply): string {
  return `${JSON.stringify({ reply })}\n`;
}

/** A reply, and the parts that are read on from there. */
export interface ReplyAndParts {
  readonly reply: EventReply;
  readonly parts: AsyncIterable<SlotPart>;
}

/** Groups of lines to a reply and parts. Rejects with an `Error` where they do not begin with a reply. */
export async function parseReplyLines(
  groups: AsyncGenerator<readonly string[], void, undefined>,
): Promise<ReplyAndParts> {
  for (;;) {
    const group = await groups.next();
    if (group.done === true) throw new Error("the reply is broken off");
    const [line, ...others] = group.value;
    if (line !== undefined) return { reply: parseReply(line), parts: parseParts(withFirst(others, groups)) };
  }
}

async function* withFirst(
  first: readonly string[],
  others: AsyncGenerator<readonly string[], void, undefined>,
): AsyncGenerator<readonly string[], void, undefined> {
  try {
    yield first;
    yield* others;
  } finally {
    await others.return();
  }
}

function parseReply(line: string): EventReply {
  const value: unknown = JSON.parse(line);
  const fields = (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  const reply = parseEventReply(fields["reply"]);
  if (!reply.ok) throw new Error(reply.detail);
  if (reply.value.kind !== "refused") return reply.value;
  throw new Error(`expected no rows behind a refusal, got ${quote(line)}`);
}
