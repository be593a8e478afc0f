// What stands for the global `Response` in a simulation: as much of it as shards and edges use, with nothing behind it that takes
// time. The real one costs more than all the rest of a run. Must not do what the real one would not.

type Body = string | ReadableStream<Uint8Array> | null;

interface Init {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer whose body is a text or a stream. */
export class PlainResponse {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
  readonly content: Body;
  readonly headers: { readonly get: (name: string) => string | null };
  readonly body: { readonly cancel: () => Promise<void> };

  constructor(content: Body, init: Init = {}) {
    this.content = content;
    this.status = init.status ?? 200;
    const fields = new Map(Object.entries(init.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
    this.fields = fields;
    this.headers = { get: (name) => fields.get(name.toLowerCase()) ?? null };
    this.body = { cancel: () => Promise.resolve() };
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  text(): Promise<string> {
    if (typeof this.content === "string" || this.content === null) return Promise.resolve(this.content ?? "");
    return Promise.reject(new Error("broken assumption: streams are read by the network"));
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
}

/** Has everything in this thread answer so, while a simulation runs. Gives back what puts the real one into its place again. */
export function installPlainResponse(): () => void {
  const real = globalThis.Response;
  Object.assign(globalThis, { Response: PlainResponse });
  return () => Object.assign(globalThis, { Response: real });
}
