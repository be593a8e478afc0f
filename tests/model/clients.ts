// Clients with their edges, and the workers that answer them: routing, redirects, waiting, unknown outcomes, retries.
// Must not look at anything that a real one could not see.
import { answerIsTrue, hintsGoForward, readIsTrue, type WriteHistory } from "../../router/history-invariants.ts";
import { type Finding, mayAnswerRead, NO_FINDINGS, redirectIsTrue } from "../../router/move-invariants.ts";
import { type Access, confirmed, type Decision, decideAccess, type Ownership } from "../../router/ownership.ts";
import { routeOf } from "../../router/route-hints.ts";
import { cellAt, type NumberedWrite, valueOf, visible } from "./content.ts";
import type { Operation } from "./scope.ts";
import type { Emit } from "./step.ts";
import { type ClientState, type Message, SLOT, type Truth, type World, word } from "./world.ts";

const FIRST_KEY = "aa";

/** What every client may do next, and what the edges may load. */
export function stepClients(world: World, state: Int32Array, emit: Emit): void {
  for (const index of world.scope.clients.keys()) {
    const client = clientAt(world, state, index);
    const operation = world.scope.clients[index]?.[client.position];
    if (operation === undefined) continue;
    const turn: Turn = { world, state, emit, index, client, operation };
    if (client.asked !== null) goOnAsking(turn, client.asked);
    else if (client.sent === null) ask(turn);
    else giveUpWaiting(turn, client.sent);
    if (world.has("maps")) loadMaps(turn);
  }
}

/** Whether the write's client waits for the reply to this very statement. */
export function isWaitingFor(world: World, state: Int32Array, message: Extract<Message, { kind: "write" }>): boolean {
  const write = world.schema.writes[message.write - 1];
  if (write === undefined) return false;
  const { position, sent } = clientAt(world, state, write.client);
  return position === write.position && sent?.at === message.at && sent.judgedEpoch === message.judgedEpoch;
}

/** The reply to a statement reaches its client. `not-applied`: the condition failed, so the worker judges again. */
export function answered(world: World, next: Int32Array, reply: Reply): readonly Finding[] {
  const index = reply.write.client;
  const client = clientAt(world, next, index);
  if (reply.answer === "not-applied") {
    setClient(world, next, { index, client: { ...client, sent: null } });
    return [];
  }
  setClient(world, next, { index, client: nextOperation(client) });
  return tell(world, next, { write: reply.write, answer: reply.answer });
}

/** What a statement's sender is told. */
interface Reply {
  readonly write: NumberedWrite;
  readonly answer: "applied" | "refused" | "not-applied";
}

interface Turn {
  readonly world: World;
  readonly state: Int32Array;
  readonly emit: Emit;
  readonly index: number;
  readonly client: ClientState;
  readonly operation: Operation;
}

/** Asks the shard that the edge believes in; what it does with the request is the product's own code. */
function ask(turn: Turn): void {
  const { world, state, client, operation } = turn;
  const route = routeOf(world.hints.valueOf(client.hints), SLOT, FIRST_KEY);
  if (route === null) throw new Error("broken assumption: an edge without a map");
  const at = world.indexOf(route.shard);
  const ownership = world.ownership(state, at);
  if (world.has("looks") && ownership.state === "GONE") {
    askFurther(turn, { at, own: word(state, at), seen: "own" }, "shard asks the destination");
    return;
  }
  const intent = intentOf(operation);
  const request = { intent, knownEpoch: route.epoch } as const;
  const access = world.protocol.decideAccess(ownership, request, confirmed(decisionAt(world, state, ownership)));
  if (access.kind === "redirect") followRedirect(turn, access);
  else if (access.kind === "hold") waitOrLeave(turn);
  else if (intent === "read") answerRead(turn, at);
  else sendWrite(turn, at, ownership);
  if (intent === "write" && world.has("cuts")) cutConnection(turn, at);
}

type Asked = NonNullable<ClientState["asked"]>;

function askFurther(turn: Turn, asked: Asked, name: string): void {
  emitClient(turn, { ...turn.client, asked }, { name, findings: [] });
}

