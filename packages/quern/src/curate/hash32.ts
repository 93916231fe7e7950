/**
 * A 32-bit hash of a text's UTF-16 code units: FNV-1a (Fowler, Noll, Vo) with MurmurHash3's finaliser, without which its
 * low bits would be weak. The same for the same text anywhere.
 */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ (text.charCodeAt(i) & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (text.charCodeAt(i) >>> 8), 0x01000193);
  }
  return mixed(hash);
}

/**
 * MurmurHash3's finaliser (Appleby, public domain): a bijection of 32-bit integers under which every bit of the input
 * counts.
 */
export function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
