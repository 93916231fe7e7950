import { QuernError } from '../errors.ts';
import { WebAssembly, type SharedMemory } from './web-assembly.ts';

const pageBytes = 1 << 16;
const maxPages = 1 << 16;

/** Bytes that may be added for searches: sums, tables and the best of each thread. */
const headroom = 1 << 30;

/**
 * The shared memory of an open segment: what its file holds for searching, read once, and the working space of each thread
 * that searches. Threads share it; none has a copy. WebAssembly's addresses end at 4 GiB.
 */
export class SegmentMemory {
  readonly memory: SharedMemory;
  #end = 8;

  /** Room for `bytes` bytes at once, and for more to come. Throws `IO` where the machine has no such memory. */
  constructor(bytes: number) {
    const pages = Math.ceil((bytes + this.#end) / pageBytes) + 1;
    try {
      const maximum = Math.min(maxPages, pages + headroom / pageBytes);
      this.memory = new WebAssembly.Memory({ initial: pages, maximum, shared: true });
    } catch (error) {
      throw new QuernError('IO', `an open segment of the index needs ${megabytes(bytes)} of memory`, {
        hint: 'Free memory, or index the corpus in several parts',
        cause: error,
      });
    }
  }

  /** The address of `bytes` bytes that nothing else uses, a multiple of 8, followed by at least 8 more bytes. */
  allocate(bytes: number): number {
    const address = this.#end;
    if (address + bytes + 8 > this.memory.buffer.byteLength) return grown(this.memory, bytes);
    this.#end += Math.ceil(bytes / 8) * 8;
    return address;
  }
}

/** How many bytes may at most be added to a segment's memory, or a little more. */
export function roomLeft({ buffer }: SharedMemory): number {
  return Math.min(headroom, maxPages * pageBytes - buffer.byteLength);
}

/** The address of `bytes` fresh bytes at the end of `memory`, which any thread may ask for. Throws `IO`. */
export function grown(memory: SharedMemory, bytes: number): number {
  try {
    return memory.grow(Math.ceil((bytes + 8) / pageBytes)) * pageBytes;
  } catch (error) {
    throw new QuernError('IO', `a search needs ${megabytes(bytes)} more memory`, {
      hint: 'Ask for fewer hits, or search with fewer threads',
      cause: error,
    });
  }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
