/**
 * JSON merge patch on JSON texts (RFC 7396). Whatever is not an object on the patch's way stays as it was written: 1.10 and
 * 12345678901234567890 are not even read, and a document of the largest size takes milliseconds inside a transaction.
 * It must not be given text that is not JSON or nests deeper than the limit for documents: the HTTP side has checked both.
 */

/** An object's members, or the text of any other value. A Map, so that `__proto__` is a name like any other. */
type JsonNode = string | ReadonlyMap<string, JsonNode>;

/** The document that `patchJson` makes of `targetJson`. Throws a SyntaxError for what is not JSON. */
export function mergePatch(targetJson: string, patchJson: string): string {
  return textOf(merge(new JsonReader(targetJson).document(), new JsonReader(patchJson).document()));
}

function merge(target: JsonNode | undefined, patch: JsonNode): JsonNode {
  if (typeof patch === "string") return patch;
  const members = new Map(typeof target === "object" ? target : []);
  for (const [name, value] of patch) {
    if (value === "null") members.delete(name);
    else members.set(name, merge(members.get(name), value));
  }
  return members;
}

function textOf(node: JsonNode): string {
  if (typeof node === "string") return node;
  return `{${Array.from(node, ([name, value]) => `${JSON.stringify(name)}:${textOf(value)}`).join(",")}}`;
}

const NOT_SPACE = /[^ \t\n\r]/g;
const STRUCTURE = /["[\]{}]/g;
const END_OF_LITERAL = /[,\]} \t\n\r]|$/g;

/** Takes objects apart and steps over everything else. */
class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonNode {
    const node = this.#value();
    if (this.#next() !== "") throw this.#fault();
    return node;
  }

  #value(): JsonNode {
    const first = this.#next();
    const start = this.#at;
    if (first === "{") return this.#object();
    if (first === "[") this.#skipList();
    else if (first === '"') this.#skipString();
    else this.#at = this.#find(END_OF_LITERAL);
    if (this.#at === start) throw this.#fault();
    return this.#text.slice(start, this.#at);
  }

  #object(): JsonNode {
    const members = new Map<string, JsonNode>();
    this.#at += 1;
    if (this.#next() === "}") {
      this.#at += 1;
      return members;
    }
    do this.#member(members);
    while (this.#separator() === ",");
    return members;
  }

  #member(members: Map<string, JsonNode>): void {
    if (this.#next() !== '"') throw this.#fault();
    const start = this.#at;
    this.#skipString();
    const name: unknown = JSON.parse(this.#text.slice(start, this.#at));
    if (typeof name !== "string" || this.#next() !== ":") throw this.#fault();
    this.#at += 1;
    members.set(name, this.#value());
  }

  #separator(): string {
    const separator = this.#next();
    if (separator !== "," && separator !== "}") throw this.#fault();
    this.#at += 1;
    return separator;
  }

  #skipList(): void {
    for (let depth = 0; ; ) {
      this.#at = this.#find(STRUCTURE);
      const symbol = this.#text.charAt(this.#at);
      if (symbol === "") throw this.#fault();
      if (symbol === '"') {
        this.#skipString();
        continue;
      }
      this.#at += 1;
      depth += symbol === "[" || symbol === "{" ? 1 : -1;
      if (depth === 0) return;
    }
  }

  /** A quote ends the string unless an odd number of backslashes stands before it. */
  #skipString(): void {
    for (let quote = this.#at; ; ) {
      quote = this.#text.indexOf('"', quote + 1);
      if (quote < 0) throw this.#fault();
      let escapes = 0;
      while (this.#text.charAt(quote - 1 - escapes) === "\\") escapes += 1;
      if (escapes % 2 === 0) {
        this.#at = quote + 1;
        return;
      }
    }
  }

  /** The next symbol that is not white space; "" at the end. */
  #next(): string {
    this.#at = this.#find(NOT_SPACE);
    return this.#text.charAt(this.#at);
  }

  #find(pattern: RegExp): number {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.index ?? this.#text.length;
  }

  #fault(): SyntaxError {
    return new SyntaxError(`not JSON at character ${this.#at}`);
  }
}
