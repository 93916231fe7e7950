import { openSegmentFiles, idPool, readIds } from '../src/lexical/segment-files.ts';
import { liveDocuments } from '../src/lexical/deletions.ts';
import { openSnapshot, type Manifest } from '../src/lexical/manifest.ts';
import { vectorWords, visitRecords } from '../src/lexical/section-records.ts';
import { segmentTerms } from '../src/lexical/term-merge.ts';

/** What an index holds, whatever segments it lies in: that of two indexes of the same documents is the same. */
export interface IndexDump {
  readonly analyzer: string;
  readonly documents: number;
  readonly documentsWithTerms: number;
  readonly postings: number;
  readonly tokens: number;
  /** By id, sorted: terms and frequencies in byte order, and what is stored. */
  readonly vectors: Readonly<Record<string, readonly (readonly [string, number])[]>>;
  readonly stored: Readonly<Record<string, unknown>> | undefined;
  /** How many documents have each term, as the statistics of the segments say. */
  readonly documentFrequencies: Readonly<Record<string, number>>;
  /** Which living documents the postings of each term name. */
  readonly postingDocuments: Readonly<Record<string, readonly string[]>>;
}

/** Reads the whole of the index in `folder` and verifies every checksum. */
export function dumpIndex(folder: string): Promise<IndexDump> {
  return openSnapshot(folder, (manifest) => dumpOf(folder, manifest));
}

async function dumpOf(folder: string, manifest: Manifest): Promise<IndexDump> {
  const vectors = new Map<string, [string, number][]>();
  const stored = new Map<string, unknown>();
  const documentFrequencies = new Map<string, number>();
  const postingDocuments = new Map<string, string[]>();
  for (const entry of manifest.segments) {
    const { file, deletions } = await openSegmentFiles(folder, entry, manifest);
    try {
      await file.verify();
      const { documents, postings } = file.table;
      const ids = idPool(await readIds(file));
      const live = liveDocuments(documents, deletions);
      const terms = await segmentTerms(file, deletions);
      const texts: string[] = [];
      const posted = await file.array('posting-documents', 'i32', postings);
      const places = await file.array('posting-offsets', 'u32', terms.documentFrequencies.length + 1);
      const isLive = new Set(live);
      for (const [term, count] of terms.documentFrequencies.entries()) {
        const bytes = terms.bytes.subarray(terms.offsets[term], terms.offsets[term + 1]);
        const text = Buffer.from(bytes).toString();
        texts.push(text);
        if (count === 0) continue;
        documentFrequencies.set(text, (documentFrequencies.get(text) ?? 0) + count);
        const named = [...posted.subarray(places[term], places[term + 1])].filter((each) => isLive.has(each));
        const before = postingDocuments.get(text) ?? [];
        postingDocuments.set(text, [...before, ...named.map((each) => ids.text(each))]);
      }
      const vectorPlaces = await file.array('vector-offsets', 'f64', documents + 1);
      await visitRecords(file, 'vectors', vectorPlaces, live, (record, document) => {
        const words = vectorWords(file, record, document);
        const id = ids.text(document);
        if (vectors.has(id)) throw new Error(`two living documents have the id ${id}`);
        if (ids.numberOf(id) !== document) throw new Error(`the id ${id} finds another document`);
        const pairs = Array.from({ length: words[0] }, (_, i) => [
          texts[words[1 + i]],
          words[1 + words[0] + i],
        ]);
        vectors.set(id, pairs as [string, number][]);
      });
      if (manifest.stored) {
        const storePlaces = await file.array('store-offsets', 'f64', documents + 1);
        await visitRecords(file, 'store', storePlaces, live, (record, document) => {
          const json = Buffer.from(record.subarray(0, -4)).toString();
          stored.set(ids.text(document), JSON.parse(json));
        });
      }
    } finally {
      await file.close();
    }
  }
  for (const documents of postingDocuments.values()) documents.sort();
  const { deleted: _, ...totals } = manifest.totals;
  return {
    analyzer: manifest.analyzer,
    ...totals,
    vectors: sorted(vectors),
    stored: manifest.stored ? sorted(stored) : undefined,
    documentFrequencies: sorted(documentFrequencies),
    postingDocuments: sorted(postingDocuments),
  };
}

function sorted<T>(entries: Map<string, T>): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}
