// Planted violations: for every tidy rule, texts it must object to and texts it must let pass.
// They keep the rules honest: a rule that stops finding anything fails its own test.

import { kebabCase, tellingNames } from "./name-rules.ts";
import {
  booleanParameters,
  FILE_LINES_MAX,
  FUNCTION_LINES_MAX,
  fileLines,
  functionLines,
  parameterCount,
} from "./size-rules.ts";
import type { Rule } from "./source.ts";
import { noAny, noAssertions, noDefaultExport, noEnum, noNonNull, openingComment } from "./syntax-rules.ts";
import { edgeGlobals, importWalls, noCycles, packageWalls, pureCore } from "./wall-rules.ts";

/** Path to text, of files that exist only in the test. */
export type Files = Readonly<Record<string, string>>;

/** A rule with what it must find and what it must not. */
export interface Planted {
  readonly rule: Rule;
  readonly bad: readonly Files[];
  readonly good: readonly Files[];
}

const lines = (count: number): string => Array.from({ length: count }, (_, index) => `f(${index});`).join("\n");
const body = (count: number): string => `{\n${lines(count - 2)}\n}`;
const inRouter = (text: string): Files => ({ "router/a.ts": text });
const inShards = (text: string): Files => ({ "shards/a.ts": text });

/** All rules about sources, in the order in which they are run. */
export const planted: readonly Planted[] = [
  {
    rule: fileLines,
    bad: [inShards(lines(FILE_LINES_MAX + 1))],
    good: [inShards(lines(FILE_LINES_MAX))],
  },
  {
    rule: functionLines,
    bad: [
      inShards(`function long() ${body(FUNCTION_LINES_MAX + 1)}`),
      inShards(`const long = () => ${body(FUNCTION_LINES_MAX + 1)};`),
      inShards(`class A { long() ${body(FUNCTION_LINES_MAX + 1)} }`),
      inShards(`test("long", () => ${body(FUNCTION_LINES_MAX + 1)});`),
    ],
    good: [
      inShards(`function short() ${body(FUNCTION_LINES_MAX)}`),
      inShards(`describe.each(rows)("chapter", () => ${body(FUNCTION_LINES_MAX + 1)});`),
    ],
  },
  {
    rule: parameterCount,
    bad: [
      inShards("function f(a: 1, b: 1, c: 1, d: 1) {}"),
      inShards("interface Port { f(a: 1, b: 1, c: 1, d: 1): void }"),
      inShards("class A { constructor(a: 1, b: 1, c: 1, ...d: 1[]) {} }"),
    ],
    good: [
      inShards("function f(this: Port, a: 1, b: 1, c: 1) {}"),
      inShards("f(a, b, c, d);"),
      inShards('on("a", (a, b, c, d) => a);'),
    ],
  },
  {
    rule: booleanParameters,
    bad: [
      inShards("export function f(a: boolean) {}"),
      inShards("export const f = (a = true) => a;"),
      inShards("export class A { f(a?: boolean) {} }"),
      inShards("interface Port { f(a: boolean | undefined): void }"),
    ],
    good: [
      inShards("function f(a: { readonly deep: boolean }): boolean { return a.deep; }"),
      inShards("each((a: boolean) => a);"),
    ],
  },
  {
    rule: kebabCase,
    bad: [{ "shards/groupCommit.ts": "" }, { "shards/group_commit.ts": "" }, { "Shards/a.ts": "" }],
    good: [{ "shards/group-commit.ts": "" }, { "tests/unit/slot-id.property.test.ts": "" }],
  },
  {
    rule: tellingNames,
    bad: [
      { "shards/utils.ts": "" },
      { "edge/helpers/a.ts": "" },
      { "router/types.ts": "" },
      { "cli/misc.test.ts": "" },
    ],
    good: [{ "shards/type-table.ts": "" }],
  },
  {
    rule: noAny,
    bad: [inShards("const a: any = 1;"), inShards("function f(a: readonly any[]) {}")],
    good: [inShards("const any: unknown = 1;")],
  },
  { rule: noEnum, bad: [inShards("enum E { A }")], good: [inShards('const E = ["A"] as const;')] },
  {
    rule: noNonNull,
    bad: [inShards("f(a!.b);"), inShards("class A { b!: string }"), inShards("let a!: string;")],
    good: [inShards("if (!a) f(a !== b);")],
  },
  {
    rule: noDefaultExport,
    bad: [inShards("export default 1;"), inShards("const a = 1; export { a as default };")],
    good: [
      { "edge/worker.ts": "export default 1;" },
      { "vitest.config.ts": "export default 1;" },
      { "edge/text.d.ts": 'declare module "*.html" { const text: string; export default text; }' },
      inShards("export const a = 1;"),
    ],
  },
  {
    rule: noAssertions,
    bad: [
      inShards("const a = b as string;"),
      inShards("const a = <string>b;"),
      inShards("function take(b): number { return b as string; }"),
    ],
    good: [
      inShards("const a = [1] as const;"),
      inShards("export function parseSlot(b) { return b as SlotId; }"),
      inShards("function slotsOf(b): readonly SlotId[] { return b.map((c) => c as SlotId); }"),
      { "tests/unit/a.test.ts": "const a = b as string;" },
    ],
  },
  {
    rule: openingComment,
    bad: [
      inShards("export const a = 1;"),
      inShards("export const a = 1; // This file is for the letter a."),
      inShards("// oxlint-disable-next-line some rule that is long enough\nexport const a = 1;"),
      inShards("// a\nexport const a = 1;"),
    ],
    good: [
      inShards("// The letter a. It must not know b.\nexport const a = 1;"),
      inShards("#!/usr/bin/env node\n/** The letter a; it must not know b. */\nexport const a = 1;"),
    ],
  },
  {
    rule: importWalls,
    bad: [
      inRouter('import { a } from "../config/a.ts";'),
      { "config/a.ts": 'import { a } from "../shards/catalog/a.ts";' },
      { "edge/a.ts": 'import type { A } from "../shards/a.ts";' },
      { "edge/a.ts": 'export { a } from "../cli/a.ts";' },
      inShards('import { a } from "../edge/a.ts";'),
      { "shards/catalog/a.ts": 'import { a } from "../a.ts";' },
      { "cli/a.ts": 'await import("../shards/a.ts");' },
      { "cli/a.ts": 'export * from "../tests/a.ts";' },
      inRouter('import json from "../package.json";'),
    ],
    good: [
      { "edge/a.ts": 'import { a } from "../config/a.ts"; import { b } from "../router/b/c.ts";' },
      { "cli/sub/a.ts": 'import { a } from "../../shards/catalog/a.ts";' },
      inShards('import { a } from "./catalog/a.ts";'),
      { "tests/unit/a.test.ts": 'import { a } from "../../edge/a.ts";' },
    ],
  },
  {
    rule: packageWalls,
    bad: [
      inRouter('import { hash } from "node:crypto";'),
      inRouter('import * as v from "valibot";'),
      { "config/a.ts": 'import { readFile } from "node:fs/promises";' },
      { "edge/a.ts": 'const fs = await import("node:fs");' },
    ],
    good: [inShards('import { hash } from "node:crypto";'), { "edge/a.ts": 'import { Hono } from "hono";' }],
  },
  {
    rule: noCycles,
    bad: [
      {
        "router/a.ts": 'import "./b.ts";',
        "router/b.ts": 'import "./c.ts";',
        "router/c.ts": 'import type { A } from "./a.ts";',
      },
      { "router/a.ts": 'import "./a.ts";' },
      {
        "router/a.ts": 'import "./b.ts";',
        "router/b.ts": 'export * from "./c.ts";',
        "router/c.ts": 'import "./b.ts";',
      },
    ],
    good: [
      { "router/a.ts": 'import "./b.ts"; import "./c.ts";', "router/b.ts": 'import "./c.ts";', "router/c.ts": "" },
    ],
  },
  {
    rule: pureCore,
    bad: [
      "const now = Date.now();",
      "const at: Date = later;",
      "const roll = Math.random();",
      "const id = crypto.randomUUID();",
      "export async function f() {}",
      "const f = async () => 1;",
      "export {}; await 1;",
      "export {}; for await (const a of b) {}",
      "const a: Promise<string> = b;",
      'fetch("http://a.example");',
      "setTimeout(f, 1);",
      "clearInterval(a);",
      "console.log(1);",
      "const env = process.env;",
      "const g = globalThis;",
      "a.localeCompare(b);",
      "a.toUpperCase();",
      "a.toLocaleLowerCase();",
    ].map(inRouter),
    good: [
      inRouter("const a = Math.floor(1); b.toLowerCase(); const c = { console: 1 }; c.console;"),
      inRouter("interface A { readonly process: string; fetch(): void }"),
      inShards("const now = Date.now();"),
    ],
  },
  {
    rule: edgeGlobals,
    bad: [{ "edge/a.ts": "process.env;" }, { "edge/a.ts": 'Buffer.from("a");' }, { "edge/a.ts": "setImmediate(f);" }],
    good: [{ "edge/a.ts": "crypto.subtle; setTimeout(f, 1); a.process;" }, inShards("process.env;")],
  },
];
