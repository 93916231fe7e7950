import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as z from 'zod';
import { fileError, QuernError } from '../errors.ts';
import { searchMethods, vectorPrecisions } from './vector-settings.ts';

/** The name of the manifest in the folder of vectors. */
export const vectorManifestFile = 'dense.json';

const file = z.object({
  file: z.string().regex(/^[a-z]+-\d+\.(bin|json)$/),
  bytes: z.int(),
  checksum: z.int(),
});

const schema = z.object({
  format: z.literal('quern vectors'),
  version: z.literal(1),
  generation: z.int().positive(),
  embedder: z.object({ id: z.string(), dimensions: z.int().positive(), contentHash: z.string() }),
  precision: z.enum(vectorPrecisions),
  method: z.enum(searchMethods).exclude(['auto']),
  recall: z.number().optional(),
  documents: z.int().nonnegative(),
  vectors: z.int().nonnegative(),
  files: z.object({ vectors: file, documents: file, graph: file.optional() }),
  facts: z.record(z.string(), z.unknown()),
});

/** What makes up a vector index. */
export type VectorManifest = Readonly<Omit<z.infer<typeof schema>, 'format' | 'version'>>;

/** What is in the file of a manifest. */
export function vectorManifestText(manifest: VectorManifest): string {
  const content = { format: 'quern vectors', version: 1, ...manifest };
  return `${JSON.stringify({ ...content, checksum: crc32(JSON.stringify(content)) }, null, 2)}\n`;
}

/** Reads the manifest in `folder`. Throws `NOT_FOUND`, `WRONG_VERSION` or `CORRUPT_FILE`. */
export async function readVectorManifest(folder: string): Promise<VectorManifest> {
  const path = join(folder, vectorManifestFile);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw fileError(error, path);
  });
  const hint = 'Embed the corpus again, with quern index … --dense';
  try {
    const { checksum, ...content } = JSON.parse(text) as Record<string, unknown>;
    if (content['format'] === 'quern vectors' && content['version'] !== 1) {
      throw new QuernError('WRONG_VERSION', `vectors of version ${String(content['version'])}, not 1`, {
        where: path,
        hint,
      });
    }
    if (checksum !== crc32(JSON.stringify(content))) throw new Error('the checksum does not match');
    const { format: _, version: __, ...manifest } = schema.parse(content);
    return manifest;
  } catch (error) {
    if (error instanceof QuernError) throw error;
    throw new QuernError('CORRUPT_FILE', 'is damaged', { where: path, hint, cause: error });
  }
}