/** As a shard does it that has read its own columns: asks the destination, and looks at itself again where that is beyond. */
function goOnAsking(turn: Turn, asked: Asked): void {
  const { world, state, client, operation } = turn;
  const { at, own, seen } = asked;
  const idle = { ...turn, client: { ...client, asked: null } };
  if (seen === "beyond") {
    if (word(state, at) === own) askFurther(turn, { at, own, seen: "own-again" }, "shard finds itself unchanged");
    else emitClient(turn, idle.client, { name: "shard finds itself changed", findings: [] });
    return;
  }
  const ownership = world.ownerships.valueOf(own);
  const decision = decisionAt(world, state, ownership);
  if (decision === "beyond" && seen === "own") {
    askFurther(turn, { at, own, seen: "beyond" }, "shard finds the destination beyond");
    return;
  }
  const route = routeOf(world.hints.valueOf(client.hints), SLOT, FIRST_KEY);
  const request = { intent: intentOf(operation), knownEpoch: route?.epoch ?? 0 } as const;
  const access = world.protocol.decideAccess(ownership, request, seen === "own" ? decision : confirmed(decision));
  if (access.kind === "redirect") followRedirect(idle, access);
  else emitClient(turn, idle.client, { name: "shard hears that nothing is decided", findings: [] });
}

function intentOf({ kind }: Operation): "read" | "write" {
  return kind === "read" ? "read" : "write";
}

function decisionAt(world: World, state: Int32Array, ownership: Ownership): Decision {
  const destination = world.indexOf(ownership.to);
  if (destination < 0 || (ownership.state !== "GONE" && ownership.state !== "FENCED")) return "undecided";
  return world.protocol.decisionOf(ownership.epoch, world.ownership(state, destination));
}

function followRedirect(turn: Turn, access: Extract<Access, { readonly kind: "redirect" }>): void {
  const { world, state, client } = turn;
  const { epoch, owner } = access;
  const findings = redirectIsTrue({ epoch, owner }, new Map(world.truth(state).owners));
  const before = world.hints.valueOf(client.hints);
  const hints = world.protocol.learnOwner(before, { slot: SLOT, epoch, owner });
  if (hints === before) {
    world.coverage.add("redirect tells nothing new");
    if (owner === null) return;
  }
  emitClient(
    turn,
    { ...client, hints: world.hints.numberOf(hints) },
    { name: "edge follows a redirect", findings: [...findings, ...hintsGoForward(before, hints)] },
  );
}

/** What is held is asked again; a client may also leave, and then nothing of its request may happen later. */
function waitOrLeave(turn: Turn): void {
  const { world, state, client, operation, emit } = turn;
  world.coverage.add(`${operation.kind === "read" ? "read" : "write"} is held`);
  if (!world.has("impatience")) return;
  const next = state.slice();
  setClient(world, next, { index: turn.index, client: nextOperation(client) });
  const write = writeAt(turn);
  if (write !== null && !client.isDoubtful) {
    const { refused } = world.truth(next);
    world.setTruth(next, { refused: refused | (2 ** write.number) });
  }
  const name = client.isDoubtful ? "client leaves without knowing" : "client leaves with 503, not applied";
  emit(next, { name, detail: describeTurn(turn), findings: [] });
}

function answerRead(turn: Turn, at: number): void {
  const { world, state, client, operation } = turn;
  const picture = world.picture(state);
  const copy = picture.copies[at];
  const row = valueOf(world.content(state, at), cellAt(world.schema, operation.key));
  const [shown, latest] = [visible(world.schema, row), world.truth(state).registers[operation.key]];
  const findings = [...(copy === undefined ? NO_FINDINGS : mayAnswerRead(picture, copy)), ...readIsTrue(shown, latest)];
  const name = `read is answered by ${copy?.ownership.state === "OWNER" ? "an owner" : "a source that is being left"}`;
  emitClient(turn, nextOperation(client), { name, findings });
}

function sendWrite(turn: Turn, at: number, ownership: Ownership): void {
  const { world, state, client, emit } = turn;
  const write = writeAt(turn);
  if (write === null) throw new Error("broken assumption: a write without number");
  const next = state.slice();
  const judgedEpoch = ownership.epoch;
  world.send(next, { kind: "write", at, write: write.number, judgedEpoch });
  setClient(world, next, { index: turn.index, client: { ...client, sent: { at, judgedEpoch } } });
  emit(next, {
    name: client.isDoubtful ? "write is sent again" : "write is sent",
    detail: describeTurn(turn),
    findings: [],
  });
}

