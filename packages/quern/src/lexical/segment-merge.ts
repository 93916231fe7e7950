/**
 * Merges segments into one that holds their living documents, in the order of the segments. It is, byte for byte, the
 * segment that a build of these documents gives: nothing of the deleted ones is left.
 */
import { throwIfAborted } from '../errors.ts';
import { liveDocuments, type Deletions } from './deletions.ts';
import { IndexFile } from './index-file.ts';
import { IndexFileWriter } from './index-file-writer.ts';
import type { IndexFacts } from './index-format.ts';
import { invert, type Vectors } from './index-inversion.ts';
import { prefixSums, writeIds } from './index-strings.ts';
import { checksumInto, vectorWords, visitRecords } from './section-records.ts';
import { totalsOf, type WrittenSegment } from './segment-draft.ts';
import { idPool, readIds } from './segment-files.ts';
import { mergeTerms, segmentTerms, type MergedTerms } from './term-merge.ts';

/** What is merged, and where to. It can be handed to another thread. */
export interface MergeJob {
  /** Paths of segments, and which documents of each are deleted. */
  readonly sources: readonly { readonly path: string; readonly deletions: Deletions | undefined }[];
  readonly out: string;
  readonly analyzer: string;
  readonly stored: boolean;
  readonly postingsPerPass: number;
}

interface Source {
  readonly file: IndexFile;
  readonly deletions: Deletions | undefined;
  /** The numbers of its living documents. */
  readonly live: Uint32Array;
}

/** Merges segments; on an error, what was written of the new one is still to be removed. Throws `CORRUPT_FILE`. */
export async function mergeSegments(job: MergeJob, signal?: AbortSignal): Promise<WrittenSegment> {
  const sources: Source[] = [];
  try {
    for (const { path, deletions } of job.sources) {
      const file = await IndexFile.open(path);
      sources.push({ file, deletions, live: liveDocuments(file.table.documents, deletions) });
    }
    const file = await IndexFileWriter.create(job.out);
    try {
      return await writeMerged(file, sources, job, signal);
    } catch (error) {
      await file.abandon();
      throw error;
    }
  } finally {
    for (const { file } of sources) await file.close();
  }
}

async function writeMerged(
  file: IndexFileWriter,
  sources: readonly Source[],
  { analyzer, stored, postingsPerPass }: MergeJob,
  signal: AbortSignal | undefined,
): Promise<WrittenSegment> {
  const ids: string[] = [];
  for (const source of sources) {
    const pool = idPool(await readIds(source.file));
    for (const document of source.live) ids.push(pool.text(document));
    throwIfAborted(signal);
  }
  await writeIds(file, ids);
  const lengths = await mergedLengths(sources, ids.length);
  await file.section('document-lengths', 'u32', lengths);
  const segments = [];
  for (const source of sources) segments.push(await segmentTerms(source.file, source.deletions));
  const terms = mergeTerms(segments);
  throwIfAborted(signal);
  await file.section('terms', 'u8', terms.bytes);
  await file.section('term-offsets', 'u32', terms.offsets);
  const postingOffsets = prefixSums(terms.documentFrequencies);
  await file.section('posting-offsets', 'u32', Uint32Array.from(postingOffsets));
  const vectors = await copyVectors(file, sources, terms, ids.length, signal);
  const passes = await invert(file, vectors, postingOffsets, lengths, postingsPerPass, signal);
  if (stored) await copyStores(file, sources, signal);
  const facts: IndexFacts = {
    analyzer,
    documents: ids.length,
    postings: postingOffsets[postingOffsets.length - 1],
    ...totalsOf(lengths),
    terms: terms.documentFrequencies.length,
  };
  return { facts, passes, ...(await file.finish(facts)) };
}

async function mergedLengths(sources: readonly Source[], documents: number): Promise<Uint32Array> {
  const merged = new Uint32Array(documents);
  let next = 0;
  for (const { file, live } of sources) {
    const lengths = await file.array('document-lengths', 'u32', file.table.documents);
    for (const document of live) merged[next++] = lengths[document];
  }
  return merged;
}

/** Copies the vectors of the living documents, with the numbers that their terms have now. */
async function copyVectors(
  out: IndexFileWriter,
  sources: readonly Source[],
  { documentFrequencies, numbers }: MergedTerms,
  documents: number,
  signal: AbortSignal | undefined,
): Promise<Vectors> {
  const offsets = new Float64Array(documents + 1);
  const missing = documentFrequencies.slice();
  let postings = 0;
  for (const count of documentFrequencies) postings += count;
  const section = out.stream('vectors', 'records', documents * 8 + postings * 8);
  let written = 0;
  for (const [i, { file, live }] of sources.entries()) {
    const places = await placesOf(file, 'vectors', 'vector-offsets');
    const merged = numbers[i];
    await visitRecords(file, 'vectors', places, live, async (record, document) => {
      throwIfAborted(signal);
      const words = vectorWords(file, record, document);
      const size = words[0];
      for (let at = 1; at <= size; at++) {
        const term = merged[words[at]];
        // What the documents have must be what the postings count, or the postings would be written elsewhere.
        if (!(missing[term] > 0))
          throw file.corrupt('vectors', `record ${document} does not fit the postings`);
        missing[term]--;
        words[at] = term;
      }
      checksumInto(record);
      await section.write(record);
      offsets[written + 1] = offsets[written] + record.byteLength;
      written++;
    });
  }
  if (missing.some((count) => count > 0)) {
    throw sources[0].file.corrupt(
      'vectors',
      'this segment, or one merged with it, lacks terms that its postings have',
    );
  }
  await section.end();
  await out.section('vector-offsets', 'f64', offsets);
  return { start: section.offset, bytes: offsets[documents] };
}

async function copyStores(
  out: IndexFileWriter,
  sources: readonly Source[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const places = [];
  const sizes: number[] = [];
  for (const { file, live } of sources) {
    const offsets = await placesOf(file, 'store', 'store-offsets');
    for (const document of live) sizes.push(offsets[document + 1] - offsets[document]);
    places.push(offsets);
  }
  const offsets = prefixSums(sizes);
  const section = out.stream('store', 'records', offsets[sizes.length]);
  for (const [i, { file, live }] of sources.entries()) {
    await visitRecords(file, 'store', places[i], live, (record) => {
      throwIfAborted(signal);
      return section.write(record);
    });
  }
  await section.end();
  await out.section('store-offsets', 'f64', offsets);
}

/** The places of the documents' records in a section. */
function placesOf(file: IndexFile, records: string, name: string): Promise<Float64Array> {
  return file.places(name, 'f64', file.table.documents + 1, file.place(records).bytes);
}
