/**
 * What an LMDB database file consists of, as lmdb 3.5 writes it (format 2, the tree of LMDB's mdb.c at version 0.9.90):
 * pages of one size, two of them meta pages that are written in turns, the others branches and leaves of two trees (the
 * entries; the list of free pages) and the values that do not fit a leaf. All numbers are little-endian.
 */

/** What is wrong with a database file. */
export class Damage extends Error {}

/** The bytes at the head of every page. */
export const headerBytes = 24;

/** The bytes of a meta page that say something. */
export const metaPageBytes = headerBytes + 144;

/** The largest page. */
export const mostPageBytes = 65_536;

const branch = 1;
const leaf = 2;
const overflow = 4;
const meta = 8;

/** One of the two trees, as a meta page tells of it. */
export interface Tree {
  readonly flags: number;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  /** Undefined where the tree is empty. */
  readonly root: number | undefined;
}

/** A meta page: one state of the database. */
export interface Meta {
  readonly pageSize: number;
  readonly transaction: number;
  readonly lastPage: number;
  readonly freePages: Tree;
  readonly entries: Tree;
}

/** A node of a branch or a leaf. */
export interface Node {
  readonly key: Buffer;
  /** Of a branch: the page below. */
  readonly child: number;
  /** Of a leaf: the size of the value. */
  readonly bytes: number;
  /** Of a leaf: the value, where it is not elsewhere. */
  readonly value: Buffer | undefined;
  /** Of a leaf: the first page of the value that is elsewhere, and how many there are. */
  readonly elsewhere: { readonly page: number; readonly pages: number } | undefined;
}

/** The 64-bit number at `at`. Throws where it is larger than any that a file can hold with good reason. */
export function wide(bytes: Buffer, at: number): number {
  const value = bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
  if (value > Number.MAX_SAFE_INTEGER) throw new Damage('a number is out of range');
  return value;
}

/** The size of its pages, as the head of a file tells. */
export function pageSizeOf(head: Buffer): number {
  if (head.length < metaPageBytes) throw new Damage('it is shorter than its first page');
  if (head.readUInt32LE(headerBytes) !== 0xbeefc0de) throw new Damage('it is no LMDB database');
  if (head.readUInt32LE(headerBytes + 4) !== 2) throw new Damage('it is of another format');
  const size = head.readUInt32LE(headerBytes + 24);
  if (size < 256 || size > mostPageBytes || (size & (size - 1)) !== 0)
    throw new Damage('its page size is impossible');
  return size;
}

/** The meta page `number`, 0 or 1. */
export function metaOf(page: Buffer, number: number): Meta {
  const body = page.subarray(headerBytes);
  const found: Meta = {
    pageSize: pageSizeOf(page),
    transaction: wide(body, 128),
    lastPage: wide(body, 120),
    freePages: treeOf(body, 24),
    entries: treeOf(body, 72),
  };
  const isMeta =
    page.readUInt16LE(18) === meta &&
    wide(page, 0) === number &&
    wide(body, 8) === 0 &&
    wide(body, 16) % 4096 === 0 &&
    wide(body, 16) < 2 ** 46 &&
    // The even transactions are written to the first, the odd ones to the second; a new file has 0 in both.
    (found.transaction === 0 || found.transaction % 2 === number || found.transaction === 1);
  // Keys of the free list are numbers; the bits above 11 are the environment's (paths without a folder of their own).
  const areFlags = (found.freePages.flags & 0x3fff) === 8 && found.entries.flags === 0;
  if (!isMeta || !areFlags) throw new Damage(`meta page ${number} is damaged`);
  return found;
}

function treeOf(body: Buffer, at: number): Tree {
  const isEmpty = body.readUInt32LE(at + 40) === 0xffffffff && body.readUInt32LE(at + 44) === 0xffffffff;
  return {
    flags: body.readUInt16LE(at + 4),
    depth: body.readUInt16LE(at + 6),
    branchPages: wide(body, at + 8),
    leafPages: wide(body, at + 16),
    overflowPages: wide(body, at + 24),
    entries: wide(body, at + 32),
    root: isEmpty ? undefined : wide(body, at + 40),
  };
}

