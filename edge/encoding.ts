/**
 * Bytes and percent-encoding as the internal hop writes them.
 * It must not decode anything that comes from a client.
 */

/** Base64url without padding (RFC 4648 section 5). */
export function base64Url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Percent-encodes a query value so that URL parsers leave it as it is: they would encode the apostrophe themselves. */
export function encodeQueryValue(text: string): string {
  return encodeURIComponent(text).replaceAll("'", "%27");
}
