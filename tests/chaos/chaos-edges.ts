/**
 * The edges of a chaos run: real ones, each with a map of its own. The second keeps its first map for an hour, and learns of moves from
 * shards alone.
 * It must not leave one stopped, nor start one before the one that it replaces is gone.
 */
import { type EdgeProcess, startEdge } from "../e2e/edge-process.ts";
import { findFreePorts } from "../e2e/free-ports.ts";
import { createGatewayFolder, type GatewayFolder } from "../e2e/gateway-process.ts";
import type { EdgeAccess } from "../faults/load-message.ts";
import type { Random } from "../history/random.ts";

/** Settings of each edge beside the configuration of all. */
const SETTINGS = [`map_refresh = "5s"`, `map_refresh = "1h"`] as const;

/** Who the folder's tokens are by. */
const ISSUER = `[[issuers]]
issuer = "zgate-local"
audience = "zgate"
algorithms = ["EdDSA"]
jwks_env = "ZGATE_LOCAL_JWKS"`;

const PERMISSIONS = ["carts", "notes", "products"].flatMap((name) => [`${name}:read`, `${name}:write`]).join(" ");

/** Longer than any run. */
const TOKEN_MS = 24 * 3_600_000;

interface Member {
  readonly name: string;
  readonly port: number;
  readonly configText: string;
  process: EdgeProcess;
}

/** The edges and how clients reach them. */
export class ChaosEdges {
  readonly access: EdgeAccess;
  readonly #folder: GatewayFolder;
  readonly #members: readonly Member[];

  private constructor(folder: GatewayFolder, members: readonly Member[], token: string) {
    this.#folder = folder;
    this.#members = members;
    this.access = { urls: members.map(({ port }) => `http://127.0.0.1:${port}`), token };
  }

  /** Starts them in `directory`, one after the other: each takes a processor for a while. */
  static async start(directory: string, configText: string): Promise<ChaosEdges> {
    const folder = await createGatewayFolder(directory);
    const first = await findFreePorts(SETTINGS.length);
    const members: Member[] = [];
    try {
      for (const [index, settings] of SETTINGS.entries()) {
        const own = {
          name: `edge-${index + 1}`,
          port: first + index,
          configText: `${configText}\n\n${ISSUER}\n\n[edge]\n${settings}\n`,
        };
        members.push({ ...own, process: await startEdge({ directory: folder.directory, ...own }) });
      }
      return new ChaosEdges(folder, members, await folder.token(PERMISSIONS, { ttlMs: TOKEN_MS }));
    } catch (error) {
      await Promise.all(members.map(({ process: edge }) => edge.kill()));
      throw error;
    }
  }

  /** SIGKILL to one of them; another one is started in its place. */
  async replaceOne(random: Random): Promise<void> {
    const member = this.#pick(random);
    await member.process.kill();
    member.process = await startEdge({ directory: this.#folder.directory, ...member });
  }

  /** SIGSTOP to one of them while `wait` lasts. */
  async stopOne(random: Random, wait: () => Promise<void>): Promise<void> {
    const { process: edge } = this.#pick(random);
    edge.pause();
    try {
      await wait();
    } finally {
      edge.resume();
    }
  }

  /** SIGKILL to all. */
  async destroy(): Promise<void> {
    await Promise.all(this.#members.map(({ process: edge }) => edge.kill()));
  }

  /** As `destroy`, without waiting. */
  abandon(): void {
    for (const { process: edge } of this.#members) edge.abandon();
  }

  #pick(random: Random): Member {
    const member = this.#members[random.below(this.#members.length)];
    if (member === undefined) throw new Error("broken assumption: there are edges");
    return member;
  }
}
