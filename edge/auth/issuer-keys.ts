/**
 * The keys of one issuer: from the environment once, or from its URL, cached, with one fetch at a time, the last good
 * set kept when a fetch fails, and a bounded number of fetches however many unknown key ids arrive.
 * It must not judge tokens.
 */
import type { IssuerConfig } from "../../config/config.ts";
import { EdgeProblem } from "../edge-problem.ts";
import type { EdgePorts } from "../ports.ts";
import { createSingleFlight, type SingleFlight } from "../single-flight.ts";
import { parseKeySet, type VerificationKey } from "./key-set.ts";

/** Age at which a set is fetched again, in milliseconds. */
const KEY_SET_AGE_MAX_MS = 10 * 60_000;

/** Shortest time between two fetches while there is a set, in milliseconds: unknown key ids cost no more than that. */
const REFETCH_COOL_DOWN_MS = 30_000;

/** The same while there is none yet, when every token has to wait. */
const FIRST_FETCH_COOL_DOWN_MS = 1000;

const FETCH_TIMEOUT_MS = 3000;

/** Finds keys. `epoch` changes when the set does: what was verified by an older set is to be verified again. */
export interface IssuerKeys {
  readonly epoch: () => number;
  /** The keys to try; empty when there is none. Rejects with an `EdgeProblem` when no set could be had yet. */
  find(wanted: WantedKey): Promise<readonly VerificationKey[]>;
}

/** The key a token names. */
export interface WantedKey {
  readonly keyId: string | null;
  readonly algorithm: string;
}

/** The keys of an issuer as it is configured. */
export function createIssuerKeys(ports: EdgePorts, issuer: IssuerConfig): IssuerKeys {
  const { keys } = issuer;
  return keys.kind === "url" ? new RemoteKeys(ports, keys.url) : new FixedKeys(ports.keySetText(keys.name), keys.name);
}

/** With a key id: that key. Without: the only key of the algorithm, because several would be guessing. */
function select(keys: readonly VerificationKey[], wanted: WantedKey): readonly VerificationKey[] {
  const fitting = keys.filter((key) => key.algorithm === wanted.algorithm);
  if (wanted.keyId === null) return fitting.length === 1 ? fitting : [];
  return fitting.filter((key) => key.keyId === wanted.keyId);
}

class FixedKeys implements IssuerKeys {
  readonly #text: string | undefined;
  readonly #name: string;
  #keys: readonly VerificationKey[] | null = null;

  constructor(text: string | undefined, name: string) {
    this.#text = text;
    this.#name = name;
  }

  readonly epoch = (): number => 0;

  async find(wanted: WantedKey): Promise<readonly VerificationKey[]> {
    this.#keys ??= await this.#parse();
    return select(this.#keys, wanted);
  }

  /** The name of the variable is for the log; the client learns that its token is not at fault. */
  async #parse(): Promise<readonly VerificationKey[]> {
    if (this.#text === undefined) throw this.#unavailable("is not set");
    try {
      return await parseKeySet(JSON.parse(this.#text));
    } catch {
      throw this.#unavailable("does not hold a JSON Web Key Set");
    }
  }

  #unavailable(fault: string): EdgeProblem {
    const cause = new Error(`the environment variable ${this.#name} ${fault}`);
    return new EdgeProblem("ISSUER_UNAVAILABLE", "this gateway has no keys of the token's issuer", { cause });
  }
}

class RemoteKeys implements IssuerKeys {
  readonly #ports: EdgePorts;
  readonly #url: string;
  readonly #flight: SingleFlight<void>;
  #keys: readonly VerificationKey[] | null = null;
  #fingerprint = "";
  #epoch = 0;
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;

  constructor(ports: EdgePorts, url: string) {
    this.#ports = ports;
    this.#url = url;
    this.#flight = createSingleFlight(ports.clock, FETCH_TIMEOUT_MS + 500);
  }

  readonly epoch = (): number => this.#epoch;

  async find(wanted: WantedKey): Promise<readonly VerificationKey[]> {
    const nowMs = this.#ports.clock.nowMs();
    if (this.#keys === null || nowMs - this.#fetchedAtMs > KEY_SET_AGE_MAX_MS) await this.#refresh();
    if (this.#keys === null)
      throw new EdgeProblem("ISSUER_UNAVAILABLE", "the token issuer's keys cannot be fetched now");
    const known = select(this.#keys, wanted);
    if (known.length > 0) return known;
    await this.#refresh();
    return select(this.#keys, wanted);
  }

  /** At most one fetch per cool-down; those that come while one is under way wait for it. */
  async #refresh(): Promise<void> {
    const { clock } = this.#ports;
    await this.#flight.run(async () => {
      const coolDownMs = this.#keys === null ? FIRST_FETCH_COOL_DOWN_MS : REFETCH_COOL_DOWN_MS;
      if (clock.nowMs() - this.#triedAtMs < coolDownMs) return;
      this.#triedAtMs = clock.nowMs();
      await this.#fetch();
    });
  }

  async #fetch(): Promise<void> {
    const { keySource, clock, log } = this.#ports;
    try {
      const input = await keySource.fetchKeySet(this.#url, FETCH_TIMEOUT_MS);
      const fingerprint = JSON.stringify(input);
      this.#keys = await parseKeySet(input);
      this.#fetchedAtMs = clock.nowMs();
      if (fingerprint !== this.#fingerprint) this.#epoch += 1;
      this.#fingerprint = fingerprint;
    } catch (error) {
      log.write("warn", "key-set-unavailable", { url: this.#url, cause: String(error) });
    }
  }
}
