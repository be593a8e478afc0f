// What the chapters about a healthy gateway share: the gateway, a client, tokens, keys that nobody else uses. A chapter is a
// module whose tests are declared when gateway-surface.test.ts imports it.
// Must not hold tests.
import { randomUUID } from "node:crypto";
import type { GatewayClient } from "../gateway-client.ts";
import type { UpGateway } from "../gateway-up.ts";
import type { KeyServer } from "../key-server.ts";

/** What a chapter works with. */
export interface Surface {
  readonly gateway: UpGateway;
  readonly client: GatewayClient;
  /** Another issuer that the gateway trusts. */
  readonly keyServer: KeyServer;
  /** A token that may do everything with documents. */
  readonly token: string;
}

/** Everything that can be done with documents. */
export const PERMISSIONS: string = ["products", "carts", "notes", "news", "rates", "prices"]
  .flatMap((name) => [`${name}:read`, `${name}:write`])
  .join(" ");

let surface: Surface | null = null;

/** To be called once the gateway of the test file runs, and before the tests of its chapters. */
export async function openSurface(gateway: UpGateway, keyServer: KeyServer): Promise<void> {
  surface = { gateway, keyServer, client: gateway.client, token: await gateway.token(PERMISSIONS) };
}

/** To be called inside a `describe`; the surface is there when its tests run. */
export function useSurface(): () => Surface {
  return () => {
    if (surface === null) throw new Error("the gateway is not there yet");
    return surface;
  };
}

/** A key that no other test uses; it begins with `start`. */
export function freshKey(start = "k"): string {
  return `${start}-${randomUUID().slice(0, 13)}`;
}
