// Links between the project's pages: each leads to a file that is there, and to a heading that is there.
import { existsSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { anchorsOf, linksOf, markdownFiles, ROOT, readText } from "./markdown.ts";

const isExternal = (link: string): boolean => /^[a-z][a-z0-9+.-]*:/.test(link);

function faultOf(page: string, link: string): string | null {
  const [path = "", anchor = ""] = link.split("#");
  const target = path === "" ? page : posix.join(posix.dirname(page), path);
  if (!existsSync(join(ROOT, target))) return `${link}: there is no ${target}`;
  if (anchor === "" || statSync(join(ROOT, target)).isDirectory()) return null;
  return anchorsOf(readText(target)).has(anchor) ? null : `${link}: ${target} has no such heading`;
}

describe("links", () => {
  it.each(markdownFiles())("of %s lead somewhere", (page) => {
    const faults = linksOf(readText(page))
      .filter((link) => !isExternal(link))
      .map((link) => faultOf(page, link));
    expect(faults.filter((fault) => fault !== null)).toEqual([]);
  });

  it("are found, also where they lead nowhere", () => {
    expect(linksOf("[a](b.md) and ![c](d.png), but not `[e](f.md)`")).toEqual(["b.md", "d.png"]);
    expect(faultOf("docs/errors.md", "nowhere.md")).toContain("there is no docs/nowhere.md");
    expect(faultOf("docs/errors.md", "#nowhere")).toContain("no such heading");
    expect(faultOf("docs/errors.md", "#invalid_key")).toBeNull();
  });
});