/** Throws unless `page` has the head that page `number` of this kind must have. */
function checkHead(page: Buffer, number: number, flags: number, transaction: number): void {
  if (wide(page, 0) !== number || page.readUInt16LE(18) !== flags || page.readUInt16LE(16) !== 0) {
    throw new Damage(`page ${number} is not what it should be`);
  }
  // LMDB writes in place to pages of transactions to come, and these lie in memory that cannot be written.
  if (wide(page, 8) > transaction) throw new Damage(`page ${number} is of a transaction to come`);
}

/** Throws unless `page` is the head of a value of `pages` pages. */
export function checkOverflow(page: Buffer, number: number, pages: number, transaction: number): void {
  checkHead(page, number, overflow, transaction);
  if (page.readUInt32LE(20) !== pages) throw new Damage(`page ${number} has a value of another size`);
}

/** The nodes of page `number`, a branch or a leaf, whose keys all have `keyBytes` bytes. Throws where they overlap. */
export function nodesOf(
  page: Buffer,
  number: number,
  {
    isBranch,
    keyBytes,
    transaction,
  }: { readonly isBranch: boolean; readonly keyBytes: number; readonly transaction: number },
): Node[] {
  checkHead(page, number, isBranch ? branch : leaf, transaction);
  const wrong = new Damage(`page ${number} is damaged`);
  const lower = page.readUInt16LE(20);
  const upper = page.readUInt16LE(22);
  const end = page.length - headerBytes;
  // A full page of 65,536 bytes would need 17 bits, and so has no such state.
  if (lower % 2 !== 0 || lower === 0 || lower > upper || upper > end) throw wrong;
  const nodes: Node[] = [];
  const places: [number, number][] = [];
  for (let i = 0; i < lower / 2; i++) {
    const at = page.readUInt16LE(headerBytes + 2 * i);
    if (at < upper || at + 8 > end || at % 2 !== 0) throw wrong;
    const { node, bytes } = nodeAt(page, headerBytes + at, isBranch, wrong);
    const isKey = node.key.length === keyBytes || (isBranch && i === 0);
    if (!isKey) throw wrong;
    nodes.push(node);
    places.push([at, at + bytes + (bytes % 2)]);
  }
  // Nodes lie one after the other, in whatever order, up to the end of the page.
  let next = upper;
  for (const [from, to] of places.toSorted(([a], [b]) => a - b)) {
    if (from !== next) throw wrong;
    next = to;
  }
  if (next !== end) throw wrong;
  return nodes;
}

function nodeAt(page: Buffer, at: number, isBranch: boolean, wrong: Damage): { node: Node; bytes: number } {
  const low = page.readUInt32LE(at);
  const flags = page.readUInt16LE(at + 4);
  const keyEnd = at + 8 + page.readUInt16LE(at + 6);
  if (keyEnd > page.length) throw wrong;
  const key = page.subarray(at + 8, keyEnd);
  if (isBranch) {
    const child = low + flags * 2 ** 32;
    return {
      node: { key, child, bytes: 0, value: undefined, elsewhere: undefined },
      bytes: keyEnd - at,
    };
  }
  if (flags > 1) throw wrong;
  const valueEnd = keyEnd + (flags === 1 ? 24 : low);
  if (valueEnd > page.length) throw wrong;
  const value = page.subarray(keyEnd, valueEnd);
  const elsewhere = flags === 1 ? { page: wide(value, 0), pages: wide(value, 16) } : undefined;
  return {
    node: { key, child: 0, bytes: low, value: elsewhere ? undefined : value, elsewhere },
    bytes: valueEnd - at,
  };
}
