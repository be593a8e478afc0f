/**
 * The primary's part in commits: passes writes to the worker that commits for their slot, and answers back.
 * It must not lose an answer: whoever asked a worker that is gone is told that nobody knows.
 */
import type { CommitMessage, CommittedMessage } from "./commit-message.ts";

/** What a relay stands on. */
export interface CommitRelayOptions {
  /** The worker at a place of the crew, by its id; null while it takes no requests. */
  readonly workerAt: (place: number) => number | null;
  readonly send: (worker: number, message: CommitMessage | CommittedMessage) => void;
}

type Asked = Pick<CommitMessage, "home" | "origin" | "id">;

/** Lives as long as the crew. */
export class CommitRelay {
  readonly #options: CommitRelayOptions;
  /** What each worker was asked and has not answered. */
  readonly #open = new Map<number, Map<string, Asked>>();

  constructor(options: CommitRelayOptions) {
    this.#options = options;
  }

  /** A worker has said something. */
  heard(from: number, message: CommitMessage | CommittedMessage): void {
    if (message.type === "commit") this.#ask({ ...message, origin: from });
    else this.#answered(from, message);
  }

  /** A worker is gone, with all that it was asked. */
  lost(worker: number): void {
    const open = this.#open.get(worker);
    this.#open.delete(worker);
    const answer = { kind: "failed", failure: "unknown", message: "the worker that was to commit is gone" } as const;
    for (const asked of open?.values() ?? []) this.#options.send(asked.origin, { type: "committed", ...asked, answer });
  }

  #ask(message: CommitMessage): void {
    const { origin, id, home } = message;
    const worker = this.#options.workerAt(home);
    if (worker === null) {
      this.#options.send(origin, { type: "committed", home, origin, id, answer: { kind: "absent" } });
      return;
    }
    const open = this.#open.get(worker) ?? new Map<string, Asked>();
    this.#open.set(worker, open.set(nameOf(message), { home, origin, id }));
    this.#options.send(worker, message);
  }

  #answered(from: number, message: CommittedMessage): void {
    if (this.#open.get(from)?.delete(nameOf(message)) === true) this.#options.send(message.origin, message);
  }
}

function nameOf({ origin, id }: Pick<Asked, "origin" | "id">): string {
  return `${origin} ${id}`;
}
