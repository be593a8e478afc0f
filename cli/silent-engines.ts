/**
 * Which engines of an instance nobody can connect to. It must not say more of them: that they are there is all it asks.
 */
import { connect } from "node:net";
import type { RunningInstance } from "./supervisor/instance-file.ts";

/** On this machine a connection takes less than a millisecond. */
const CONNECT_MS_MAX = 500;

/** Names of those, in their order. Takes no longer than half a second. */
export async function silentEngines(engines: RunningInstance["engines"]): Promise<readonly string[]> {
  const names = Object.keys(engines);
  const listens = await Promise.all(Object.values(engines).map(isListening));
  return names.filter((_, index) => listens[index] === false);
}

/** `address`: host:port. */
function isListening(address: string): Promise<boolean> {
  const [host = "", port = ""] = address.split(":");
  return new Promise((settle) => {
    const socket = connect({ host, port: Number(port) });
    socket.setTimeout(CONNECT_MS_MAX, () => socket.destroy());
    socket.once("connect", () => {
      settle(true);
      socket.destroy();
    });
    socket.once("error", () => undefined);
    socket.once("close", () => settle(false));
  });
}
