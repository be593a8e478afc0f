// Which folder may import which, no circles, and what the pure core must not touch.
// The compiler holds the same walls through its project references; this catches what it cannot see.
import { posix } from "node:path";
import type { Node } from "oxc-parser";
import { type Finding, fileRule, findingAt, type Rule, type Source, walk } from "./source.ts";

/** The configuration is data, which the Worker's composition root takes into its bundle. */
const BUNDLED_BY: Readonly<Record<string, string>> = { "zgate.toml": "edge/worker.ts" };

/** Areas in order of precedence: the first that is a prefix of a path owns it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[] | "everything">> = {
  router: ["router"],
  config: ["config", "router"],
  engines: ["engines"],
  edge: ["edge", "router", "config"],
  "shards/catalog": ["shards/catalog", "router", "config"],
  "shards/cassandra": ["shards/cassandra", "router", "config"],
  shards: ["shards", "shards/catalog", "shards/cassandra", "router", "config"],
  cli: ["cli", "router", "config", "shards/catalog", "shards/cassandra", "engines"],
  "tests/worker": ["tests/worker", "router", "config", "edge"],
  tests: "everything",
  bench: "everything",
};

const CLOCK_AND_WORLD = new Set(
  "Date Temporal performance crypto fetch process console globalThis global Buffer Intl navigator queueMicrotask Promise".split(
    " ",
  ),
);
const TIMERS = /^(set|clear)(Timeout|Interval|Immediate)$/;
const BY_LOCALE = /^(localeCompare|toUpperCase|toLocale(Upper|Lower)Case|toLocaleString)$/;
const NODE_GLOBALS = new Set(["process", "Buffer", "global", "require", "setImmediate", "clearImmediate", "__dirname"]);

/** A folder imports only the folders it may know. */
export const importWalls: Rule = fileRule("import walls", (source) => {
  const from = areaOf(source.path);
  const allowed = from === undefined ? "everything" : MAY_IMPORT[from];
  if (allowed === undefined || allowed === "everything") return [];
  return importsOf(source).flatMap(({ node, target }) => {
    if (target === undefined || BUNDLED_BY[target] === source.path) return [];
    const to = areaOf(target);
    return to !== undefined && allowed.includes(to)
      ? []
      : [findingAt(source, node, `${from} must not import ${target}`)];
  });
});

/** The core imports no package, the configuration and the edge none of Node's modules. */
export const packageWalls: Rule = fileRule("package walls", (source) => {
  const area = areaOf(source.path);
  return importsOf(source).flatMap(({ node, specifier, target }) => {
    if (target !== undefined) return [];
    if (area === "router") return [findingAt(source, node, `router imports no package, found "${specifier}"`)];
    const isNodeModule = specifier.startsWith("node:");
    const isPortable = area === "config" || area === "edge";
    return isNodeModule && isPortable ? [findingAt(source, node, `${area} does not run on Node: "${specifier}"`)] : [];
  });
});

/** No file reaches itself by its imports, type imports included. */
export const noCycles: Rule = {
  name: "no import cycles",
  check(sources) {
    const byPath = new Map(sources.map((source) => [source.path, source]));
    const done = new Set<string>();
    const findings: Finding[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      const at = trail.indexOf(path);
      if (at >= 0) findings.push({ path, line: 1, reason: `circle: ${[...trail.slice(at), path].join(" → ")}` });
      const source = byPath.get(path);
      if (at >= 0 || done.has(path) || source === undefined) return;
      for (const { target } of importsOf(source)) if (target !== undefined) visit(target, [...trail, path]);
      done.add(path);
    };
    for (const path of byPath.keys()) visit(path, []);
    return findings;
  },
};

/** The core has no clock, no randomness, no I/O and no waiting, and compares text by code points only. */
export const pureCore: Rule = fileRule("pure core", (source) => {
  if (areaOf(source.path) !== "router") return [];
  return [...walk(source.program)].flatMap(([node, ancestors]) => {
    const reason = impurity(node, ancestors.at(-1));
    return reason === "" ? [] : [findingAt(source, node, `router is pure: ${reason}`)];
  });
});

/** The edge, and the configuration it reads, run without Node's globals, which the types of workerd declare all the same. */
export const edgeGlobals: Rule = fileRule("edge globals", (source) => {
  const area = areaOf(source.path);
  if (area !== "edge" && area !== "config") return [];
  return [...walk(source.program)].flatMap(([node, ancestors]) => {
    const isNodeGlobal =
      node.type === "Identifier" && NODE_GLOBALS.has(node.name) && !isMemberName(node, ancestors.at(-1));
    return isNodeGlobal ? [findingAt(source, node, `${area} does not run on Node: ${node.name}`)] : [];
  });
});

interface Import {
  readonly node: Node;
  readonly specifier: string;
  /** Path from the repository root, or undefined for a package. */
  readonly target: string | undefined;
}

function importsOf(source: Source): readonly Import[] {
  return [...walk(source.program)].flatMap(([node]): readonly Import[] => {
    if (!("source" in node) || node.source === null || typeof node.source !== "object") return [];
    if (node.source.type !== "Literal" || typeof node.source.value !== "string") return [];
    const specifier = node.source.value;
    const target = specifier.startsWith(".") ? posix.join(posix.dirname(source.path), specifier) : undefined;
    return [{ node, specifier, target }];
  });
}

function areaOf(path: string): string | undefined {
  return Object.keys(MAY_IMPORT)
    .toSorted((a, b) => b.length - a.length)
    .find((area) => path.startsWith(`${area}/`));
}

function impurity(node: Node, parent: Node | undefined): string {
  if ("async" in node && node.async === true) return "async function";
  if (node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await)) return "await";
  if (node.type !== "Identifier") return "";
  if (isMemberName(node, parent)) {
    const isRandom =
      node.name === "random" && parent?.type === "MemberExpression" && isIdentifier(parent.object, "Math");
    return isRandom || BY_LOCALE.test(node.name) ? node.name : "";
  }
  return CLOCK_AND_WORLD.has(node.name) || TIMERS.test(node.name) ? node.name : "";
}

function isIdentifier(node: Node, name: string): boolean {
  return node.type === "Identifier" && node.name === name;
}

/** The name of a member rather than of a variable: `a.name`, `{ name: … }`, `name(): …` in an interface. */
function isMemberName(node: Node, parent: Node | undefined): boolean {
  if (parent?.type === "MemberExpression") return parent.property === node && !parent.computed;
  if (parent?.type === "Property") return parent.key === node && !parent.computed && !parent.shorthand;
  return parent !== undefined && "key" in parent && parent.key === node;
}
