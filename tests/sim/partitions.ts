// Which machines cannot reach each other now. Must not know why.

/** Both directions of a link are cut together. */
export class Partitions {
  readonly #cut = new Map<string, number>();

  cut(one: string, other: string): void {
    this.#count(one, other, 1);
  }

  heal(one: string, other: string): void {
    this.#count(one, other, -1);
  }

  healAll(): void {
    this.#cut.clear();
  }

  isCut(one: string, other: string): boolean {
    return (this.#cut.get(linkOf(one, other)) ?? 0) > 0;
  }

  #count(one: string, other: string, by: number): void {
    const link = linkOf(one, other);
    this.#cut.set(link, Math.max(0, (this.#cut.get(link) ?? 0) + by));
  }
}

function linkOf(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}
