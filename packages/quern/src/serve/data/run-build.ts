import type { BigIntStats } from 'node:fs';
import type { Embedder } from '../../dense/embedder.ts';
import { QuernError, throwIfAborted } from '../../errors.ts';
import { syncFolder } from '../../whole-file.ts';
import { buildInBackground } from './background-build.ts';
import type { BuildProgress } from './build-work.ts';
import { writeBuiltRecord } from './built-record.ts';
import type { BuiltIndex } from './builds.ts';
import { contentOf } from './corpus-facts.ts';
import { passingName } from './data-names.ts';
import type { DataSpace } from './data-space.ts';
import type { PlainTree } from './plain-tree.ts';

/** What is to be built of what. */
export interface BuildRequest {
  readonly index: string;
  readonly corpus: string;
  /** Default `english`. */
  readonly analyzer?: string;
  /** Keep titles and texts for display. Default false. */
  readonly store?: boolean;
  /** Embeds the documents, too. Whoever opened it closes it. */
  readonly dense?: Embedder;
}

/** A build, and where it happens. */
export interface RunningBuild extends BuildRequest {
  readonly tree: PlainTree;
  readonly space: DataSpace;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: BuildProgress) => void;
  /** Puts the folder `passing` in the place of the index. */
  readonly putInPlace: (passing: string) => Promise<void>;
}

/** Milliseconds between two looks at what is free. */
const interval = 1000;

/**
 * Builds an index under a passing name, vectors included, and puts it in its place when it is whole: until then the old one
 * stands. Whatever is thrown, nothing is left.
 */
export async function runBuild(build: RunningBuild): Promise<BuiltIndex> {
  const { tree, space, index, corpus, dense, signal } = build;
  const file = await tree.openFile('corpora', corpus, 'corpus.jsonl');
  if (file === undefined) throw noCorpusFile(corpus);
  const passing = passingName(index, 'partial');
  try {
    const stats = await file.stat({ bigint: true });
    // One that does not work is to fail before anything is built.
    await dense?.embed(['quern'], 'document', signal);
    const summary = await watchingDisk(space, signal, (watched) =>
      buildInBackground(
        {
          corpus: { fd: file.fd, bytes: Number(stats.size) },
          out: tree.path('indexes', passing),
          analyzer: build.analyzer,
          store: build.store ?? false,
        },
        { embedder: dense, signal: watched, onProgress: build.onProgress },
      ),
    );
    throwIfAborted(signal);
    await writeBuiltRecord(tree, passing, builtRecord(corpus, stats));
    await syncFolder(tree.path('indexes', passing));
    const room = await space.reserve();
    try {
      const bytes = await tree.bytes(['indexes', passing]);
      await room.take(bytes);
      await build.putInPlace(passing);
      return { ...summary, bytes };
    } finally {
      await room.release();
    }
  } catch (error) {
    await tree.remove('indexes', passing).catch(() => undefined);
    throw withoutPath(error, tree);
  } finally {
    await file.close();
  }
}

function builtRecord(corpus: string, stats: BigIntStats): Parameters<typeof writeBuiltRecord>[2] {
  return { corpus, content: contentOf(stats), built: new Date().toISOString() };
}

/** The error for a corpus of which no index can be built. */
export function noCorpusFile(corpus: string): QuernError {
  return new QuernError('NOT_FOUND', 'the corpus has no corpus.jsonl', {
    where: `corpora/${corpus}`,
    hint: 'Send that first',
  });
}

/**
 * What `work` resolves to. Throws `DISK_FULL` once less is free than is to be: no search may be left without a byte by a
 * build, whose passing files are not counted beforehand.
 */
async function watchingDisk<T>(
  space: DataSpace,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  await space.checkDisk();
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let full: unknown;
  const timer = setInterval(() => {
    space.checkDisk().catch((error: unknown) => {
      full ??= error;
      stop();
    });
  }, interval);
  try {
    return await work(stopping.signal);
  } catch (error) {
    throw full ?? error;
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', stop);
  }
}

/** An error that names places as they lie in the data folder, not where that is. */
function withoutPath(error: unknown, { root }: PlainTree): unknown {
  if (!(error instanceof QuernError) || !error.where?.startsWith(root)) return error;
  const { code, what, hint, cause } = error;
  return new QuernError(code, what, { where: error.where.slice(root.length + 1), hint, cause });
}
