/**
 * The Authorization header to an identity (RFC 6750, RFC 7519, RFC 8725). Everything is refused that the issuer's
 * own configuration does not name: issuer, audience, algorithm, key.
 * It must not decide what an identity may do; authorisation.ts does.
 */
import { errors, jwtVerify } from "jose";
import type { IssuerConfig } from "../../config/config.ts";
import { EdgeProblem } from "../edge-problem.ts";
import type { EdgePorts } from "../ports.ts";
import { parseCompactToken, type TokenClaim } from "./compact-token.ts";
import { ANONYMOUS, type Identity, knownPermissions, parseIdentity } from "./identity.ts";
import { createIssuerKeys, type IssuerKeys } from "./issuer-keys.ts";
import { createTokenMemory } from "./token-memory.ts";

/** How far an issuer's clock may be off, in seconds. */
const SKEW_SECONDS_MAX = 60;

const BEARER = /^Bearer +([^\s,]+) *$/i;

/** Says who a request speaks for. */
export interface Authenticator {
  /** Resolves to an identity, `ANONYMOUS` without a token; rejects with an `EdgeProblem` for anything else. */
  authenticate(request: Request): Promise<Identity>;
}

interface TrustedIssuer {
  readonly config: IssuerConfig;
  readonly keys: IssuerKeys;
}

/** An authenticator for the configured issuers, with its own memory of verified tokens. */
export function createAuthenticator(ports: EdgePorts): Authenticator {
  const issuers = new Map<string, TrustedIssuer>(
    ports.config.issuers.map((config) => [config.issuer, { config, keys: createIssuerKeys(ports, config) }]),
  );
  const known = knownPermissions(ports.config);
  const memory = createTokenMemory();
  const epochOf = (issuer: string): number => issuers.get(issuer)?.keys.epoch() ?? -1;

  return {
    async authenticate(request) {
      const header = request.headers.get("authorization");
      if (header === null) return ANONYMOUS;
      const token = parseBearer(header);
      const remembered = memory.recall(token, ports.clock.nowMs(), epochOf);
      if (remembered !== null) return remembered;
      const claim = parseCompactToken(token);
      if (!claim.ok) throw invalidToken(claim.detail);
      const trusted = issuers.get(claim.value.issuer);
      if (trusted === undefined) throw invalidToken("the token's issuer is not trusted here");
      const claims = await verify(token, { trusted, claim: claim.value, nowMs: ports.clock.nowMs() });
      const identity = parseIdentity(claims, trusted.config.issuer, known);
      if (!identity.ok) throw invalidToken(identity.detail);
      const expiresAtMs = Number(claims["exp"]) * 1000;
      memory.remember({ token, identity: identity.value, expiresAtMs, epoch: trusted.keys.epoch() });
      return identity.value;
    },
  };
}

/** The token of the one Authorization header. Two headers arrive joined by a comma, which no token holds. */
function parseBearer(header: string): string {
  const [, token] = BEARER.exec(header) ?? [];
  if (token !== undefined) return token;
  const headers = { "www-authenticate": 'Bearer realm="zgate"' };
  throw new EdgeProblem("UNAUTHENTICATED", "expected one Authorization header: Bearer <token>", { headers });
}

interface Verification {
  readonly trusted: TrustedIssuer;
  readonly claim: TokenClaim;
  readonly nowMs: number;
}

async function verify(token: string, verification: Verification): Promise<Readonly<Record<string, unknown>>> {
  const { trusted, claim, nowMs } = verification;
  const { issuer, audience, algorithms } = trusted.config;
  if (!algorithms.some((algorithm) => algorithm === claim.algorithm)) {
    throw invalidToken("the token's algorithm is not one that its issuer may use");
  }
  for (const { key, algorithm } of await trusted.keys.find(claim)) {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [algorithm],
        issuer,
        audience,
        requiredClaims: ["iss", "aud", "exp"],
        clockTolerance: SKEW_SECONDS_MAX,
        currentDate: new Date(nowMs),
      });
      checkIssuedAt(payload.iat, nowMs);
      return payload;
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) continue;
      throw error instanceof EdgeProblem ? error : invalidToken(describeFailure(error));
    }
  }
  throw invalidToken("the token's signature does not fit a key of its issuer");
}

function checkIssuedAt(issuedAt: unknown, nowMs: number): void {
  if (issuedAt === undefined) return;
  if (typeof issuedAt === "number" && issuedAt <= nowMs / 1000 + SKEW_SECONDS_MAX) return;
  throw invalidToken("the token was issued in the future");
}

/** Only the names of claims leave: never their values, never the inner workings of the library. */
function describeFailure(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "the token has expired";
  if (error instanceof errors.JWTClaimValidationFailed) return `the token's claim "${error.claim}" is not as required`;
  return "the token cannot be verified";
}

function invalidToken(detail: string): EdgeProblem {
  const headers = {
    "www-authenticate": `Bearer realm="zgate", error="invalid_token", error_description="${quotable(detail)}"`,
  };
  return new EdgeProblem("INVALID_TOKEN", detail, { headers });
}

/** Characters that RFC 6750 section 3 allows in an error description. */
function quotable(text: string): string {
  return text.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "'");
}
