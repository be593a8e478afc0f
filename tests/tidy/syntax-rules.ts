// Language features the project does without, and the comment each file opens with.
// Must not depend on which folder a file belongs to, save for the named exceptions.
import type { Node } from "oxc-parser";
import { fileRule, findingAt, type Rule, type Source, walk } from "./source.ts";

const OPENING_WORDS_MIN = 5;
const NOT_A_DESCRIPTION = /^\s*(@ts-|oxlint-|eslint-|biome-|prettier-|c8 |v8 |istanbul )/;

/** No `any`. */
export const noAny: Rule = nodeRule("no any", (node) =>
  node.type === "TSAnyKeyword" ? "`any` turns checking off" : "",
);

/** No `enum`: it needs more than type stripping. */
export const noEnum: Rule = nodeRule("no enum", (node) =>
  node.type === "TSEnumDeclaration" ? "`enum` is not erasable; use a table and derive the type" : "",
);

/** No non-null `!`. */
export const noNonNull: Rule = nodeRule("no non-null", (node) => {
  if (node.type === "TSNonNullExpression") return "`!` claims what nothing checks";
  return (node.type === "VariableDeclarator" || node.type === "PropertyDefinition") && node.definite
    ? "`!` claims what nothing checks"
    : "";
});

/** Named exports only; the Worker's entry, the tools' configuration and what declarations describe have a default one. */
export const noDefaultExport: Rule = fileRule("no default export", (source) => {
  if (source.path === "edge/worker.ts" || /\.(config|d)\.ts$/.test(source.path)) return [];
  return findNodes(source, (node) =>
    node.type === "ExportDefaultDeclaration" || (node.type === "ExportSpecifier" && exportedName(node) === "default")
      ? "default export; give it a name"
      : "",
  );
});

/**
 * `as` claims a type without looking. Only a function named `parse…` may, after it looked, and a function whose declared
 * result is that very type, because making it is what the function is for. Tests may.
 */
export const noAssertions: Rule = fileRule("no type assertion", (source) => {
  if (source.path.startsWith("tests/")) return [];
  return findNodes(source, (node, ancestors) => {
    if (node.type !== "TSAsExpression" && node.type !== "TSTypeAssertion") return "";
    const claimed = textOf(source, node.typeAnnotation);
    const isAllowed =
      claimed === "const" || ancestors.some((above) => isParser(above) || resultOf(source, above) === claimed);
    return isAllowed ? "" : "`as` outside a parser";
  });
});

/** Every file opens with a comment that says what it is for and what it must not do. */
export const openingComment: Rule = fileRule("opening comment", (source) => {
  const firstStatement = source.program.type === "Program" ? source.program.body[0] : undefined;
  const end = firstStatement?.start ?? source.text.length;
  const opening = source.comments.filter((comment) => comment.start < end && !NOT_A_DESCRIPTION.test(comment.value));
  const words = opening.flatMap((comment) => comment.value.match(/\p{L}{2,}/gu) ?? []);
  const reason = "opens without a comment that says what the file is for";
  return words.length < OPENING_WORDS_MIN ? [{ path: source.path, line: 1, reason }] : [];
});

type Judge = (node: Node, ancestors: readonly Node[]) => string;

function nodeRule(name: string, judge: Judge): Rule {
  return fileRule(name, (source) => findNodes(source, judge));
}

function findNodes(source: Source, judge: Judge) {
  return [...walk(source.program)].flatMap(([node, ancestors]) => {
    const reason = judge(node, ancestors);
    return reason === "" ? [] : [findingAt(source, node, reason)];
  });
}

function exportedName(node: Node & { readonly type: "ExportSpecifier" }): string {
  return node.exported.type === "Literal" ? node.exported.value : node.exported.name;
}

function textOf(source: Source, node: Node): string {
  return source.text.slice(node.start, node.end);
}

/** The type a function declares as its result, or as the element of its resulting array. */
function resultOf(source: Source, node: Node): string | undefined {
  if (!("returnType" in node) || !node.returnType) return undefined;
  return textOf(source, node.returnType.typeAnnotation).replace(/^readonly (.*)\[\]$/, "$1");
}

function isParser(node: Node): boolean {
  const id = node.type === "FunctionDeclaration" || node.type === "VariableDeclarator" ? node.id : undefined;
  const key = node.type === "MethodDefinition" || node.type === "Property" ? node.key : undefined;
  const named = id ?? key;
  return named?.type === "Identifier" && /^parse([A-Z]|$)/.test(named.name);
}
