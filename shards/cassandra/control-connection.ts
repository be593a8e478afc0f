/**
 * Guards the driver's control connection, which says which nodes there are and which are up, against what cassandra-driver
 * 4.10 does wrong when it is lost. It must not decide which node the driver takes.
 */
import { type Client, types } from "cassandra-driver";

/** The part of the driver that is not in its types. */
interface ControlConnection {
  connection: object | null;
  host: Host | null;
  initialized: boolean;
  readonly hosts: { get(endpoint: string): Host | undefined; values(): readonly Host[] };
  readonly _profileManager: { getDistance(host: Host): types.distance };
  _isShuttingDown: boolean;
  _refresh(hosts?: unknown): Promise<void>;
  _initializeConnection(): Promise<void>;
  _setLocalInfo(...info: LocalInfo): void;
}

/** What the driver has read of the node that it is connected to. */
type LocalInfo = [isNew: boolean, isCurrent: boolean, connection: { readonly endpoint: string }, rows: unknown];

/** A node, as the driver keeps it. */
interface Host {
  setUp(): void;
  initializePool(): void;
}

/** How long after an attempt that failed in a way the driver does not know the next one is made. */
const RETRY_MS = 1_000;

/** Makes every attempt of `client` to connect end without an exception; `onFailure` is told of those that did not. */
export function guardControlConnection(client: Client, onFailure: (error: unknown) => void): void {
  const control = controlConnectionOf(client);
  holdAttempts(control, onFailure);
  keepKnownNodes(control);
}

/** The driver tries again from a timer whose promise nobody holds: what is lost in the middle of that would end the process. */
function holdAttempts(control: ControlConnection, onFailure: (error: unknown) => void): void {
  const refresh = control._refresh.bind(control);
  let underWay = 0;
  let isAbandoned = false;
  const attempt = async (hosts?: unknown): Promise<void> => {
    underWay += 1;
    try {
      await refresh(hosts);
    } catch (error) {
      isAbandoned = true;
      onFailure(error);
    }
    underWay -= 1;
    // Another attempt under way is the usual reason for the failure of this one, and goes on.
    if (underWay > 0) return;
    const isToRetry = isAbandoned && control.connection === null && !control._isShuttingDown;
    isAbandoned = false;
    if (isToRetry) setTimeout(() => void attempt(), RETRY_MS).unref();
  };
  control._refresh = attempt;
}

/**
 * When no node was up the driver starts over from the contact points, and takes each node it meets there for a new one: it puts
 * it in the place of the one it knows, whose connections no request finds then and nobody closes. To nodes that really are
 * new it never connects.
 */
function keepKnownNodes(control: ControlConnection): void {
  const setLocalInfo = control._setLocalInfo.bind(control);
  control._setLocalInfo = (...[isNew, isCurrent, connection, rows]) =>
    setLocalInfo(isNew && control.hosts.get(connection.endpoint) === undefined, isCurrent, connection, rows);
  const initialize = control._initializeConnection.bind(control);
  control._initializeConnection = async () => {
    const isFirst = !control.initialized;
    await initialize();
    if (isFirst) return;
    // It has a connection now, and the driver calls a node up only when it has opened that connection itself.
    control.host?.setUp();
    for (const host of control.hosts.values()) {
      if (control._profileManager.getDistance(host) !== types.distance.ignored) host.initializePool();
    }
  };
}

function controlConnectionOf(client: Client): ControlConnection {
  const control: unknown = Reflect.get(client, "controlConnection");
  if (isControlConnection(control)) return control;
  throw new TypeError("this version of cassandra-driver has no control connection that could be guarded");
}

function isControlConnection(value: unknown): value is ControlConnection {
  if (typeof value !== "object" || value === null) return false;
  const isFunction = (name: string): boolean => typeof Reflect.get(value, name) === "function";
  return ["_refresh", "_initializeConnection", "_setLocalInfo"].every(isFunction);
}
