import type { FileHandle } from 'node:fs/promises';

const BLOCK_BYTES = 256 * 1024;
const MOST_BLOCKS = 32;

const lineFeed = 0x0a;

/**
 * Lines of a file by where they begin. The blocks that were read last are kept, 8 MiB of them, so that lines that are asked for
 * nearly in the order of the file are read from the disk once.
 */
export class BlockReader {
  readonly #file: FileHandle;
  readonly #blocks = new Map<number, Buffer>();
  /** Blocks that were read from the file. */
  reads = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** The bytes from `start` up to the next line feed, without it, or to the file's end. */
  async line(start: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let at = start; ;) {
      const number = Math.floor(at / BLOCK_BYTES);
      const block = await this.#block(number);
      const from = at - number * BLOCK_BYTES;
      const end = block.indexOf(lineFeed, from);
      parts.push(block.subarray(from, end === -1 ? undefined : end));
      if (end !== -1 || block.length < BLOCK_BYTES) return Buffer.concat(parts);
      at = (number + 1) * BLOCK_BYTES;
    }
  }

  async #block(number: number): Promise<Buffer> {
    const kept = this.#blocks.get(number);
    // The one that is used comes last, and the first is let go of.
    if (kept) this.#blocks.delete(number);
    const block = kept ?? (await this.#read(number));
    this.#blocks.set(number, block);
    if (this.#blocks.size > MOST_BLOCKS) this.#blocks.delete(this.#blocks.keys().next().value!);
    return block;
  }

  async #read(number: number): Promise<Buffer> {
    this.reads++;
    const block = Buffer.alloc(BLOCK_BYTES);
    let length = 0;
    while (length < BLOCK_BYTES) {
      const { bytesRead } = await this.#file.read(
        block,
        length,
        BLOCK_BYTES - length,
        number * BLOCK_BYTES + length,
      );
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return block.subarray(0, length);
  }
}
