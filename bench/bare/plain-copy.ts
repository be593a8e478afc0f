/**
 * The bare counterpart of a move: two processes, as a move has them, one that reads rows in order and sends them as lines of JSON over
 * HTTP, and one that takes them and writes them. Each row is read once and written once. It must not do anything that a copy could do
 * without: no fence, no comparison, no digest, no signature, no catalog; nobody may write meanwhile.
 */
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { Agent, request } from "undici";
import type { CollectionName } from "../../router/ids.ts";
import { readLines } from "../../shards/peers/line-reader.ts";
import { type CopyAnswer, type CopyPlan, parseCopyOrder, type SlotSpan } from "../copy-plan.ts";
import { collectionNamed } from "../move-config.ts";
import { BYTES_MAX, openPlainRows, type PlainRow, type PlainRows, parsePlainRow, ROWS_MAX } from "./plain-rows.ts";

interface Destination {
  readonly rows: PlainRows;
  readonly origin: string;
  readonly agent: Agent;
}

let destination: Destination | null = null;

async function serve(rows: PlainRows, port: number): Promise<void> {
  const server = createServer((asked, response) => {
    const { collection, span } = parseQuestion(asked.url ?? "");
    Readable.from(linesOf(rows, collection, span)).pipe(response);
  });
  await new Promise<void>((settle) => server.listen(port, "127.0.0.1", settle));
}

function parseQuestion(url: string) {
  const { searchParams: of } = new URL(url, "http://localhost");
  const [slot, start, end] = [of.get("slot"), of.get("start"), of.get("end")];
  return { collection: collectionNamed(of.get("collection") ?? ""), span: { slot, start, end } as SlotSpan };
}

async function* linesOf(
  rows: PlainRows,
  collection: CollectionName,
  span: SlotSpan,
): AsyncGenerator<string, void, undefined> {
  for await (const page of rows.read(collection, span)) yield page.map((row) => `${JSON.stringify(row)}\n`).join("");
}

async function copy(plan: CopyPlan): Promise<CopyAnswer> {
  if (destination === null) throw new Error("the plain copy has no destination");
  const to = destination;
  const startedAtMs = performance.now();
  let copied = 0;
  const waiting = plan.slots.values();
  const work = async (): Promise<void> => {
    for (const span of waiting) {
      const rows = await copySlot(to, plan, span);
      copied += rows;
    }
  };
  await Promise.all(Array.from({ length: plan.parallel }, work));
  return { type: "copied", rows: copied, durationMs: performance.now() - startedAtMs };
}

async function copySlot(
  { rows, origin, agent }: Destination,
  { collection, into }: CopyPlan,
  span: SlotSpan,
): Promise<number> {
  const query = new URLSearchParams({ collection, ...span });
  const { body } = await request(`${origin}/?${query.toString()}`, { dispatcher: agent });
  let [batch, bytes, count]: [PlainRow[], number, number] = [[], 0, 0];
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await rows.write(into, span, batch);
    [batch, bytes] = [[], 0];
  };
  const chunks: AsyncIterable<Uint8Array> = body;
  for await (const lines of readLines(chunks)) {
    for (const line of lines) {
      const row = parsePlainRow(line);
      batch.push(row);
      bytes += row.json.length;
      count += 1;
      if (batch.length === ROWS_MAX || bytes >= BYTES_MAX) await flush();
    }
  }
  await flush();
  return count;
}

async function obey(message: unknown): Promise<CopyAnswer> {
  const order = parseCopyOrder(message);
  if (order.type === "copy") return copy(order.plan);
  const rows = await openPlainRows(order.place);
  if (order.type === "serve") await serve(rows, order.port);
  else destination = { rows, origin: order.origin, agent: new Agent({ connections: 32 }) };
  return { type: "ready" };
}

process.once("disconnect", () => process.exit(1));
process.once("SIGTERM", () => process.exit(0));
// The bench decides when a run ends; a Ctrl-C reaches the whole group.
process.once("SIGINT", () => process.exit(130));
process.on("message", (message) => {
  obey(message).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      process.send?.({ type: "failed", message: text } satisfies CopyAnswer);
    },
  );
});
