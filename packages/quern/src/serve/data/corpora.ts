import { QuernError, throwIfAborted } from '../../errors.ts';
import type { LeastRate } from './arriving.ts';
import type { Builds } from './builds.ts';
import { inUse, notFound, takeAway } from './data-entries.ts';
import { checkRoomFor, type DataLimits } from './data-limits.ts';
import { corpusInfo, listed, type CorpusInfo, type Unreadable } from './data-lists.ts';
import { checkName, isName, partsOf, type CorpusFile } from './data-names.ts';
import type { DataSpace } from './data-space.ts';
import type { PlainTree } from './plain-tree.ts';
import { receiveFile, type ReceivedFile } from './receive-file.ts';
import { OneByOne } from './one-by-one.ts';

/** How a file is received. */
export interface ReceiveOptions {
  /** Default: {@link DataLimits.mostFileBytes}. */
  readonly mostBytes?: number;
  readonly signal?: AbortSignal;
  /** The least that its bytes must come at. */
  readonly leastRate?: LeastRate;
}

/** A file on its way. */
interface Arrival {
  readonly corpus: string;
  readonly file: CorpusFile;
  readonly done: Promise<unknown>;
}

/** The corpora of a data folder: `corpora/NAME/`, in BEIR's layout, as they were received. */
export class Corpora {
  readonly #tree: PlainTree;
  readonly #space: DataSpace;
  readonly #limits: DataLimits;
  readonly #builds: Builds;
  readonly #turns = new OneByOne();
  readonly #arrivals: Arrival[] = [];
  readonly #closing = new AbortController();

  constructor(tree: PlainTree, space: DataSpace, limits: DataLimits, builds: Builds) {
    this.#tree = tree;
    this.#space = space;
    this.#limits = limits;
    this.#builds = builds;
  }

  /**
   * Receives a file of a corpus, and makes that where it is missing; an older file is replaced when the new one is whole. See
   * {@link receiveFile} for what is checked. Throws `BAD_INPUT`, `TOO_LARGE`, `TIMEOUT`, `DISK_FULL`, `OVERLOADED` where too
   * many are on their way, and `ABORTED`.
   */
  async receive(
    corpus: string,
    file: CorpusFile,
    bytes: AsyncIterable<Uint8Array>,
    options: ReceiveOptions = {},
  ): Promise<ReceivedFile> {
    checkName(corpus, 'corpus');
    partsOf(file);
    const { signal } = options;
    throwIfAborted(this.#closing.signal);
    throwIfAborted(signal);
    if (this.#arrivals.length >= this.#limits.mostReceived) {
      throw new QuernError('OVERLOADED', `${this.#arrivals.length} files are being received already`);
    }
    const stopping = new AbortController();
    const stop = (): void => stopping.abort();
    for (const each of [signal, this.#closing.signal]) each?.addEventListener('abort', stop, { once: true });
    const done = this.#receive(corpus, file, bytes, { ...options, signal: stopping.signal });
    const arrival = { corpus, file, done: done.catch(() => undefined) };
    this.#arrivals.push(arrival);
    try {
      return await done;
    } finally {
      this.#arrivals.splice(this.#arrivals.indexOf(arrival), 1);
      for (const each of [signal, this.#closing.signal]) each?.removeEventListener('abort', stop);
    }
  }

  /** The corpora by name; of one that cannot be read, why. */
  async list(): Promise<(CorpusInfo | Unreadable)[]> {
    const names = (await this.#tree.names('corpora')).filter(isName).sort();
    return listed(names, (name) => corpusInfo(this.#tree, name));
  }

  /** A corpus. Throws `NOT_FOUND`. */
  async get(name: string): Promise<CorpusInfo> {
    checkName(name, 'corpus');
    const found = await corpusInfo(this.#tree, name);
    if (found) return found;
    throw notFound('corpus', name);
  }

  /** Deletes a corpus. Throws `NOT_FOUND`, and `LOCKED` while a file comes to it or a build reads it, or waits to. */
  async delete(name: string): Promise<void> {
    checkName(name, 'corpus');
    await this.#turns.take(name, async () => {
      throwIfAborted(this.#closing.signal);
      if (this.#arrivals.some(({ corpus }) => corpus === name))
        throw inUse('corpus', name, 'is being received');
      if (this.#builds.has({ corpus: name })) throw inUse('corpus', name, 'is being indexed');
      if (!(await this.#tree.hasFolder('corpora', name))) throw notFound('corpus', name);
      await takeAway(this.#tree, 'corpora', name);
    });
    await this.#space.measure();
  }

  /** Stops what is on its way, and waits until nothing of it is left. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#arrivals.map(({ done }) => done));
  }

  async #receive(
    corpus: string,
    file: CorpusFile,
    bytes: AsyncIterable<Uint8Array>,
    { mostBytes = this.#limits.mostFileBytes, signal, leastRate }: ReceiveOptions,
  ): Promise<ReceivedFile> {
    await this.#checkRoom(corpus, file);
    const room = await this.#space.reserve();
    try {
      return await receiveFile({
        tree: this.#tree,
        corpus,
        file,
        bytes,
        mostBytes,
        longestLine: this.#limits.longestLine,
        room,
        inTurn: (placing) => this.#turns.take(corpus, placing),
        signal,
        leastRate,
      });
    } finally {
      await room.release();
    }
  }

  async #checkRoom(corpus: string, file: CorpusFile): Promise<void> {
    const names = (await this.#tree.names('corpora')).filter(isName);
    const splits = (await this.#tree.names('corpora', corpus, 'qrels')).map((name) => `qrels/${name}`);
    // Nothing is waited for from here on: what is on its way counts as if it were there.
    const corpora = new Set([...names, ...this.#arrivals.map((each) => each.corpus)]);
    if (!names.includes(corpus)) {
      corpora.delete(corpus);
      checkRoomFor('corpora', corpora.size, this.#limits.mostCorpora);
    }
    if (!file.startsWith('qrels/') || splits.includes(file)) return;
    const coming = this.#arrivals.filter((each) => each.corpus === corpus && each.file.startsWith('qrels/'));
    const files = new Set([...splits, ...coming.map((each) => each.file)]);
    files.delete(file);
    checkRoomFor('splits', files.size, this.#limits.mostSplits);
  }
}
