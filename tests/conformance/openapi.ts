/**
 * Whether an answer is one that docs/openapi.json describes: path, method, status, headers, media type, body.
 * It must not send requests; those who do ask here about what came back.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

/** A JSON object of the description. */
export type Json = Readonly<Record<string, unknown>>;

/** What came back. `path` is as it was sent, with or without a query; header names are in lower case. */
export interface ObservedAnswer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What does not fit the description, a line each; empty when everything does. */
export type ConformanceCheck = (answer: ObservedAnswer) => readonly string[];

/** The description as it lies in docs/. */
export function readDescription(): Json {
  const text = readFileSync(join(import.meta.dirname, "../../docs/openapi.json"), "utf8");
  return JSON.parse(text) as Json;
}

/** What a `$ref` of the description points at; other values are themselves. */
export function resolveRef(description: Json, value: unknown): Json {
  const ref = fields(value)["$ref"];
  if (typeof ref !== "string") return fields(value);
  const steps = ref.replace(/^#\//, "").split("/");
  const target = steps.reduce<unknown>((part, step) => fields(part)[step], description);
  if (target === undefined) throw new Error(`${ref} points at nothing`);
  return resolveRef(description, target);
}

/** A validator of a schema that may refer to the description's components. */
export function compileSchema(description: Json, schema: Json): ValidateFunction {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, keywords: ["components"] });
  return ajv.compile({ ...schema, components: description["components"] });
}

/** A check against `description`. Schemas are compiled once. */
export function createConformanceCheck(description: Json): ConformanceCheck {
  const compiled = new Map<string, ValidateFunction>();
  const validate = (place: string, schema: Json, value: unknown): readonly string[] => {
    const key = JSON.stringify(schema);
    const validator = compiled.get(key) ?? compileSchema(description, schema);
    compiled.set(key, validator);
    if (validator(value)) return [];
    return (validator.errors ?? []).map((error) => `${place}${error.instancePath}: ${error.message ?? "not valid"}`);
  };
  return (answer) => {
    const response = findResponse(description, answer);
    if (typeof response === "string") return [response];
    return [
      ...faultsOfHeaders(description, response, { answer, validate }),
      ...faultsOfBody(response, answer, validate),
    ];
  };
}

type Validate = (place: string, schema: Json, value: unknown) => readonly string[];

function fields(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

/** The path item whose literal segments fit; a literal goes before a parameter. */
function findPathItem(description: Json, path: string): Json | null {
  const [bare = ""] = path.split("?");
  const segments = bare.split("/");
  const candidates = Object.entries(fields(description["paths"])).filter(([template]) => fits(template, segments));
  const best = candidates.toSorted(([left], [right]) => countParameters(left) - countParameters(right))[0];
  return best === undefined ? null : fields(best[1]);
}

function fits(template: string, segments: readonly string[]): boolean {
  const parts = template.split("/");
  return (
    parts.length === segments.length && parts.every((part, index) => part.startsWith("{") || part === segments[index])
  );
}

function countParameters(template: string): number {
  return template.split("{").length;
}

/** The description of the answer, or what is wrong about there being none. */
function findResponse(description: Json, { method, path, status }: ObservedAnswer): Json | string {
  const item = findPathItem(description, path);
  const operation = item?.[method.toLowerCase()];
  if (operation === undefined) {
    const expected = item === null ? UNKNOWN_PATH_STATUSES : UNKNOWN_METHOD_STATUSES;
    const fault = `${item === null ? "no path of the description" : "no method of this path"}: got status ${status}`;
    return expected.includes(status) ? problemResponse(description, status) : fault;
  }
  const response = fields(fields(operation)["responses"])[String(status)];
  return response === undefined ? `status ${status} is not described` : resolveRef(description, response);
}

/** An overlong or unreadable request is refused before its path is looked at, an unknown collection before the method. */
const UNKNOWN_PATH_STATUSES: readonly number[] = [404, 400, 414, 431];
const UNKNOWN_METHOD_STATUSES: readonly number[] = [405, ...UNKNOWN_PATH_STATUSES];

function problemResponse(description: Json, status: number): Json {
  return resolveRef(description, { $ref: `#/components/responses/Problem${status}` });
}

function faultsOfHeaders(
  description: Json,
  response: Json,
  seen: { readonly answer: ObservedAnswer; readonly validate: Validate },
): readonly string[] {
  return Object.entries(fields(response["headers"])).flatMap(([name, reference]) => {
    const header = resolveRef(description, reference);
    const value = seen.answer.headers[name.toLowerCase()];
    if (value !== undefined) return seen.validate(`header ${name}`, fields(header["schema"]), value);
    return header["required"] === true ? [`header ${name} is missing`] : [];
  });
}

function faultsOfBody(response: Json, answer: ObservedAnswer, validate: Validate): readonly string[] {
  const content = fields(response["content"]);
  const isBodiless = answer.method === "HEAD" || Object.keys(content).length === 0;
  if (isBodiless) return answer.body === "" ? [] : ["expected no body"];
  const [type = ""] = (answer.headers["content-type"] ?? "").split(";");
  const media = content[type.trim().toLowerCase()];
  if (media === undefined) return [`expected a body of type ${Object.keys(content).join(" or ")}, got "${type}"`];
  const schema = fields(fields(media)["schema"]);
  if (!/[/+]json$/.test(type.trim())) return validate("body", schema, answer.body);
  try {
    return validate("body", schema, JSON.parse(answer.body));
  } catch {
    return ["the body is not JSON"];
  }
}
