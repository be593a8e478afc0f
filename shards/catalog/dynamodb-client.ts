/**
 * The AWS SDK's client with every setting that matters written down. The SDK is loaded when a client is opened, not before:
 * it weighs more than the rest of a shard, and who keeps the catalog in SQLite should not wait for it.
 * It must not know tables.
 *
 * Credentials come from where the SDK looks by itself, in this order: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
 * AWS_SESSION_TOKEN; the profile of AWS_PROFILE in ~/.aws (keys, single sign-on, a role, a process); a web identity token
 * (AWS_WEB_IDENTITY_TOKEN_FILE); the container's or the instance's role.
 */
import type { DynamoDB } from "@aws-sdk/client-dynamodb";

/** Where the table lies. `endpoint` null is AWS itself. */
export interface DynamodbAddress {
  readonly table: string;
  readonly region: string;
  readonly endpoint: string | null;
  /** Given by tests only; see above for where they come from otherwise. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

const CONNECT_MS_MAX = 1000;
/** How long one request may take, connecting included; DynamoDB answers in a few milliseconds. */
export const REQUEST_MS_MAX = 3000;
const CONNECTIONS_MAX = 16;

/** Opens a client. It holds connections: destroy it. */
export async function openClient(address: DynamodbAddress): Promise<DynamoDB> {
  const { DynamoDB: Client } = await import("@aws-sdk/client-dynamodb");
  const agent = { keepAlive: true, maxSockets: CONNECTIONS_MAX };
  return new Client({
    region: address.region,
    ...(address.endpoint === null ? {} : { endpoint: address.endpoint }),
    ...(address.credentials === undefined ? {} : { credentials: address.credentials }),
    // One request per call. A request that is repeated out of sight turns an own success into a failed condition.
    maxAttempts: 1,
    retryMode: "standard",
    requestHandler: {
      connectionTimeout: CONNECT_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}
