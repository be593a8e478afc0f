/**
 * Text as Unicode code points and UTF-8 bytes: the order of keys, their length, their hash.
 * It must not depend on a locale, nor on the UTF-16 order that `<` gives.
 */

/** Moves surrogates above U+E000..U+FFFF, so that comparing code units compares code points. */
function rankOfCodeUnit(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

/** Code-point order (equal to the byte order of UTF-8): negative, 0 or positive. */
export function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return rankOfCodeUnit(a) - rankOfCodeUnit(b);
  }
  return left.length - right.length;
}

/** Number of bytes of `text` in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // A surrogate pair is two units and four bytes: each half brings one byte more.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

/** The UTF-8 bytes of well-formed `text`. */
export function utf8Bytes(text: string): number[] {
  const bytes: number[] = [];
  for (const symbol of text) {
    const point = Number(symbol.codePointAt(0));
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    else {
      bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63));
      bytes.push(0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    }
  }
  return bytes;
}

const MURMUR_C1 = 0xcc9e2d51;
const MURMUR_C2 = 0x1b873593;

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function mixBlock(block: number): number {
  return Math.imul(rotateLeft(Math.imul(block, MURMUR_C1), 15), MURMUR_C2);
}

/**
 * MurmurHash3 x86 32-bit, seed 0, of the UTF-8 bytes of `text`: an unsigned 32-bit integer.
 * Source: Austin Appleby, smhasher. Part of the storage layout: it may never change.
 */
export function murmur3(text: string): number {
  const bytes = utf8Bytes(text);
  const at = (index: number): number => bytes[index] ?? 0;
  const blocksEnd = bytes.length - (bytes.length % 4);
  let hash = 0;
  for (let i = 0; i < blocksEnd; i += 4) {
    hash ^= mixBlock(at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24));
    hash = Math.imul(rotateLeft(hash, 13), 5) + 0xe6546b64;
  }
  // Past the end `at` gives 0, so a short tail needs no cases of its own.
  hash ^= mixBlock(at(blocksEnd) | (at(blocksEnd + 1) << 8) | (at(blocksEnd + 2) << 16));
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
