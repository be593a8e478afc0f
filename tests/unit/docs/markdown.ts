/**
 * What the tests of the documentation need of Markdown: files, headings with their anchors, links, table rows.
 * It must not know what the pages say.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { listFiles } from "../../tidy/source.ts";

/** The repository's root. */
export const ROOT: string = join(import.meta.dirname, "../../..");

/** The text of a file, named from the root. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** All Markdown files of the repository, named from the root. */
export function markdownFiles(): readonly string[] {
  return listFiles(ROOT).filter((path) => path.endsWith(".md"));
}

/** The text without fenced blocks, whose content is not Markdown. */
function withoutFences(text: string): string {
  return text.replaceAll(/^```.*?^```/gms, "");
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const anchors = [...withoutFences(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, title = ""]) => {
    const anchor = anchorOf(title);
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
  return new Set(anchors);
}

function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/[^\p{L}\p{N}\p{M}_\- ]/gu, "")
    .replaceAll(" ", "-");
}

/** Targets of a page's inline links and images. */
export function linksOf(text: string): readonly string[] {
  const prose = withoutFences(text).replaceAll(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
}

/** Cells of all table rows, without the lines below the heads. */
export function tableRowsOf(text: string): readonly (readonly string[])[] {
  const lines = withoutFences(text)
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^\|[\s|:-]+\|$/.test(line));
  return lines.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
