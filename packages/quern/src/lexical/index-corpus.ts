import type { Corpus } from '../collections/corpus.ts';
import { QuernError } from '../errors.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { IndexBuilder, type BuildOptions, type BuildSummary } from './index-builder.ts';

/** How a corpus is indexed. */
export interface IndexCorpusOptions extends Omit<BuildOptions, 'analyzer'> {
  /** The analyzer's name. Texts: `english` when not given. Term vectors: must agree with what the corpus declares. */
  readonly analyzer?: string;
  /** Told now and then how many documents are in, and how many bytes of the corpus have been read. */
  readonly onProgress?: (documents: number, bytes: number) => void;
}

/**
 * The analyzer for indexing `corpus`. Throws `ANALYZER_MISMATCH` when `given` contradicts the one that made the
 * corpus's term vectors, and `USAGE` when neither names one.
 */
export function analyzerFor(corpus: Pick<Corpus, 'kind'> & { analyzer?: string }, given?: string): string {
  if (corpus.kind === 'text') return given ?? 'english';
  const made = corpus.analyzer;
  if (given !== undefined && made !== undefined)
    checkAnalyzer(given, made, 'these term vectors were made with');
  const name = given ?? made;
  if (name !== undefined) return name;
  throw new QuernError('USAGE', 'these term vectors do not say which analyzer made them', {
    hint: 'Name it with --analyzer, so that queries are analysed alike',
  });
}

/** Throws `ANALYZER_MISMATCH` unless both names are the same. */
export function checkAnalyzer(given: string, made: string, what: string): void {
  if (given === made) return;
  throw new QuernError('ANALYZER_MISMATCH', `${what} the analyzer ${made}, not ${given}`, {
    hint: `Leave --analyzer out, or give ${made}`,
  });
}

/** Indexes a corpus into `out` and returns what was built. Duplicate or empty ids throw `BAD_INPUT` naming the place. */
export async function indexCorpus(corpus: Corpus, options: IndexCorpusOptions): Promise<BuildSummary> {
  const analyzer = analyzerNamed(analyzerFor(corpus, options.analyzer));
  if (corpus.kind === 'vectors' && options.store) {
    throw new QuernError('USAGE', 'term vectors have no text to store', { hint: 'Leave --store out' });
  }
  const builder = await IndexBuilder.create({ ...options, analyzer });
  try {
    await addDocuments(corpus, builder, (bytes) => options.onProgress?.(builder.documents, bytes));
  } catch (error) {
    await builder.abandon();
    throw error;
  }
  return builder.finish();
}

/** Adds the documents of a corpus to an index; `onBytes` is told how many bytes of it have been read. */
export async function addDocuments(
  corpus: Corpus,
  target: Pick<IndexBuilder, 'add' | 'addVector'>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  let bytes = 0;
  const counted = (count: number): void => onBytes((bytes += count));
  if (corpus.kind === 'text') {
    for await (const { document, where } of corpus.documents(counted)) await target.add(document, where);
  } else {
    for await (const { document, where } of corpus.documents(counted)) {
      await target.addVector(document.id, document.vector, where);
    }
  }
}
