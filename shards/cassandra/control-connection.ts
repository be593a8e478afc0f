/**
 * Guards the driver's control connection, which says which nodes are up. cassandra-driver 4.10 tries again to connect it
 * from a timer whose promise nobody holds: a connection that is lost in the middle of that would end the process.
 * It must not decide which node the driver takes.
 */
import type { Client } from "cassandra-driver";

/** The part of the driver that is not in its types. */
interface ControlConnection {
  connection: object | null;
  _isShuttingDown: boolean;
  _refresh(hosts?: unknown): Promise<void>;
}

/** How long after an attempt that failed in a way the driver does not know the next one is made. */
const RETRY_MS = 1_000;

/** Makes every attempt of `client` to connect end without an exception; `onFailure` is told of those that did not. */
export function guardControlConnection(client: Client, onFailure: (error: unknown) => void): void {
  const control = controlConnectionOf(client);
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

function controlConnectionOf(client: Client): ControlConnection {
  const control: unknown = Reflect.get(client, "controlConnection");
  if (isControlConnection(control)) return control;
  throw new TypeError("this version of cassandra-driver has no control connection that could be guarded");
}

function isControlConnection(value: unknown): value is ControlConnection {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "_refresh") === "function";
}
