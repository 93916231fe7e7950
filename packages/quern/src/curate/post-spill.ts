import { appendFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../errors.ts';

/** Characters that are held back until they are written. */
const mostHeld = 1 << 24;

/** The source's bytes that a file of posts is to have about. */
const bytesPerFile = 48 << 20;
const mostFiles = 1024;

/** How many files the posts of so many bytes are spread over: none is to be more than memory takes easily. */
export function spillFiles(bytes: number): number {
  return Math.min(mostFiles, Math.max(1, Math.ceil(bytes / bytesPerFile)));
}

/**
 * Posts on their way to their questions: spread over files by the lot of the question, so that a question and its answers, far
 * apart in a dump, come to lie in the same file, and one file after the other fits into memory.
 */
export class PostSpill {
  readonly #folder: string;
  readonly #held: string[][];
  readonly #bytes: number[];
  #heldCharacters = 0;

  constructor(folder: string, files: number, bytes?: readonly number[]) {
    this.#folder = folder;
    this.#held = Array.from({ length: files }, () => []);
    this.#bytes = bytes === undefined ? Array.from({ length: files }, () => 0) : [...bytes];
  }

  /** Whether the files are there with these lengths at least. */
  static async holds(folder: string, bytes: readonly number[]): Promise<boolean> {
    for (const [i, length] of bytes.entries()) {
      const { size } = await stat(spillPath(folder, i)).catch(() => ({ size: -1 }));
      if (size < length) return false;
    }
    return true;
  }

  /** The files, in their order; one that no post came to is not there. */
  get paths(): string[] {
    return this.#bytes.map((_, i) => spillPath(this.#folder, i));
  }

  /** How long each file is, as far as it is written. */
  get bytes(): readonly number[] {
    return this.#bytes;
  }

  /** Adds a line to the file that `place` (from 0 to 1) leads to. */
  add(place: number, line: string): void {
    this.#held[Math.floor(place * this.#held.length)].push(line);
    this.#heldCharacters += line.length + 1;
  }

  /** Writes what is held back, once it is much. */
  async settle(): Promise<void> {
    if (this.#heldCharacters > mostHeld) await this.write();
  }

  /** Writes all that is held back. */
  async write(): Promise<void> {
    for (const [i, lines] of this.#held.entries()) {
      if (lines.length === 0) continue;
      const bytes = Buffer.from(`${lines.join('\n')}\n`);
      this.#held[i] = [];
      const path = spillPath(this.#folder, i);
      try {
        await appendFile(path, bytes);
      } catch (error) {
        throw fileError(error, path);
      }
      this.#bytes[i] += bytes.length;
    }
    this.#heldCharacters = 0;
  }

  /** Removes the files. */
  async remove(): Promise<void> {
    for (const path of this.paths) await rm(path, { force: true });
  }

  /** Cuts the files to the lengths that this was made with: what a killed run wrote after these is written again. */
  async restore(): Promise<void> {
    for (const [i, bytes] of this.#bytes.entries()) {
      const path = spillPath(this.#folder, i);
      if (bytes === 0) await writeFile(path, '');
      else await truncate(path, bytes);
    }
  }
}

function spillPath(folder: string, i: number): string {
  return join(folder, `posts-${String(i).padStart(4, '0')}.jsonl`);
}
