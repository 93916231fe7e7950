import { crc32 } from 'node:zlib';
import { FileWriter } from './file-writer.ts';
import { endMagic, footBytes, formatVersion, headBytes, padding, startMagic } from './index-format.ts';
import type { IndexFacts, IndexTable, Section, SectionType } from './index-format.ts';

/** Writes a segment file section by section, the table last. */
export class IndexFileWriter {
  readonly #file: FileWriter;
  readonly #sections: Record<string, Section> = {};
  #end = headBytes;

  private constructor(file: FileWriter) {
    this.#file = file;
  }

  /** Starts a segment file at `path`. */
  static async create(path: string): Promise<IndexFileWriter> {
    const file = await FileWriter.create(path);
    const head = Buffer.alloc(headBytes);
    head.write(startMagic, 0, 'latin1');
    head.writeUInt32LE(formatVersion, 8);
    const writer = new IndexFileWriter(file);
    await writer.#at(0, head);
    return writer;
  }

  async #at(position: number, bytes: Uint8Array): Promise<void> {
    const writer = this.#file.at(position);
    await writer.write(bytes);
    await writer.flush();
  }

  /** Writes a section whole. */
  async section(name: string, type: SectionType, content: ArrayBufferView): Promise<void> {
    const stream = this.stream(name, type, content.byteLength);
    await stream.write(content);
    await stream.end();
  }

  /**
   * Reserves `bytes` for a section and returns a stream to fill it, so that several sections can grow side by side.
   * `end` must be called once all of them are written.
   */
  stream(name: string, type: SectionType, bytes: number): SectionStream {
    const offset = this.#end;
    const writer = this.#file.at(offset);
    this.#end += bytes + padding(bytes);
    return {
      offset,
      write: (view) => writer.write(view),
      end: async () => {
        if (writer.written !== bytes) {
          throw new Error(`section ${name} was to have ${bytes} bytes, not ${writer.written}`);
        }
        await writer.write(new Uint8Array(padding(bytes)));
        await writer.flush();
        this.#sections[name] = { type, offset, bytes, checksum: writer.checksum };
      },
    };
  }

  /** Reads back bytes of a section that has ended. */
  read(position: number, length: number): Promise<Uint8Array> {
    return this.#file.read(position, length);
  }

  /** Writes the table and closes the file, durable. Returns the bytes of the file and the checksum of the table. */
  async finish(facts: IndexFacts): Promise<{ bytes: number; checksum: number }> {
    const table: IndexTable = { version: formatVersion, ...facts, sections: this.#sections };
    const json = Buffer.from(JSON.stringify(table));
    const foot = Buffer.alloc(footBytes);
    const checksum = crc32(json);
    foot.writeUInt32LE(checksum, 0);
    foot.writeUInt32LE(json.length, 4);
    foot.write(endMagic, 8, 'latin1');
    await this.#at(this.#end, Buffer.concat([json, foot]));
    await this.#file.close();
    return { bytes: this.#end + json.length + footBytes, checksum };
  }

  /** Closes the file without a table; it cannot be opened as an index. */
  abandon(): Promise<void> {
    return this.#file.discard();
  }
}

/** A section being written; see {@link IndexFileWriter.stream}. */
export interface SectionStream {
  readonly offset: number;
  write(view: ArrayBufferView): Promise<void>;
  end(): Promise<void>;
}
