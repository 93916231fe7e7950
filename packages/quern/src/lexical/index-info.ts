import { openSnapshot, type IndexTotals, type Manifest } from './manifest.ts';
import { formatVersion } from './index-format.ts';
import { Segment } from './segment.ts';
import { openSegmentFiles } from './segment-files.ts';
import { mergeTerms, segmentTerms } from './term-merge.ts';

/** A segment of an index. */
export interface SegmentInfo {
  readonly file: string;
  /** The deleted ones not counted. */
  readonly documents: number;
  readonly deleted: number;
  /** Those of deleted documents too. */
  readonly postings: number;
  /** With the file of its deletions not counted. */
  readonly bytes: number;
}

/** What an index is and holds; what deleted documents alone have does not count. */
export interface IndexInfo extends IndexTotals {
  /** The version of its format. */
  readonly format: number;
  readonly generation: number;
  readonly analyzer: string;
  readonly stored: boolean;
  readonly terms: number;
  readonly bytes: number;
  readonly segments: readonly SegmentInfo[];
}

/**
 * What the index in `folder` is and holds. With `verify`, everything is read and every checksum verified. Throws
 * `NOT_FOUND`, `WRONG_VERSION` or `CORRUPT_FILE`.
 */
export function indexInfo(folder: string, { verify = false } = {}): Promise<IndexInfo> {
  return openSnapshot(folder, (manifest) => infoOf(folder, manifest, verify));
}

async function infoOf(folder: string, manifest: Manifest, verify: boolean): Promise<IndexInfo> {
  const { generation, analyzer, stored, totals } = manifest;
  const terms = [];
  const segments: SegmentInfo[] = [];
  for (const entry of manifest.segments) {
    const files = await openSegmentFiles(folder, entry, manifest);
    const { file, deletions } = files;
    try {
      if (verify) await (await Segment.load(files)).verify();
      terms.push(await segmentTerms(file, deletions));
    } finally {
      await file.close();
    }
    const deleted = deletions?.documents.length ?? 0;
    const { documents, postings, bytes } = entry;
    segments.push({ file: entry.file, documents: documents - deleted, deleted, postings, bytes });
  }
  return {
    format: formatVersion,
    generation,
    analyzer,
    stored,
    ...totals,
    terms: mergeTerms(terms).documentFrequencies.length,
    bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    segments,
  };
}
