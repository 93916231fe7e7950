import { QuernError } from '../../errors.ts';
import { RangedFile } from '../checkpoint/file-ranges.ts';
import type { GgufMetadata, GgufTensor } from './gguf-format.ts';
import { parseGgufHead, UnreadBytes } from './gguf-head.ts';

/** A tensor of a GGUF file with the place of its data. */
export interface PlacedTensor extends GgufTensor {
  /** Where its data begins in the file. */
  readonly position: number;
  readonly bytes: number;
}

/** What a GGUF file tells before its tensors' data. */
export interface GgufInfo {
  readonly version: number;
  /** In the order of the file; without lists where they were not asked for. */
  readonly metadata: GgufMetadata;
  readonly tensors: readonly PlacedTensor[];
  /** The bytes of the file. */
  readonly bytes: number;
}

/** Options of {@link readGguf}. */
export interface ReadGgufOptions {
  /**
   * Whether lists in the metadata are read too. The tokens and merges of a model are 300,000 texts; without them reading
   * is faster and takes no memory. Default false.
   */
  readonly lists?: boolean;
  readonly signal?: AbortSignal;
}

/** As much is read at first, then eight times as much, and so on. */
const firstBytes = 1 << 18;

/** No file has more before its tensors' data: the largest vocabularies take some ten million bytes. */
const maxHeadBytes = 1 << 28;

/**
 * Reads the metadata and the tensors' places of a GGUF file (version 2 or 3, little-endian), everything checked: counts and
 * lengths against the file's size before anything is reserved for them, offsets and ends of the tensors' data, types.
 *
 * Throws `NOT_FOUND`, `IO`, `ABORTED`, `CORRUPT_FILE` where it is no GGUF file or a damaged one, and `UNSUPPORTED` for
 * other versions, byte orders and tensor types.
 */
export async function readGguf(path: string, options: ReadGgufOptions = {}): Promise<GgufInfo> {
  const file = await RangedFile.open(path);
  try {
    for (let wanted = firstBytes; ; wanted *= 8) {
      const head = new Uint8Array(Math.min(wanted, file.bytes, maxHeadBytes));
      await file.read(0, head, options.signal);
      try {
        return parseGgufHead(head, file.bytes, path, options.lists ?? false);
      } catch (error) {
        if (!(error instanceof UnreadBytes)) throw error;
        if (head.length < Math.min(file.bytes, maxHeadBytes)) continue;
        const what =
          head.length < file.bytes ? 'has too much before its tensors' : 'ends within its metadata';
        throw new QuernError('CORRUPT_FILE', what, { where: path });
      }
    }
  } finally {
    await file.close();
  }
}

/** A number in the metadata, undefined where the key is missing or holds something else. */
export function metadataNumber(metadata: GgufMetadata, key: string): number | undefined {
  const value = metadata.get(key);
  if (!value || value.type === 'array' || value.type === 'string' || value.type === 'bool') return undefined;
  return Number(value.value);
}

/** A text in the metadata, undefined where the key is missing or holds something else. */
export function metadataText(metadata: GgufMetadata, key: string): string | undefined {
  const value = metadata.get(key);
  return value?.type === 'string' ? value.value : undefined;
}
