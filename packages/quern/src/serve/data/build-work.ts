import type { Embedder } from '../../dense/embedder.ts';
import { embedCorpus } from '../../dense/embed-corpus.ts';
import { indexCorpus } from '../../lexical/index-corpus.ts';
import { silentWork } from '../../work.ts';
import { fileCorpus, type OpenCorpusFile } from './file-corpus.ts';

/** What a build is to make, in words that a thread can be sent. */
export interface BuildJob {
  readonly corpus: OpenCorpusFile;
  /** The folder of the index, which is not there yet. */
  readonly out: string;
  readonly analyzer?: string;
  readonly store: boolean;
}

/** How far a build is. */
export interface BuildProgress {
  readonly stage: 'indexing' | 'embedding';
  /** Documents that are in, or were given to be embedded. */
  readonly documents: number;
  /** Bytes of the corpus that were read at this stage. */
  readonly bytes: number;
  readonly totalBytes: number;
}

/** What was built. */
export interface BuildSummary {
  readonly analyzer: string;
  readonly documents: number;
  readonly terms: number;
  readonly postings: number;
  readonly tokens: number;
  readonly stored: boolean;
  /** Its vectors, where the documents were embedded. */
  readonly vectors?: { readonly embedder: string; readonly vectors: number; readonly dimensions: number };
}

/** How a build is carried out. */
export interface BuildWorkOptions {
  readonly embedder?: Embedder;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: BuildProgress) => void;
}

/** Makes an index of a corpus, on this thread, and embeds its documents where there is an embedder. Throws what these do. */
export async function buildIndex(
  { corpus, out, analyzer, store }: BuildJob,
  { embedder, signal, onProgress }: BuildWorkOptions,
): Promise<BuildSummary> {
  const told = (stage: BuildProgress['stage'], documents: number, bytes: number): void =>
    onProgress?.({ stage, documents, bytes, totalBytes: corpus.bytes });
  told('indexing', 0, 0);
  const summary = await indexCorpus(fileCorpus(corpus, { signal }), {
    out,
    analyzer,
    store,
    signal,
    onProgress: (documents, bytes) => told('indexing', documents, bytes),
  });
  const { documents, terms, postings, tokens } = summary;
  told('indexing', documents, corpus.bytes);
  const built = { analyzer: summary.analyzer, documents, terms, postings, tokens, stored: store };
  if (!embedder) return built;
  let given = 0;
  told('embedding', 0, 0);
  const { vectors, dimensions } = await embedCorpus(
    fileCorpus(corpus, { signal, onDocument: () => given++ }),
    {
      folder: out,
      embedder,
      signal,
      onWork: (what) => ({
        ...silentWork,
        update: (bytes) => {
          if (what === 'embedding') told('embedding', given, bytes);
        },
      }),
    },
  );
  told('embedding', given, corpus.bytes);
  return { ...built, vectors: { embedder: embedder.id, vectors, dimensions } };
}
