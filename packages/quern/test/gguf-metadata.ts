import { readFileSync } from 'node:fs';
import type { GgufValue } from '../src/models/gguf/gguf-format.ts';
import { readGguf } from '../src/models/gguf/gguf-reader.ts';
import { writeGguf } from '../src/models/gguf/gguf-writer.ts';

/** Writes the GGUF file at `path` to `out` with other metadata beside its own. */
export async function writeWithMetadata(
  path: string,
  out: string,
  changes: Readonly<Record<string, GgufValue>>,
): Promise<void> {
  const { metadata, tensors } = await readGguf(path, { lists: true });
  const bytes = readFileSync(path);
  await writeGguf(
    out,
    new Map([...metadata, ...Object.entries(changes)]),
    tensors.map((tensor) => ({
      name: tensor.name,
      dimensions: tensor.dimensions,
      type: tensor.type,
      write: (sink) => sink(bytes.subarray(tensor.position, tensor.position + tensor.bytes)),
    })),
  );
}
