import type { Corpus } from '../collections/corpus.ts';
import { QuernError, throwIfAborted } from '../errors.ts';
import { stopSignal } from '../stop-signal.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { bulkDocument, type BulkDocument } from './bulk-document.ts';
import { BulkLimits, type BulkBounds } from './bulk-limits.ts';
import { documentsToSend, sendDocuments, type BulkSending } from './bulk-sender.ts';
import { OpenSearchConnection } from './connection.ts';
import { finishLoad, openForLoad } from './load-index.ts';
import type { OpenSearchLayout } from './mapping.ts';

/** How a corpus is loaded into a cluster. */
export interface LoadCorpusOptions extends OpenSearchLayout {
  /** `opensearch:INDEX@URL`. */
  readonly to: string;
  /** Keep titles and texts for display. Default false. */
  readonly store?: boolean;
  /** What is sent at once, at most. Default: 1,000 documents or 4 MiB a request, four requests. */
  readonly bounds?: BulkBounds;
  /** For how many milliseconds it is tried on while the cluster takes nothing. Default five minutes. */
  readonly patience?: number;
  readonly signal?: AbortSignal;
  /** Told now and then how many documents are in, and how many bytes of the corpus have been read. */
  readonly onProgress?: (documents: number, bytes: number) => void;
}

/** What was loaded. */
export interface LoadSummary {
  readonly analyzer: string;
  readonly documents: number;
  readonly tokens: number;
  /** Documents that an earlier run, which was broken off, had loaded. */
  readonly present: number;
  readonly shards: number;
  readonly replicas: number;
  /** How often the cluster took no more for a time. */
  readonly timesPushedBack: number;
}

/**
 * Loads a corpus into an index of a cluster, which is created; or goes on with a load that was broken off: what the index has
 * already, by its ids, is not sent again. All is counted at the end, and only then does the index say that it is complete. Throws
 * `ALREADY_EXISTS` where a complete index is there, `BAD_INPUT` where it is not Quern's, where an id comes twice or a document
 * is refused, and what sending and the connection throw.
 */
export async function loadCorpus(corpus: Corpus, options: LoadCorpusOptions): Promise<LoadSummary> {
  const { to, bounds, patience = 300_000, onProgress } = options;
  if (corpus.kind === 'vectors') {
    throw new QuernError(
      'USAGE',
      'term vectors cannot be loaded into OpenSearch, which analyses texts itself',
      {
        where: '--to',
        hint: 'Index them in a folder: --out FOLDER',
      },
    );
  }
  const analyzer = analyzerNamed('english');
  const connection = await OpenSearchConnection.open(to);
  const stopping = stopSignal(options.signal);
  const { signal } = stopping;
  try {
    const { isResumed, facts } = await openForLoad(connection, { ...options, signal });
    const limits = new BulkLimits(bounds);
    const sending: BulkSending = { connection, limits, patience, signal };
    const counts = { documents: 0, tokens: 0, created: 0, present: 0, bytes: 0 };
    const failures: unknown[] = [];
    const send = async (batch: readonly BulkDocument[]): Promise<void> => {
      const lacking = isResumed ? await documentsToSend(batch, connection, signal) : batch;
      const sent = await sendDocuments(lacking, sending);
      counts.created += sent.created;
      counts.present += batch.length - lacking.length + sent.present;
      onProgress?.(counts.created + counts.present, counts.bytes);
    };
    const underWay = new Set<Promise<void>>();
    const begin = async (batch: readonly BulkDocument[]): Promise<void> => {
      await limits.enter();
      if (failures.length > 0) return;
      const work = send(batch)
        .catch((error: unknown) => {
          failures.push(error);
          stopping.stop();
        })
        .finally(() => {
          limits.leave();
          underWay.delete(work);
        });
      underWay.add(work);
    };
    try {
      let batch: BulkDocument[] = [];
      let bytes = 0;
      for await (const placed of corpus.documents((count) => (counts.bytes += count))) {
        if (failures.length > 0) break;
        throwIfAborted(signal);
        const document = bulkDocument(placed, analyzer, facts.stored);
        const most = limits.now;
        if (batch.length > 0 && (batch.length >= most.documents || bytes + document.bytes > most.bytes)) {
          await begin(batch);
          batch = [];
          bytes = 0;
        }
        batch.push(document);
        bytes += document.bytes;
        counts.documents++;
        counts.tokens += document.tokens;
      }
      if (batch.length > 0) await begin(batch);
    } finally {
      await Promise.all(underWay);
    }
    if (failures.length > 0) throw failures[0];
    const layout = await finishLoad(connection, facts, counts, signal);
    const { documents, tokens, present } = counts;
    const { timesPushedBack } = limits;
    return { analyzer: facts.analyzer, documents, tokens, present, ...layout, timesPushedBack };
  } finally {
    stopping.stop();
    await connection.close();
  }
}
