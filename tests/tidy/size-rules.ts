// Limits on size: lines of a file, lines of a function, parameters, and no boolean parameters.
// Must not judge what the code does.
import type { ArrowFunctionExpression, Function as FunctionNode, Node, TSMethodSignature } from "oxc-parser";
import { fileRule, findingAt, lineOf, type Rule, type Source, walk } from "./source.ts";

export const FILE_LINES_MAX = 500;
export const FUNCTION_LINES_MAX = 70;
const PARAMETERS_MAX = 3;

type FunctionLike = FunctionNode | ArrowFunctionExpression | TSMethodSignature;

/** Files of at most {@link FILE_LINES_MAX} lines. */
export const fileLines: Rule = fileRule("file size", (source) => {
  const lines = source.text.trimEnd().split("\n").length;
  const reason = `${lines} lines, at most ${FILE_LINES_MAX}`;
  return lines > FILE_LINES_MAX ? [{ path: source.path, line: FILE_LINES_MAX + 1, reason }] : [];
});

/** Vitest's own, and that of suites which need real engines. */
const OPENS_CHAPTER = new Set(["describe", "describeOnEngines"]);

/** Functions of at most {@link FUNCTION_LINES_MAX} lines; the callback of a `describe` is a chapter, not a function. */
export const functionLines: Rule = fileRule("function size", (source) =>
  functionsOf(source).flatMap(({ node, name, ancestors }) => {
    const lines = lineOf(source.text, node.end) - lineOf(source.text, node.start) + 1;
    if (lines <= FUNCTION_LINES_MAX || isChapter(ancestors)) return [];
    return [findingAt(source, node, `${name} has ${lines} lines, at most ${FUNCTION_LINES_MAX}`)];
  }),
);

/** At most {@link PARAMETERS_MAX} parameters, then one options object. What a callback takes is for its caller to say. */
export const parameterCount: Rule = fileRule("parameter count", (source) =>
  functionsOf(source).flatMap(({ node, name, ancestors }) => {
    const count = parametersOf(node).length;
    if (count <= PARAMETERS_MAX || isCallback(ancestors)) return [];
    return [findingAt(source, node, `${name} takes ${count} parameters, at most ${PARAMETERS_MAX}`)];
  }),
);

/** No boolean parameters on anything that has a name to be called by: the call site would not say what `true` means. */
export const booleanParameters: Rule = fileRule("boolean parameter", (source) =>
  functionsOf(source).flatMap(({ node, name, ancestors }) => {
    if (isCallback(ancestors)) return [];
    const found = parametersOf(node).filter(isBoolean);
    return found.map((parameter) => findingAt(source, parameter, `${name} takes a boolean; use a named option`));
  }),
);

interface NamedFunction {
  readonly node: FunctionLike;
  readonly name: string;
  readonly ancestors: readonly Node[];
}

function functionsOf(source: Source): readonly NamedFunction[] {
  const found: NamedFunction[] = [];
  for (const [node, ancestors] of walk(source.program)) {
    if (isFunctionLike(node)) found.push({ node, name: nameOf(node, ancestors.at(-1)), ancestors });
  }
  return found;
}

function isFunctionLike(node: Node): node is FunctionLike {
  return (
    node.type === "FunctionDeclaration" ||
    node.type === "FunctionExpression" ||
    node.type === "TSDeclareFunction" ||
    node.type === "TSEmptyBodyFunctionExpression" ||
    node.type === "ArrowFunctionExpression" ||
    node.type === "TSMethodSignature"
  );
}

function nameOf(node: FunctionLike, parent: Node | undefined): string {
  if ("id" in node && node.id) return node.id.name;
  if (node.type === "TSMethodSignature" && node.key.type === "Identifier") return node.key.name;
  if (parent?.type === "VariableDeclarator" && parent.id.type === "Identifier") return parent.id.name;
  if (parent && "key" in parent && parent.key?.type === "Identifier") return parent.key.name;
  return "a function";
}

function isCallback(ancestors: readonly Node[]): boolean {
  const call = ancestors.at(-1)?.type;
  return call === "CallExpression" || call === "NewExpression";
}

function isChapter(ancestors: readonly Node[]): boolean {
  const call = ancestors.at(-1);
  if (call?.type !== "CallExpression") return false;
  for (const [node] of walk(call.callee)) if (node.type === "Identifier" && OPENS_CHAPTER.has(node.name)) return true;
  return false;
}

function parametersOf(node: FunctionLike): readonly Node[] {
  return node.params.filter((parameter) => !(parameter.type === "Identifier" && parameter.name === "this"));
}

function isBoolean(parameter: Node): boolean {
  if (parameter.type === "TSParameterProperty") return isBoolean(parameter.parameter);
  if (parameter.type === "AssignmentPattern") {
    const isFlag = parameter.right.type === "Literal" && typeof parameter.right.value === "boolean";
    return isFlag || isBoolean(parameter.left);
  }
  if (parameter.type !== "Identifier" || !("typeAnnotation" in parameter)) return false;
  const annotation = parameter.typeAnnotation?.typeAnnotation;
  if (annotation?.type === "TSUnionType") return annotation.types.some((member) => member.type === "TSBooleanKeyword");
  return annotation?.type === "TSBooleanKeyword";
}
