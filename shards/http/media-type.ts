/**
 * Which media types a body may have (RFC 9110, section 8.3).
 * It must not look at the body.
 */

/** What PATCH accepts; the value of Accept-Patch (RFC 5789). */
export const PATCH_TYPES = "application/merge-patch+json, application/json";

const JSON_TYPE = /^application\/(?:[a-z0-9!#$&^_.-]+\+)?json$/;
const CHARSET = /^charset="?utf-8"?$/;

/** Whether a body of this Content-Type is a JSON document: `application/json` or any `application/…+json`, in UTF-8. */
export function isDocumentType(header: string | null): boolean {
  const type = parseType(header);
  return type !== null && JSON_TYPE.test(type);
}

/** Whether a body of this Content-Type is a JSON merge patch (RFC 7396). */
export function isMergePatchType(header: string | null): boolean {
  const type = parseType(header);
  return type === "application/merge-patch+json" || type === "application/json";
}

/** Whether a body of this Content-Encoding is sent as it is. */
export function isIdentityEncoding(header: string | null): boolean {
  return header === null || header.trim().toLowerCase() === "identity";
}

/** Type and subtype in lower case; null when there is none or a charset other than UTF-8. */
function parseType(header: string | null): string | null {
  if (header === "application/json") return header;
  const [type = "", ...parameters] = (header ?? "").toLowerCase().split(";");
  const isUtf8 = parameters.every((parameter) => {
    const text = parameter.trim();
    return !text.startsWith("charset") || CHARSET.test(text);
  });
  return isUtf8 && type.trim() !== "" ? type.trim() : null;
}
