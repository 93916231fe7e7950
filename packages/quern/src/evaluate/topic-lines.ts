import type { FileHandle } from 'node:fs/promises';
import { QuernError } from '../errors.ts';

/** How large files of lines may be. */
export interface TopicLinesLimits {
  /** Bytes of the file. Default 1 GiB. */
  readonly bytes?: number;
  /** Bytes of a line, and of all lines of a topic. Default 4 MiB. */
  readonly lines?: number;
  /** Default 200,000. */
  readonly topics?: number;
}

/** From the first byte to the one after the last. */
type Range = readonly [start: number, end: number];

const chunkBytes = 1 << 20;

/** Where the lines of each topic lie in a file, so that those of one can be read without the others. */
export class TopicLines {
  readonly #ranges: ReadonlyMap<string, readonly Range[]>;
  readonly #mostBytes: number;

  private constructor(ranges: ReadonlyMap<string, readonly Range[]>, mostBytes: number) {
    this.#ranges = ranges;
    this.#mostBytes = mostBytes;
  }

  /**
   * Reads a file through. `topicOf` says whose a line is; those of nobody are left out. Throws `UNSUPPORTED` for what is larger than
   * the limits, and what the file system does.
   */
  static async of(
    file: FileHandle,
    topicOf: (line: Buffer) => string | undefined,
    { bytes = 1 << 30, lines = 4 << 20, topics = 200_000 }: TopicLinesLimits = {},
  ): Promise<TopicLines> {
    const ranges = new Map<string, Range[]>();
    const add = (line: Buffer, start: number): void => {
      const topic = topicOf(line);
      if (topic === undefined) return;
      const of = ranges.get(topic) ?? [];
      const last = of.at(-1);
      const end = start + line.length + 1;
      if (last && last[1] === start) of[of.length - 1] = [last[0], end];
      else of.push([start, end]);
      ranges.set(topic, of);
      if (ranges.size > topics) throw tooLarge(`has more than ${topics} topics`);
      if (of.length > 1000) throw tooLarge('has the lines of a topic in more than 1000 places');
    };
    const chunk = Buffer.allocUnsafe(chunkBytes);
    let rest = Buffer.alloc(0);
    let offset = 0;
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunkBytes, offset + rest.length);
      if (bytesRead === 0) break;
      const block = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      if (offset + block.length > bytes) throw tooLarge(`is larger than ${bytes} bytes`);
      let start = 0;
      for (let end = block.indexOf(0x0a); end !== -1; end = block.indexOf(0x0a, start)) {
        add(block.subarray(start, end), offset + start);
        start = end + 1;
      }
      rest = block.subarray(start);
      offset += start;
      if (rest.length > lines) throw tooLarge(`has a line of more than ${lines} bytes`);
    }
    if (rest.length > 0) add(rest, offset);
    return new TopicLines(ranges, lines);
  }

  /** The lines of a topic; none where there are none. Throws `UNSUPPORTED` where they are larger than the limits. */
  async read(file: FileHandle, topic: string): Promise<string[]> {
    const ranges = this.#ranges.get(topic) ?? [];
    const total = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
    if (total > this.#mostBytes) throw tooLarge(`has more than ${this.#mostBytes} bytes of one topic`);
    const lines: string[] = [];
    for (const [start, end] of ranges) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
      const text = buffer.toString('utf8', 0, bytesRead);
      lines.push(...text.split('\n').filter((line) => line !== ''));
    }
    return lines;
  }
}

function tooLarge(what: string): QuernError {
  return new QuernError('UNSUPPORTED', what);
}
