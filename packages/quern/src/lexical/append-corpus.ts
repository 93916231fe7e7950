import type { Corpus } from '../collections/corpus.ts';
import { QuernError } from '../errors.ts';
import { addDocuments, type IndexCorpusOptions } from './index-corpus.ts';
import { IndexWriter, type CommitSummary } from './index-writer.ts';
import { readManifest } from './manifest.ts';
import { repeatedId } from './segment-draft.ts';

/** How a corpus is added to an index. `store` must agree with the index where it is given. */
export type AppendCorpusOptions = Omit<IndexCorpusOptions, 'postingsPerPass'>;

/** What was done, and what the index holds now. */
export interface AppendSummary extends CommitSummary {
  readonly analyzer: string;
}

/**
 * Adds a corpus to the index in `out`, all of it or nothing: a document takes the place of the one with its id. Waits
 * for the merges that this makes due. Throws `BAD_INPUT` for an id that the corpus has twice, and what
 * {@link IndexWriter.open} throws.
 */
export async function appendCorpus(corpus: Corpus, options: AppendCorpusOptions): Promise<AppendSummary> {
  const { out, analyzer, store, signal, onProgress } = options;
  const writer = await IndexWriter.open(out, { analyzer, signal });
  try {
    checkCorpus(corpus, writer, options);
    if (store && !writer.stored) {
      throw new QuernError('USAGE', 'this index does not store documents', {
        where: out,
        hint: 'Leave --store out, or build the index again with it',
      });
    }
    const checked = (id: string, where: string): void => {
      const first = writer.placeOf(id);
      if (first !== undefined) throw repeatedId(id, first, where);
    };
    await addDocuments(
      corpus,
      {
        add: (document, where) => {
          checked(document.id, where);
          return writer.add(document, where);
        },
        addVector: (id, vector, where) => {
          checked(id, where);
          return writer.addVector(id, vector, where);
        },
      },
      (bytes) => onProgress?.(writer.documents, bytes),
    );
    const done = await writer.commit();
    await writer.close();
    // The merges may have made fewer segments of those that the commit left.
    const { totals, generation, segments } = await readManifest(out);
    return { ...done, ...totals, segments: segments.length, generation, analyzer: writer.analyzer };
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

/** Throws unless the index was made with what made the corpus's term vectors, if that is known. */
function checkCorpus(corpus: Corpus, { analyzer }: IndexWriter, { out }: AppendCorpusOptions): void {
  if (corpus.kind !== 'vectors' || corpus.analyzer === undefined) return;
  if (corpus.analyzer === analyzer) return;
  throw new QuernError(
    'ANALYZER_MISMATCH',
    `was made with the analyzer ${analyzer}, not ${corpus.analyzer}`,
    {
      where: out,
      hint: 'These term vectors belong to an index of their own',
    },
  );
}
