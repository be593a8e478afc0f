// What a load process and its parent tell each other. Must not carry the history: that goes to files.
import type { KeyNames } from "./key-set.ts";

/** What a load process is to do; its first argument, as JSON. */
export interface LoadOrder {
  /** Unique in the run. */
  readonly name: string;
  /** Counts the processes of a run, from 0. */
  readonly number: number;
  readonly keyNames: KeyNames;
  /** Mean pause between two operations of a client, in milliseconds. */
  readonly thinkMs: number;
  readonly seed: number;
  /** Of the keys: one for all processes of a run. */
  readonly keySeed: number;
  readonly configText: string;
  readonly origins: Readonly<Record<string, string>>;
  /** As in the environment of the shards. */
  readonly signingKeys: string;
  readonly historyFile: string;
  readonly clients: number;
  /** Null where clients find shards by themselves. */
  readonly edges: EdgeAccess | null;
}

/** Where edges listen, and a token that may do everything with the documents. */
export interface EdgeAccess {
  readonly urls: readonly string[];
  readonly token: string;
}

/** From the parent. `clocks`: by how much the clients' clocks are off, in turn, in milliseconds. */
export type LoadCommand =
  | { readonly type: "stop" }
  | { readonly type: "clocks"; readonly offsetsMs: readonly number[] };

/** From a load process: everything counted so far, and what must never happen. */
export interface LoadReport {
  readonly counts: Readonly<Record<string, number>>;
  readonly oddities: readonly string[];
}
