// Who may be between fence and decision.
import { expect, test } from "vitest";
import { CutoverGate } from "../../../shards/mover/cutover-gate.ts";

const NEVER = new AbortController().signal;
const turn = () => new Promise(setImmediate);

test("lets so many in at once, the others in the order in which they came", async () => {
  const gate = new CutoverGate(2);
  const inside: string[] = [];
  const enter = async (name: string): Promise<(() => void) | null> => {
    const leave = await gate.enter(NEVER);
    inside.push(name);
    return leave;
  };
  const entering = ["a", "b", "c", "d"].map(enter);
  await turn();
  expect(inside).toEqual(["a", "b"]);
  const [leaveA, leaveB] = await Promise.all(entering.slice(0, 2));
  leaveB?.();
  leaveB?.();
  await turn();
  expect(inside).toEqual(["a", "b", "c"]);
  leaveA?.();
  await turn();
  expect(inside).toEqual(["a", "b", "c", "d"]);
  for (const leave of await Promise.all(entering)) leave?.();
  await gate.enter(NEVER);
  await gate.enter(NEVER);
});

test("whoever gives up waiting is not let in, and keeps nobody", async () => {
  const gate = new CutoverGate(1);
  const leave = await gate.enter(NEVER);
  const giving = new AbortController();
  const given = gate.enter(giving.signal);
  const next = gate.enter(NEVER);
  giving.abort();
  expect(await given).toBeNull();
  expect(await gate.enter(giving.signal)).toBeNull();
  leave?.();
  const leaveNext = await next;
  expect(leaveNext).not.toBeNull();
  leaveNext?.();
  expect(await gate.enter(giving.signal)).not.toBeNull();
});
