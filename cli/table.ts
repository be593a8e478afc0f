/**
 * Rows as a text table with aligned columns. It must not paint or print.
 */

/** Lines of a table: the head first, columns two spaces apart, none with trailing spaces. */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((title, column) =>
    Math.max(...[[...head], ...rows].map((row) => width(row[column] ?? title))),
  );
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - width(cell))))
      .join("  ")
      .trimEnd(),
  );
}

function width(text: string): number {
  return [...text].length;
}
