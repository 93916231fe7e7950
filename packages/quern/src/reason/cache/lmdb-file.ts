/**
 * Whether a database file is whole, found out by reading it as a file. LMDB itself maps the file into memory and trusts
 * every number in it: a file that was cut off or altered does not end in an error there but in the end of the process.
 *
 * Everything that LMDB follows is checked: both meta pages; of the newer one both trees, each page once, its nodes side
 * by side, its keys in order and between those of the page above; that values elsewhere lie within the file; that the list
 * of free pages, which is what is written over, has no page that is in use. What values say is not checked here.
 */
import { open, type FileHandle } from 'node:fs/promises';
import {
  checkOverflow,
  Damage,
  headerBytes,
  metaOf,
  metaPageBytes,
  mostPageBytes,
  nodesOf,
  pageSizeOf,
  wide,
} from './lmdb-format.ts';
import type { Meta, Node, Tree } from './lmdb-format.ts';

/** Pages are read in blocks of this many bytes, as those that are needed one after the other often lie side by side. */
const blockBytes = 1 << 18;
/** How many pages at the end of the list of pages may be missing from the file, as nothing was ever written to them. */
const mostUnwritten = 1 << 20;

/** How often a file is checked anew that was written to in the meantime. */
const mostChecks = 3;

/**
 * What is wrong with the database file at `path`, all of whose keys have `keyBytes` bytes; undefined where it is whole. A
 * file of no bytes is: LMDB makes a new one of it. Rejects where it cannot be read.
 *
 * Processes may be writing to it: a transaction that has not ended leaves the pages of the one before alone, and one that
 * ends is seen by the meta pages; the file is then checked anew. A file that is always being written to is taken as whole,
 * since somebody works with it.
 */
export async function databaseDamage(path: string, keyBytes: number): Promise<string | undefined> {
  const file = await open(path, 'r');
  try {
    for (let check = 1; check <= mostChecks; check++) {
      // In this order: the file may grow in between, and then has what the head tells of.
      const head = await headOf(file);
      const { size } = await file.stat();
      if (size === 0) return undefined;
      let damage: string | undefined;
      try {
        await checkDatabase(file, size, head, keyBytes);
      } catch (error) {
        if (!(error instanceof Damage)) throw error;
        damage = error.message;
      }
      if (metaBytes(head).equals(metaBytes(await headOf(file)))) return damage;
    }
    return undefined;
  } finally {
    await file.close();
  }
}

/** The start of the file, with both meta pages whatever the size of a page. */
async function headOf(file: FileHandle): Promise<Buffer> {
  const head = Buffer.alloc(2 * mostPageBytes);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  return head.subarray(0, bytesRead);
}

/** What every transaction changes in one of the meta pages. */
function metaBytes(head: Buffer): Buffer {
  const pageSize = head.length < 2 * metaPageBytes ? 0 : head.readUInt32LE(headerBytes + 24);
  return Buffer.concat([head.subarray(0, metaPageBytes), head.subarray(pageSize, pageSize + metaPageBytes)]);
}

async function checkDatabase(file: FileHandle, size: number, head: Buffer, keyBytes: number): Promise<void> {
  const pageSize = pageSizeOf(head);
  const filePages = Math.floor(size / pageSize);
  if (filePages < 2) throw new Damage('it ends within its first pages');
  const reader = new PageReader(file, size, pageSize);
  const first = metaOf(head.subarray(0, pageSize), 0);
  const second = metaOf(head.subarray(pageSize, 2 * pageSize), 1);
  if (first.pageSize !== second.pageSize) throw new Damage('its meta pages differ in the page size');
  const newest = first.transaction >= second.transaction ? first : second;
  if (newest.lastPage < 1 || newest.lastPage >= filePages + mostUnwritten) {
    throw new Damage(`it is cut off: it should have ${newest.lastPage + 1} pages and has ${filePages}`);
  }
  const pages = new PageUse(newest.lastPage + 1, filePages);
  await checkTree(reader, pages, newest, newest.entries, keyBytes, byBytes);
  const free = await checkTree(reader, pages, newest, newest.freePages, 8, byNumber);
  for (const { key, bytes, value, elsewhere } of free) {
    if (wide(key, 0) > newest.transaction) throw new Damage('pages are free as of a transaction to come');
    const list = value ?? (await reader.value(elsewhere!.page, bytes));
    for (const [page, count] of freePagesOf(list)) pages.take(page, count, true);
  }
  pages.checkUnwritten();
}

/** Which pages are in use or free; no page can be both, or anything twice. */
class PageUse {
  readonly #isTaken: Uint8Array;
  readonly #filePages: number;

  constructor(pages: number, filePages: number) {
    this.#isTaken = new Uint8Array(pages);
    this.#filePages = filePages;
  }

