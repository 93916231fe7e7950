import { throwIfAborted } from '../errors.ts';
import type { Embedder } from './embedder.ts';
import type { EmbeddingJournal } from './embedding-journal.ts';

/** How far {@link embedAll} is. */
export interface EmbeddingCounts {
  /** Texts that were embedded. */
  readonly embedded: number;
  /** Texts whose vectors were there: in the journal, or of the same text before. */
  readonly reused: number;
}

/** How {@link embedAll} goes about it. */
export interface EmbedAllOptions {
  /** How many texts are embedded and written at once. Default 256. */
  readonly batch?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (counts: EmbeddingCounts) => void;
}

/**
 * The vectors of texts as documents, in their order. Only what the journal lacks is embedded, a batch of different texts at a
 * time, which is in the journal before any of its vectors is given. So whoever was killed loses one batch at most. Throws
 * what the embedder, the journal and `texts` throw, and `ABORTED`.
 */
export async function* embedAll(
  texts: Iterable<string> | AsyncIterable<string>,
  embedder: Embedder,
  journal: EmbeddingJournal,
  { batch = 256, signal, onProgress }: EmbedAllOptions = {},
): AsyncGenerator<Float32Array, void> {
  const counts = { embedded: 0, reused: 0 };
  let waiting: string[] = [];
  const lacking = new Set<string>();
  async function* vectors(): AsyncGenerator<Float32Array, void> {
    if (lacking.size > 0) {
      const fresh = [...lacking];
      lacking.clear();
      await journal.append(fresh, await embedder.embed(fresh, 'document', signal));
      counts.embedded += fresh.length;
      counts.reused -= fresh.length;
    }
    counts.reused += waiting.length;
    const given = waiting;
    waiting = [];
    onProgress?.({ ...counts });
    for (const text of given) yield (await journal.get(text))!;
  }
  for await (const text of texts) {
    throwIfAborted(signal);
    waiting.push(text);
    if (!journal.has(text)) lacking.add(text);
    if (lacking.size >= batch || waiting.length >= 16 * batch) yield* vectors();
  }
  yield* vectors();
}
