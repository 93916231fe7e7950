/**
 * Changes an index while others read it. Documents that are added go to a segment in the making, deletions are noted;
 * a commit writes both to files of their own and puts a manifest in place that names them. Segments become many by that,
 * so they are merged in the background, which a commit of its own ends.
 */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Document } from '../collections/records.ts';
import { fileError, QuernError, throwIfAborted } from '../errors.ts';
import type { ProcessLock } from '../process-lock.ts';
import type { Analyzer } from '../text/analyzer.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { startMerge, type BackgroundMerge } from './background-merge.ts';
import { CommittedSegments, type CommittedSegment } from './committed-segments.ts';
import { checkPostingsPerPass } from './index-builder.ts';
import { checkAnalyzer } from './index-corpus.ts';
import { partialName, removeUnnamed, segmentFileName } from './index-folder.ts';
import { installMerge, type MergedSegments } from './install-merge.ts';
import { namedFiles, openSnapshot, readManifest, type IndexTotals } from './manifest.ts';
import { segmentsToMerge } from './merge-policy.ts';
import { defaultPostingsPerPass, SegmentDraft } from './segment-draft.ts';
import { lockWriter } from './writer-lock.ts';

/** How an index is written to. */
export interface IndexWriterOptions {
  /** What analyses the documents: must be of the name that the index was made with. Default: the one of that name. */
  readonly analyzer?: Analyzer | string;
  /** Postings that a commit or a merge holds in memory at once (6 bytes each). Default 16 Mi. */
  readonly mergeBudget?: number;
  readonly signal?: AbortSignal;
}

/** What a commit did, and what the index holds after it. */
export interface CommitSummary extends IndexTotals {
  /** Documents whose ids were new. */
  readonly added: number;
  /** Documents that took the place of one with the same id. */
  readonly replaced: number;
  /** Documents that were deleted, replaced ones not counted. */
  readonly removed: number;
  readonly segments: number;
  readonly generation: number;
}

/** A merge under way. */
interface Merge extends MergedSegments {
  readonly background: BackgroundMerge;
}

/**
 * The one writer of an index. What it is told takes effect in the order of the calls, whether they are awaited or not,
 * and for readers only by `commit`. After an error other than `BAD_INPUT`, there is only `abandon`.
 */
export class IndexWriter {
  readonly #committed: CommittedSegments;
  readonly #lock: ProcessLock;
  readonly #options: IndexWriterOptions;
  readonly #postingsPerPass: number;
  #draft: SegmentDraft | undefined;
  /** The ids of committed documents that the next commit deletes, because they were deleted or replaced. */
  readonly #gone = new Set<string>();
  #merge: Merge | undefined;
  /** Ends when no merge is under way or due. */
  #merging: Promise<void> = Promise.resolve();
  #mergeError: unknown;
  #queue: Promise<unknown> = Promise.resolve();
  #failure: unknown;
  #state: 'open' | 'closed' | 'abandoned' = 'open';

  private constructor(committed: CommittedSegments, lock: ProcessLock, options: IndexWriterOptions) {
    this.#committed = committed;
    this.#lock = lock;
    this.#options = options;
    this.#postingsPerPass = options.mergeBudget ?? defaultPostingsPerPass;
  }

  /**
   * Opens the index in `folder` for writing and clears away what killed writers left in it. Throws `LOCKED` when
   * somebody writes to it already, `ANALYZER_MISMATCH` when it was made with another analyzer, and what reading it throws:
   * `NOT_FOUND`, `CORRUPT_FILE` (also where a file that the manifest names is missing), `WRONG_VERSION`.
   */
  static async open(folder: string, options: IndexWriterOptions = {}): Promise<IndexWriter> {
    checkPostingsPerPass('mergeBudget', options.mergeBudget);
    // Before anything is written there: it may be any folder.
    await readManifest(folder);
    const place = await realpath(folder);
    const lock = await lockWriter(place);
    try {
      const committed = await openSnapshot(place, async (manifest) => {
        const { analyzer } = options;
        if (analyzer !== undefined) {
          const name = typeof analyzer === 'string' ? analyzer : analyzer.name;
          checkAnalyzer(name, manifest.analyzer, `the index ${folder} was made with`);
        }
        await removeUnnamed(place, namedFiles(manifest));
        return CommittedSegments.open(place, manifest);
      });
      return new IndexWriter(committed, lock, options);
    } catch (error) {
      await lock.release();
      throw fileError(error, folder);
    }
  }

