import { open, type FileHandle } from 'node:fs/promises';
import { fileError } from '../errors.ts';

const mostHeld = 1 << 20;

/** A file that lines are appended to, of any size, within a folder that gets its name when all in it is whole. */
export class JsonlFile {
  readonly path: string;
  readonly #file: FileHandle;
  #held: string[] = [];
  #heldLength = 0;
  #isClosed = false;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  static async create(path: string): Promise<JsonlFile> {
    return new JsonlFile(
      path,
      await open(path, 'w').catch((error: unknown) => {
        throw fileError(error, path);
      }),
    );
  }

  async line(text: string): Promise<void> {
    this.#held.push(text);
    this.#heldLength += text.length;
    if (this.#heldLength > mostHeld) await this.#write();
  }

  /** Writes the rest and makes it durable. */
  async finish(): Promise<void> {
    await this.#write();
    await this.#file.sync();
    await this.close();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#file.close();
  }

  async #write(): Promise<void> {
    if (this.#held.length === 0) return;
    const bytes = Buffer.from(`${this.#held.join('\n')}\n`);
    this.#held = [];
    this.#heldLength = 0;
    try {
      await this.#file.writeFile(bytes);
    } catch (error) {
      throw fileError(error, this.path);
    }
  }
}
