// Writes through an edge, which chooses their ops: what answers show of them is enough to judge them, and hides nothing.
// Must not need a server.
import { describe, expect, it } from "vitest";
import { checkHistory } from "../../history/check-history.ts";
import type { Operation, OperationResult } from "../../history/operation.ts";
import { nameServerOps } from "../../history/server-ops.ts";

let clock = 0;

/** One operation after the other, each at a time of its own; an unknown one has no end. */
function operation(id: string, request: Operation["request"], result: OperationResult): Operation {
  clock += 2;
  const endNs = result.kind === "unknown" ? Number.POSITIVE_INFINITY : clock + 1;
  return { id, process: id, key: "lamp", isKeyed: true, startNs: clock, endNs, request, result };
}

const put = (id: string, result: OperationResult): Operation => ({
  ...operation(id, { kind: "put", condition: { kind: "none" }, ops: [`stands for ${id}`] }, result),
  hasServerOps: true,
});
const found = (op: string, writer?: string): OperationResult =>
  writer === undefined ? { kind: "found", op } : { kind: "found", op, writer };
const read = (id: string, result: OperationResult): Operation => operation(id, { kind: "read" }, result);
const opsOf = (operations: readonly Operation[], id: string): unknown =>
  operations.find((candidate) => candidate.id === id)?.request;

async function judge(operations: readonly Operation[]): Promise<readonly string[]> {
  const { violations, mixedUp } = await checkHistory(nameServerOps(operations));
  return [...violations.map(({ key }) => `violation at ${key}`), ...mixedUp.map(({ id }) => `mixed up: ${id}`)];
}

describe("ops that the server chose", () => {
  it("are those of the write's own answer", async () => {
    const history = [put("w", { kind: "created", op: "a" }), read("r", found("a", "w"))];
    expect(opsOf(nameServerOps(history), "w")).toMatchObject({ ops: ["a"] });
    expect(await judge(history)).toEqual([]);
  });

  it("are those of a read whose content names a write of unknown outcome", async () => {
    const history = [put("w", { kind: "unknown" }), read("r", found("a", "w")), read("later", found("a", "w"))];
    expect(opsOf(nameServerOps(history), "w")).toMatchObject({ ops: ["a"] });
    expect(await judge(history)).toEqual([]);
  });

  it("stay stood for where nobody saw them: the write may have happened or not", async () => {
    const history = [put("w", { kind: "unknown" }), read("r", { kind: "missing" })];
    expect(opsOf(nameServerOps(history), "w")).toMatchObject({ ops: ["stands for w"] });
    expect(await judge(history)).toEqual([]);
  });

  it.each([
    {
      name: "a stale read",
      history: () => [
        put("one", { kind: "created", op: "a" }),
        put("two", { kind: "replaced", op: "b" }),
        read("r", found("a", "one")),
      ],
    },
    {
      name: "a lost write",
      history: () => [put("one", { kind: "created", op: "a" }), read("r", { kind: "missing" })],
    },
    {
      name: "a write of unknown outcome that is applied twice",
      history: () => [
        put("one", { kind: "unknown" }),
        read("r", found("a", "one")),
        put("two", { kind: "replaced", op: "b" }),
        read("again", found("c", "one")),
      ],
    },
    {
      name: "a repetition that was applied beside its first attempt",
      history: () => [
        put("one", { kind: "created", op: "a" }),
        read("r", found("a", "one")),
        read("again", found("b", "one")),
      ],
    },
    {
      name: "content of another write",
      history: () => [
        put("one", { kind: "created", op: "a" }),
        put("two", { kind: "replaced", op: "b" }),
        read("r", found("b", "one")),
      ],
    },
    {
      name: "a version that nobody wrote",
      history: () => [put("one", { kind: "created", op: "a" }), read("r", found("z"))],
    },
    {
      name: "a conflict with a version that nobody wrote",
      history: () => [
        put("one", { kind: "created", op: "a" }),
        operation(
          "two",
          { kind: "put", condition: { kind: "absent" }, ops: ["x"] },
          { kind: "conflict", currentOp: "z" },
        ),
      ],
    },
  ])("do not hide $name", async ({ history }) => {
    expect(await judge(history())).not.toEqual([]);
  });

  it("say nothing where a 412 names the op of a write that nobody has read", async () => {
    const conflict = { kind: "conflict", currentOp: "a" } as const;
    const history = [
      put("w", { kind: "unknown" }),
      operation("c", { kind: "put", condition: { kind: "absent" }, ops: ["x"] }, conflict),
      put("next", { kind: "replaced", op: "b" }),
    ];
    expect(await judge(history)).toEqual([]);
  });
});
