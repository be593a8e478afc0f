// One parsed source file as the tidy rules see it, and the walk over its syntax tree.
// Must not know any rule.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Comment, type Node, parseSync, visitorKeys } from "oxc-parser";

/** A file of the repository together with its syntax tree. */
export interface Source {
  /** Path from the repository root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly program: Node;
  readonly comments: readonly Comment[];
}

/** What a rule reports: one line of one file, and why. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly reason: string;
}

/** A named check over the whole set of files. */
export interface Rule {
  readonly name: string;
  readonly check: (sources: readonly Source[]) => readonly Finding[];
}

/** Parses `text` as the file at `path`. Throws when the text is not valid TypeScript or JavaScript. */
export function parseSource(path: string, text: string): Source {
  const { program, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message ?? "does not parse"}`);
  return { path, text, program, comments };
}

/** Every file of the repository that git tracks or would track, as paths from `root`. */
export function listFiles(root: string): readonly string[] {
  // A checkout may belong to somebody else than who runs the tests.
  const git = ["-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"];
  const listed = execFileSync("git", git, { cwd: root, encoding: "utf8" });
  return listed.split("\0").filter((path) => path !== "" && existsSync(join(root, path)));
}

/** Every source file of the repository, parsed. */
export function readSources(root: string): readonly Source[] {
  return listFiles(root)
    .filter((path) => /\.(ts|mts|cts|js|mjs|cjs)$/.test(path))
    .map((path) => parseSource(path, readFileSync(join(root, path), "utf8")));
}

/** Makes a rule out of a check that looks at one file at a time. */
export function fileRule(name: string, checkFile: (source: Source) => readonly Finding[]): Rule {
  return { name, check: (sources) => sources.flatMap(checkFile) };
}

/** A finding at a syntax node, or at an offset into the text. */
export function findingAt(source: Source, place: { readonly start: number }, reason: string): Finding {
  return { path: source.path, line: lineOf(source.text, place.start), reason };
}

/** The 1-based line on which the character at `offset` stands. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** Depth-first over the tree; `ancestors` ends with the node's parent. */
export function* walk(node: Node, ancestors: readonly Node[] = []): Generator<[Node, readonly Node[]]> {
  yield [node, ancestors];
  const below = [...ancestors, node];
  for (const child of childrenOf(node)) yield* walk(child, below);
}

function childrenOf(node: Node): readonly Node[] {
  const keys = visitorKeys[node.type] ?? [];
  const values = keys.flatMap((key): unknown => (node as unknown as Record<string, unknown>)[key]);
  return values.filter((value): value is Node => typeof value === "object" && value !== null && "type" in value);
}