  take(page: number, count: number, isFree = false): void {
    const end = isFree ? this.#isTaken.length : Math.min(this.#isTaken.length, this.#filePages);
    if (page < 2 || count < 1 || page + count > end)
      throw new Damage(`page ${page} lies outside of the file`);
    for (let i = page; i < page + count; i++) {
      if (this.#isTaken[i] === 1) throw new Damage(`page ${i} is used twice`);
      this.#isTaken[i] = 1;
    }
  }

  /** Throws where pages beyond the end of the file are not known to be free. */
  checkUnwritten(): void {
    const missing = this.#isTaken.indexOf(0, this.#filePages);
    if (missing >= 0) throw new Damage(`it is cut off at page ${this.#filePages}`);
  }
}

type Order = (a: Buffer, b: Buffer) => number;
const byBytes: Order = (a, b) => Buffer.compare(a, b);
const byNumber: Order = (a, b) => wide(a, 0) - wide(b, 0);

/** A page of a tree and the keys that it may have: from `low` on, below `high`. */
interface Place {
  readonly page: number;
  readonly low?: Buffer;
  readonly high?: Buffer;
}

/** Checks a tree level by level. Returns the nodes of its leaves where they are those of the free list. */
async function checkTree(
  reader: PageReader,
  pages: PageUse,
  { transaction, pageSize }: Meta,
  tree: Tree,
  keyBytes: number,
  order: Order,
): Promise<Node[]> {
  const kept: Node[] = [];
  const elsewhere: { page: number; pages: number }[] = [];
  let level: Place[] = tree.root === undefined ? [] : [{ page: tree.root }];
  let branches = 0;
  let leaves = 0;
  let entries = 0;
  if (tree.depth > 32 || (tree.depth === 0) !== (level.length === 0)) throw new Damage('a tree is too deep');
  for (let depth = 1; depth <= tree.depth; depth++) {
    const isBranch = depth < tree.depth;
    const below: Place[] = [];
    for (const place of level) pages.take(place.page, 1);
    for (const place of level.toSorted((a, b) => a.page - b.page)) {
      const page = await reader.page(place.page);
      const nodes = nodesOf(page, place.page, { isBranch, keyBytes, transaction });
      checkOrder(nodes, place, isBranch, order);
      if (isBranch) {
        branches++;
        nodes.forEach(({ child, key }, i) => {
          // The first key of a branch stands for all that are smaller.
          const low = i === 0 ? place.low : Buffer.from(key);
          const high = i + 1 < nodes.length ? Buffer.from(nodes[i + 1].key) : place.high;
          below.push({ page: child, low, high });
        });
        continue;
      }
      leaves++;
      entries += nodes.length;
      for (const node of nodes) {
        if (node.elsewhere) {
          const { page: first, pages: count } = node.elsewhere;
          // More where a larger value was replaced.
          if (count * pageSize < headerBytes + node.bytes) {
            throw new Damage(`page ${place.page} has a value that is too large`);
          }
          pages.take(first, count);
          elsewhere.push(node.elsewhere);
        }
        if (order === byNumber) kept.push(ownCopy(node));
      }
    }
    level = below;
  }
  let overflowPages = 0;
  for (const { page, pages: count } of elsewhere.toSorted((a, b) => a.page - b.page)) {
    checkOverflow(await reader.page(page), page, count, transaction);
    overflowPages += count;
  }
  const areCounts =
    branches === tree.branchPages &&
    leaves === tree.leafPages &&
    entries === tree.entries &&
    overflowPages === tree.overflowPages;
  if (!areCounts) throw new Damage('it has not as many pages or entries as it says');
  return kept;
}

function checkOrder(
  nodes: readonly Node[],
  { page, low, high }: Place,
  isBranch: boolean,
  order: Order,
): void {
  let last = low;
  nodes.forEach(({ key }, i) => {
    if (isBranch && i === 0) return;
    const comparison = last === undefined ? 1 : order(key, last);
    // The first of a page may be the very key that the page above has for it.
    const isFirst = last === low && !isBranch;
    if (comparison < 0 || (comparison === 0 && !isFirst)) throw new Damage(`page ${page} is out of order`);
    last = key;
  });
  if (high !== undefined && last !== undefined && last !== low && order(last, high) >= 0) {
    throw new Damage(`page ${page} is out of order`);
  }
}

function ownCopy(node: Node): Node {
  return { ...node, key: Buffer.from(node.key), value: node.value && Buffer.from(node.value) };
}

/**
 * The runs of pages [first, count] that a record of the free list has: a number of items, and then items of a page number,
 * zeros between them, or a negative count and the first page of a run.
 */
function* freePagesOf(list: Buffer): Generator<[number, number]> {
  const items = list.length < 8 ? -1 : wide(list, 0);
  if (items < 0 || (items + 1) * 8 > list.length) throw new Damage('the list of free pages is damaged');
  for (let i = 1; i <= items; i++) {
    const isRun = list.readInt32LE(i * 8 + 4) < 0;
    if (!isRun) {
      const page = wide(list, i * 8);
      if (page !== 0) yield [page, 1];
      continue;
    }
    const count = -Number(list.readBigInt64LE(i * 8));
    if (++i > items) throw new Damage('the list of free pages is damaged');
    yield [wide(list, i * 8), count];
  }
}

/** Reads pages of a file, and the block around each. */
class PageReader {
  readonly #file: FileHandle;
  readonly #size: number;
  readonly #pageSize: number;
  readonly #block = Buffer.alloc(blockBytes);
  #blockStart = -1;

  constructor(file: FileHandle, size: number, pageSize: number) {
    this.#file = file;
    this.#size = size;
    this.#pageSize = pageSize;
  }

  /** Page `number`, up to the next call. */
  async page(number: number): Promise<Buffer> {
    const at = number * this.#pageSize;
    const start = at - (at % blockBytes);
    if (start !== this.#blockStart) {
      this.#blockStart = -1;
      await this.#read(this.#block.subarray(0, Math.min(blockBytes, this.#size - start)), start);
      this.#blockStart = start;
    }
    return this.#block.subarray(at - start, at - start + this.#pageSize);
  }

  /** The `bytes` bytes of the value that begins on page `number`. */
  async value(number: number, bytes: number): Promise<Buffer> {
    const value = Buffer.alloc(bytes);
    await this.#read(value, number * this.#pageSize + headerBytes);
    return value;
  }

  async #read(into: Buffer, position: number): Promise<void> {
    const { bytesRead } = await this.#file.read(into, 0, into.length, position);
    if (bytesRead < into.length) throw new Damage('it ends within a page');
  }
}
