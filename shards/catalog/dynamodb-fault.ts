/**
 * What a failure of DynamoDB means to whoever asked: the condition was false, try again, nobody knows, or give up.
 * It must not retry.
 */
import { CatalogError } from "./port.ts";

/**
 * `condition`: it was false, nothing was changed. `busy`: turned away, nothing was changed. `lost`: no answer, so a write may
 * have been applied or may yet be. `final`: it will not get better by itself, nothing was changed.
 */
export type DynamodbFault = "condition" | "busy" | "lost" | "final";

const BUSY: ReadonlySet<string> = new Set([
  "LimitExceededException",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ThrottledException",
  "ThrottlingException",
  "TooManyRequestsException",
  "TransactionConflictException",
  "TransactionInProgressException",
  // The reasons of a cancelled transaction have shorter names for the same.
  "ProvisionedThroughputExceeded",
  "ThrottlingError",
  "TransactionConflict",
]);

/** A clock that runs wrong: the SDK sets it right by the answer, so that the next request is accepted. */
const CLOCK_SKEW = /signature (expired|not yet current)/i;

/** How to go on after an error of the SDK. */
export function faultOf(error: unknown): DynamodbFault {
  const name = nameOf(error);
  if (name === "ConditionalCheckFailedException") return "condition";
  if (name === "TransactionCanceledException") return faultOfReasons(reasonsOf(error));
  if (BUSY.has(name) || CLOCK_SKEW.test(messageOf(error))) return "busy";
  if (name === "CredentialsProviderError") return "final";
  const status = statusOf(error);
  // Without a status there was no answer; 5xx is one that does not say how far it went.
  return status === null || status >= 500 ? "lost" : "final";
}

/** A transaction is cancelled by any of its parts; a false condition is the part that says most. */
function faultOfReasons(codes: readonly string[]): DynamodbFault {
  if (codes.includes("ConditionalCheckFailed")) return "condition";
  return codes.some((code) => BUSY.has(code)) ? "busy" : "final";
}

/** Where the failure happened, for the message. */
export interface DynamodbPlace {
  readonly table: string;
  readonly region: string;
  readonly endpoint: string | null;
}

/** An error of the SDK as the catalog's own, in words that say what to do. */
export function toCatalogError(error: unknown, place: DynamodbPlace): CatalogError {
  if (error instanceof CatalogError) return error;
  return new CatalogError(`DynamoDB table "${place.table}" (${describePlace(place)}): ${adviceFor(error)}`, {
    cause: error,
  });
}

function describePlace({ region, endpoint }: DynamodbPlace): string {
  return endpoint === null ? region : endpoint;
}

function adviceFor(error: unknown): string {
  const name = nameOf(error);
  const message = messageOf(error);
  if (name === "ResourceNotFoundException") return "does not exist; run `zgate schema apply`";
  if (name === "CredentialsProviderError") {
    return `no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role (${message})`;
  }
  if (name === "AccessDeniedException") return `access denied; docs/dynamodb.md has the policies (${message})`;
  const fault = faultOf(error);
  if (fault === "lost") return `does not answer: ${message}`;
  if (fault === "busy") return `turned requests away for too long: ${name}: ${message}`;
  return `${name}: ${message}`;
}

/** Whether the server does not know the operation: DynamoDB Local lacks backups. */
export function isUnknownOperation(error: unknown): boolean {
  return nameOf(error) === "UnknownOperationException";
}

/** Whether there is no such table. */
export function isMissing(error: unknown): boolean {
  return nameOf(error) === "ResourceNotFoundException";
}

/** Whether somebody else is making or changing the same table right now. */
export function isInUse(error: unknown): boolean {
  return nameOf(error) === "ResourceInUseException";
}

/** Whether the backups of a table are still being prepared. */
export function isUnavailableYet(error: unknown): boolean {
  return nameOf(error) === "ContinuousBackupsUnavailableException";
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A refused connection over several addresses has no message of its own.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return error.message === "" && first instanceof Error ? first.message : error.message;
}

function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !("$metadata" in error)) return null;
  const metadata = error.$metadata;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return null;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : null;
}

function reasonsOf(error: unknown): readonly string[] {
  if (!(error instanceof Error) || !("CancellationReasons" in error)) return [];
  const reasons: unknown = error.CancellationReasons;
  if (!Array.isArray(reasons)) return [];
  return reasons.map((reason: unknown) =>
    typeof reason === "object" && reason !== null && "Code" in reason ? String(reason.Code) : "None",
  );
}