/** The worker goes on with the request; the edge does not know. With a key it asks again, without one it says `unknown`. */
function cutConnection(turn: Turn, at: number): void {
  const { world, state, client, operation, emit } = turn;
  const write = writeAt(turn);
  if (write === null) return;
  const next = state.slice();
  world.send(next, { kind: "request", at, write: write.number });
  const after = operation.isKeyed ? { ...client, isDoubtful: true } : nextOperation(client);
  setClient(world, next, { index: turn.index, client: after });
  const name = operation.isKeyed ? "connection is cut, asked again" : "connection is cut, outcome unknown";
  emit(next, { name, detail: describeTurn(turn), findings: [] });
}

/** The statement's outcome is unknown. With a key the client asks again; without one the row may show it. */
function giveUpWaiting(turn: Turn, sent: { readonly at: number }): void {
  const { world, state, client, operation } = turn;
  if (operation.isKeyed) {
    emitClient(
      turn,
      { ...client, sent: null, isDoubtful: true },
      { name: "outcome unknown, asked again", findings: [] },
    );
    return;
  }
  const write = writeAt(turn);
  if (write === null) return;
  const ownership = world.ownership(state, sent.at);
  const access = decideAccess(ownership, { intent: "read", knownEpoch: 0 }, "undecided");
  const row = valueOf(world.content(state, sent.at), cellAt(world.schema, write.row));
  const isSeen = access.kind === "serve" && row === write.number;
  resolvePlain(turn, write, world.protocol.afterUnknown({ isSeen, ownership }));
}

function resolvePlain(turn: Turn, write: NumberedWrite, answer: "applied" | "unknown" | "elsewhere"): void {
  const { world, state, client, emit } = turn;
  const next = state.slice();
  setClient(world, next, {
    index: turn.index,
    client: answer === "elsewhere" ? { ...client, sent: null } : nextOperation(client),
  });
  const findings = answer === "applied" ? tell(world, next, { write, answer: "applied" }) : [];
  const name = `unknown outcome is resolved: ${answer}`;
  emit(next, { name, detail: describeTurn(turn), findings });
}

function tell(
  world: World,
  next: Int32Array,
  { write, answer }: Reply & { readonly answer: "applied" | "refused" },
): readonly Finding[] {
  const truth = world.truth(next);
  if (answer === "refused") world.setTruth(next, { refused: truth.refused | (2 ** write.number) });
  return answerIsTrue(historyOf(truth, write), answer);
}

/** A write as the invariants look at it. */
export function historyOf({ applied, refused }: Truth, { label, number, operation }: NumberedWrite): WriteHistory {
  const bit = 2 ** number;
  const { isKeyed } = operation;
  return { name: label, isKeyed, isApplied: (applied & bit) !== 0, isRefused: (refused & bit) !== 0 };
}

function loadMaps(turn: Turn): void {
  const { world, state, client } = turn;
  const catalog = world.catalog(state);
  const before = world.hints.valueOf(client.hints);
  for (const index of catalog.maps.keys()) {
    const hints = world.protocol.adoptMap(before, world.mapOf(catalog, index + 1));
    if (hints === before) continue;
    emitClient(
      turn,
      { ...client, hints: world.hints.numberOf(hints) },
      { name: "edge takes a map", findings: hintsGoForward(before, hints) },
    );
  }
}

function nextOperation(client: ClientState): ClientState {
  return { ...client, position: client.position + 1, sent: null, isDoubtful: false, asked: null };
}

function writeAt({ world, index, client }: Turn): NumberedWrite | null {
  return world.schema.writes.find((write) => write.client === index && write.position === client.position) ?? null;
}

function emitClient(
  turn: Turn,
  after: ClientState,
  step: { readonly name: string; readonly findings: readonly Finding[] },
): void {
  const next = turn.state.slice();
  setClient(turn.world, next, { index: turn.index, client: after });
  turn.emit(next, { ...step, detail: describeTurn(turn) });
}

function describeTurn({ index, operation }: Turn): () => string {
  return () => `client ${index}: ${operation.kind} k${operation.key}${operation.isKeyed ? " (keyed)" : ""}`;
}

/** A client's state. */
function clientAt(world: World, state: Int32Array, index: number): ClientState {
  return world.clients.valueOf(word(state, world.layout.clients + index));
}

function setClient(
  world: World,
  next: Int32Array,
  { index, client }: { readonly index: number; readonly client: ClientState },
): void {
  next[world.layout.clients + index] = world.clients.numberOf(client);
}
