/**
 * Compares two strings by their UTF-8 bytes: negative, zero or positive. Code units order surrogates (U+10000 and above)
 * before U+E000–U+FFFF, bytes after them; everywhere else both orders agree.
 */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    if (x >= 0xd800 && y >= 0xd800) {
      // Lift surrogates above the rest of the basic plane, as their UTF-8 bytes are.
      if (x <= 0xdfff) x += 0x10000;
      if (y <= 0xdfff) y += 0x10000;
    }
    return x - y;
  }
  return a.length - b.length;
}
