/**
 * The life of a process of clients. It ends when told to, or when its parent is gone; killed, it leaves what it has written down.
 * It must not know how requests find their shards.
 */
import { createRandom } from "../history/random.ts";
import { Recorder } from "../history/recorder.ts";
import { runClient } from "./client.ts";
import { keySetOf } from "./key-set.ts";
import type { LoadCommand, LoadOrder, LoadReport } from "./load-message.ts";
import type { Way } from "./way.ts";

const REPORT_MS = 100;
const ODDITIES_MAX = 20;

/** The order that this process was started with. */
export function readLoadOrder(): LoadOrder {
  return JSON.parse(process.argv[2] ?? "") as LoadOrder;
}

/** Runs the clients, each on a way of its own whose clock may be off. */
export async function runLoad(order: LoadOrder, createWay: (clockOffsetMs: () => number) => Way): Promise<void> {
  const counts = new Map<string, number>();
  const oddities: string[] = [];
  const recorder = new Recorder(order.historyFile);
  let isStopping = false;
  let offsetsMs: readonly number[] = [0];
  let serial = 0;

  process.on("disconnect", () => process.exit(1));
  // Ctrl-C reaches the whole group; the parent decides.
  process.on("SIGINT", () => undefined);
  process.on("message", (message) => {
    const command = message as LoadCommand;
    if (command.type === "stop") isStopping = true;
    else ({ offsetsMs } = command);
  });

  const world = {
    keySet: keySetOf(order.configText, order.keyNames, createRandom(order.keySeed)),
    recorder,
    seen: new Map<string, string>(),
    thinkMs: order.thinkMs,
    learnsFromConflicts: order.edges === null,
    count: (label: string) => void counts.set(label, (counts.get(label) ?? 0) + 1),
    odd: (text: string) => void (oddities.length < ODDITIES_MAX && oddities.push(text)),
    isStopping: () => isStopping,
    newId: () => `${order.name}-${(serial += 1)}`,
  };
  const report = (): void => {
    const message: LoadReport = { counts: Object.fromEntries(counts), oddities };
    process.send?.(message);
  };

  const reporting = setInterval(report, REPORT_MS);
  await Promise.all(
    Array.from({ length: order.clients }, (_, index) =>
      runClient({
        world,
        name: `${order.name}.${index}`,
        random: createRandom(order.seed + index),
        way: createWay(() => offsetsMs[index % offsetsMs.length] ?? 0),
      }),
    ),
  );
  clearInterval(reporting);
  recorder.close();
  report();
  process.disconnect();
}
