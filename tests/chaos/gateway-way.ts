/**
 * One client's way over real edges, by the gateway's public interface: to one of them until it cannot be reached, or until the client
 * wants a new connection, then to another.
 * It must not repeat anything, nor take for the gateway's word what is none.
 */
import { HEADER } from "../../router/contract.ts";
import type { EdgeAccess } from "../faults/load-message.ts";
import { ShardWire, type WireAnswer, type WireOutcome } from "../faults/shard-wire.ts";
import type { SignedRequest } from "../faults/signed-request.ts";
import type { Way } from "../faults/way.ts";
import type { Random } from "../history/random.ts";

/** A way over edges. */
export function createGatewayWay({ urls, token }: EdgeAccess, random: Random): Way {
  const wire = new ShardWire(
    (request) => publicHeaders(request, token),
    () => 0,
  );
  let at = random.below(urls.length);
  const turn = (): void => {
    at = (at + 1) % urls.length;
  };
  return {
    hasServerOps: true,
    async send(_target, request) {
      const asked = { ...request, query: publicQuery(request.query) };
      const outcome = asGateway(await wire.send(urls[at] ?? "", asked));
      if (outcome.kind !== "answer") turn();
      return request.query === "" || outcome.kind !== "answer" || outcome.status !== 200 ? outcome : asLines(outcome);
    },
    reconnect() {
      turn();
      return wire.reconnect();
    },
    close: () => wire.close(),
  };
}

/** The op is the edge's to choose. */
function publicHeaders({ headers, body }: SignedRequest, token: string): Record<string, string> {
  const { [HEADER.op]: _op, ...own } = headers;
  const type: Record<string, string> = body === null ? {} : { "content-type": "application/json" };
  return { ...type, ...own, authorization: `Bearer ${token}` };
}

/** The bounds of a list, under their public names. */
function publicQuery(query: string): string {
  return query.replace(/^from=/, "start=").replace("&to=", "&end=");
}

/** A process that is on its way up or down may answer by itself, and says nothing of the request then. */
function asGateway(outcome: WireOutcome): WireOutcome {
  if (outcome.kind !== "answer" || outcome.status < 500 || outcome.code !== "") return outcome;
  return { kind: "lost", reason: `${outcome.status}, not by the gateway` };
}

/** A page as a shard gives it. One that ended early covers what lies before its last item. */
function asLines(answer: WireAnswer): WireAnswer {
  const { items, next } = JSON.parse(answer.text) as {
    readonly items: readonly { readonly key: string }[];
    readonly next: string | null;
  };
  const covered = next === null ? null : encodeURIComponent(items.at(-1)?.key ?? "");
  return {
    ...answer,
    text: items.map((item) => JSON.stringify(item)).join("\n"),
    header: (name) => (name === HEADER.listCovered ? covered : answer.header(name)),
  };
}
