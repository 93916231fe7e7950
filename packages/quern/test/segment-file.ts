import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestText, readManifest } from '../src/lexical/manifest.ts';

/** The path of the only segment of the index in `folder`. */
export async function segmentFileOf(folder: string): Promise<string> {
  const { segments } = await readManifest(folder);
  if (segments.length !== 1) throw new Error(`${folder} has ${segments.length} segments`);
  return join(folder, segments[0].file);
}

interface Counts {
  readonly documents: number;
  readonly documentsWithTerms: number;
  readonly postings: number;
  readonly tokens: number;
}

/** Makes `folder` an index of one segment with these bytes, which the manifest takes for what they say they are. */
export async function putSegment(folder: string, bytes: Uint8Array): Promise<void> {
  const buffer = Buffer.from(bytes);
  let counts: Counts = { documents: 0, documentsWithTerms: 0, postings: 0, tokens: 0 };
  let checksum = 0;
  try {
    const end = buffer.length - 16;
    checksum = buffer.readUInt32LE(end);
    const table = buffer.subarray(end - buffer.readUInt32LE(end + 4), end).toString();
    const { documents, documentsWithTerms, postings, tokens } = JSON.parse(table) as Counts;
    counts = { documents, documentsWithTerms, postings, tokens };
  } catch {
    // Not a whole segment.
  }
  const { documents, postings } = counts;
  await writeFile(join(folder, 'segment-1.quern'), bytes);
  const manifest = {
    generation: 1,
    analyzer: 'whitespace',
    stored: true,
    nextSegment: 2,
    segments: [{ file: 'segment-1.quern', documents, postings, bytes: bytes.length, checksum }],
    totals: { ...counts, deleted: 0 },
  };
  await writeFile(join(folder, 'manifest.json'), manifestText(manifest));
}
