import { QuernError } from '../../errors.ts';
import { RangedFile } from './file-ranges.ts';
import { writeNewFile } from '../new-file.ts';
import { dtypeBytes, headerLength, lengthBytes, parseHeader } from './safetensors-header.ts';
import type { Dtype, SafetensorsHeader, SafetensorsTensor } from './safetensors-header.ts';

/** An open safetensors file, whose tensors are read in ranges. */
export class SafetensorsFile {
  readonly #file: RangedFile;
  readonly #header: SafetensorsHeader;

  private constructor(file: RangedFile, header: SafetensorsHeader) {
    this.#file = file;
    this.#header = header;
  }

  /** Opens a file and checks its header whole. Throws `NOT_FOUND`, `IO`, `CORRUPT_FILE` and `ABORTED`. */
  static async open(path: string, signal?: AbortSignal): Promise<SafetensorsFile> {
    const file = await RangedFile.open(path);
    try {
      if (file.bytes < lengthBytes) {
        throw new QuernError('CORRUPT_FILE', 'is too short for a safetensors file', { where: path });
      }
      const first = new Uint8Array(lengthBytes);
      await file.read(0, first, signal);
      const header = new Uint8Array(headerLength(first, file.bytes, path));
      await file.read(lengthBytes, header, signal);
      return new SafetensorsFile(file, parseHeader(header, file.bytes, path));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get path(): string {
    return this.#file.path;
  }

  /** The tensors by name, in the order of their data. */
  get tensors(): SafetensorsHeader['tensors'] {
    return this.#header.tensors;
  }

  /** Texts that the writer added. */
  get metadata(): SafetensorsHeader['metadata'] {
    return this.#header.metadata;
  }

  /** Fills `target` with the bytes of a tensor from its byte `offset` on. Throws `ABORTED`, `CORRUPT_FILE` and `IO`. */
  read(tensor: SafetensorsTensor, offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (offset + target.length > tensor.bytes) throw new RangeError(`beyond the end of ${tensor.name}`);
    return this.#file.read(tensor.position + offset, target, signal);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** A tensor to be written: its bytes, little-endian, in one piece or several. */
export interface NewTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView | Iterable<ArrayBufferView> | AsyncIterable<ArrayBufferView>;
}

/**
 * Writes a safetensors file, the tensors in the order given, beside `path`, and renames it when it is whole. Throws
 * `BAD_INPUT` for two tensors of one name and for data of another length than dtype and shape ask for, `IO` and
 * `DISK_FULL`.
 */
export function writeSafetensors(
  path: string,
  tensors: readonly NewTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  return writeNewFile(path, async (file) => {
    const described: [string, unknown][] = [];
    if (Object.keys(metadata).length > 0) described.push(['__metadata__', metadata]);
    let end = 0;
    for (const { name, dtype, shape } of tensors) {
      const start = end;
      end += shape.reduce((product, size) => product * size, dtypeBytes[dtype]);
      described.push([name, { dtype, shape, data_offsets: [start, end] }]);
    }
    if (new Set(described.map(([name]) => name)).size < described.length) {
      throw new QuernError('BAD_INPUT', 'two tensors have one name, or one that is reserved', {
        where: path,
      });
    }
    const json = Buffer.from(JSON.stringify(Object.fromEntries(described)));
    // Padded as the reference does, so that the data begins at a multiple of 8.
    const header = Buffer.alloc(lengthBytes + Math.ceil(json.length / 8) * 8, ' ');
    header.writeBigUInt64LE(BigInt(header.length - lengthBytes));
    header.set(json, lengthBytes);
    await file.write(header);
    for (const tensor of tensors) {
      const start = file.bytes;
      for await (const piece of piecesOf(tensor.data)) await file.write(piece);
      const expected = tensor.shape.reduce((product, size) => product * size, dtypeBytes[tensor.dtype]);
      if (file.bytes - start !== expected) {
        const what = `tensor ${tensor.name} has ${file.bytes - start} bytes of data instead of ${expected}`;
        throw new QuernError('BAD_INPUT', what, { where: path });
      }
    }
  });
}

function piecesOf(data: NewTensor['data']): Iterable<ArrayBufferView> | AsyncIterable<ArrayBufferView> {
  return ArrayBuffer.isView(data) ? [data] : data;
}