  /** The name of the analyzer that the documents go through. */
  get analyzer(): string {
    return this.#committed.manifest.analyzer;
  }

  /** Whether documents are stored for display. */
  get stored(): boolean {
    return this.#committed.manifest.stored;
  }

  /** Documents added and not yet committed. */
  get documents(): number {
    return this.#draft?.documents ?? 0;
  }

  /** Where the uncommitted document with this id came from; undefined where there is none. */
  placeOf(id: string): string | undefined {
    return this.#draft?.placeOf(id);
  }

  /** Analyses and adds a document, in place of the one with its id if there is one. `where` names its place for errors. */
  add(document: Document, where: string): Promise<void> {
    return this.#inTurn(async () => {
      await (await this.#draftToAddTo()).add(document, where, true);
      this.#deleteCommitted(document.id);
    });
  }

  /** Adds a document by its term frequencies, as `add` does. Throws `USAGE` in an index that stores documents. */
  addVector(id: string, frequencies: ReadonlyMap<string, number>, where: string): Promise<void> {
    return this.#inTurn(async () => {
      await (await this.#draftToAddTo()).addVector(id, frequencies, where, true);
      this.#deleteCommitted(id);
    });
  }

  /** Deletes a document; false where there is none with this id. */
  delete(id: string): Promise<boolean> {
    return this.#inTurn(() => {
      const added = this.#draft?.placeOf(id) !== undefined;
      if (added) this.#draft!.drop(id);
      return Promise.resolve(this.#deleteCommitted(id) || added);
    });
  }

  /**
   * Makes everything since the last commit part of the index, all at once: who opens it from now on sees it. When this
   * resolves it is durable. If nothing changed, nothing is written.
   */
  commit(): Promise<CommitSummary> {
    return this.#inTurn(() =>
      this.#commit().catch((error: unknown) => {
        throw (this.#failure = fileError(error, this.#committed.folder));
      }),
    );
  }

  /**
   * Waits for the merges under way or due, drops what was not committed, and lets go of the index. Throws what a merge
   * failed by: the index is as whole as before, but in more segments.
   */
  async close(): Promise<void> {
    if (this.#state === 'open') this.#state = 'closed';
    await this.#queue;
    await this.#merging;
    await this.#letGo();
    const error = this.#mergeError;
    this.#mergeError = undefined;
    if (error !== undefined) throw error;
  }

  /** Stops merging, drops what was not committed, and lets go of the index. */
  async abandon(): Promise<void> {
    this.#state = 'abandoned';
    this.#merge?.background.stop();
    await this.#queue;
    await this.#merging;
    await this.#letGo();
  }

  async #letGo(): Promise<void> {
    await this.#draft?.discard();
    this.#draft = undefined;
    await this.#committed.close();
    await this.#lock.release();
  }

  /** Does what a caller wants when everything that was asked for before is done. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#state !== 'open') {
      return Promise.reject(
        new QuernError('USAGE', 'this writer is closed', { where: this.#committed.folder }),
      );
    }
    return this.#enqueued(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        throwIfAborted(this.#options.signal);
        return await work();
      } catch (error) {
        const failure = fileError(error, this.#committed.folder);
        const isHarmless = failure instanceof QuernError && ['BAD_INPUT', 'USAGE'].includes(failure.code);
        if (!isHarmless) this.#failure = failure;
        throw failure;
      }
    });
  }

  #enqueued<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  async #draftToAddTo(): Promise<SegmentDraft> {
    if (this.#draft) return this.#draft;
    const { analyzer: given = this.analyzer, signal } = this.#options;
    const analyzer = typeof given === 'string' ? analyzerNamed(given) : given;
    const path = join(this.#committed.folder, `segment-${this.#committed.nextNumber}`);
    return (this.#draft = await SegmentDraft.create(path, { analyzer, store: this.stored, signal }));
  }

  /** Notes that the committed document with this id is to be deleted, if there is one. */
  #deleteCommitted(id: string): boolean {
    const isNew = this.#committed.noteDeletion(id);
    if (isNew) this.#gone.add(id);
    return isNew;
  }

  async #commit(): Promise<CommitSummary> {
    const added = this.documents;
    let replaced = 0;
    for (const id of this.#gone) if (this.placeOf(id) !== undefined) replaced++;
    const removed = this.#gone.size - replaced;
    if (added > 0 || this.#gone.size > 0) {
      const changed = async (made: string[]): Promise<readonly CommittedSegment[]> => {
        const segments = await this.#committed.withPending(made, this.#options.signal);
        return added > 0 ? [...segments, await this.#draftAsSegment(made)] : segments;
      };
      await this.#committed.place(changed, (segment) => this.#isMerging(segment), added > 0);
      await this.#draft?.discard();
      this.#draft = undefined;
      this.#gone.clear();
    }
    this.#mergeIfDue();
    const { totals, generation } = this.#committed.manifest;
    const segments = this.#committed.all.length;
    return { added: added - replaced, replaced, removed, ...totals, segments, generation };
  }

  async #draftAsSegment(made: string[]): Promise<CommittedSegment> {
    const number = this.#committed.takeNumber();
    const path = join(this.#committed.folder, partialName(segmentFileName(number)));
    made.push(partialName(segmentFileName(number)));
    const written = await this.#draft!.write(path, this.#postingsPerPass);
    return this.#committed.openWritten(number, written, made);
  }

  #isMerging({ entry }: CommittedSegment): boolean {
    return this.#merge?.sources.some((source) => source.entry.file === entry.file) ?? false;
  }

  #mergeIfDue(): void {
    if (this.#merge || this.#mergeError !== undefined || this.#state === 'abandoned') return;
    const places = segmentsToMerge(
      this.#committed.all.map(({ file, deletions }) => ({
        documents: file.table.documents,
        deleted: deletions?.documents.length ?? 0,
        postings: file.table.postings - (deletions?.postings ?? 0),
      })),
    );
    if (!places) return;
    const sources = places.map((place) => this.#committed.all[place]);
    const number = this.#committed.takeNumber();
    const background = startMerge({
      sources: sources.map(({ file, deletions }) => ({ path: file.path, deletions })),
      out: join(this.#committed.folder, partialName(segmentFileName(number))),
      analyzer: this.analyzer,
      stored: this.stored,
      postingsPerPass: this.#postingsPerPass,
    });
    const merge = { sources, number, background };
    this.#merge = merge;
    this.#merging = this.#merged(merge);
  }

  /** Waits for a merge, puts its segment in place, and goes on with the next one. */
  async #merged(merge: Merge): Promise<void> {
    const stop = (): void => merge.background.stop();
    const { signal } = this.#options;
    signal?.addEventListener('abort', stop);
    try {
      const written = await merge.background.done;
      await this.#enqueued(async () => {
        // After a failed commit, this one among them, it is not known which manifest is in place.
        if (this.#failure !== undefined) return;
        try {
          await installMerge(this.#committed, merge, written, (segment) => this.#isMerging(segment));
        } catch (error) {
          throw (this.#failure = fileError(error, this.#committed.folder));
        }
      });
    } catch (error) {
      // A merge that was asked to stop has not failed.
      if (this.#state !== 'abandoned' && !signal?.aborted)
        this.#mergeError = fileError(error, this.#committed.folder);
    } finally {
      signal?.removeEventListener('abort', stop);
      this.#merge = undefined;
    }
    if (signal?.aborted || this.#failure !== undefined) return;
    this.#mergeIfDue();
    // If another one began, `#merging` is that one's.
    if (this.#merge) await this.#merging;
  }
}
