// Who may be between fence and decision.
import { expect, test } from "vitest";
import { CutoverGate } from "../../../shards/mover/cutover-gate.ts";

const turn = () => new Promise(setImmediate);

test("lets so many in at once, the others in the order in which they came", async () => {
  const gate = new CutoverGate(2);
  const inside: string[] = [];
  const enter = async (name: string): Promise<() => void> => {
    const leave = await gate.enter();
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
  for (const leave of await Promise.all(entering)) leave();
  await gate.enter();
  await gate.enter();
});
