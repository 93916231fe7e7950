/**
 * Changes an index while others read it. Documents that are added go to a segment in the making, deletions are noted;
 * a commit writes both to files of their own and puts a manifest in place that names them. Segments become many by that,
 * so they are merged in the background, which a commit of its own ends.
 */
import { realpath, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Document } from '../collections/records.ts';
import { fileError, QuernError, throwIfAborted } from '../errors.ts';
import type { Analyzer } from '../text/analyzer.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { startMerge, type BackgroundMerge } from './background-merge.ts';
import { deletedBefore, isDeleted, withDeleted, writeDeletions, type Deletions } from './deletions.ts';
import { checkPostingsPerPass } from './index-builder.ts';
import { checkAnalyzer } from './index-corpus.ts';
import type { IndexFile } from './index-file.ts';
import { deletionsFileName, partialName, removeFile, removeUnnamed } from './index-folder.ts';
import { segmentFileName, segmentNumber } from './index-folder.ts';
import { namedFiles, readManifest, writeManifest, type IndexTotals, type Manifest } from './manifest.ts';
import type { SegmentEntry } from './manifest.ts';
import { segmentsToMerge } from './merge-policy.ts';
import { defaultPostingsPerPass, SegmentDraft, type WrittenSegment } from './segment-draft.ts';
import { idPool, openSegmentFiles, readIds } from './segment-files.ts';
import type { StringPool } from './string-pool.ts';
import { WriterLock } from './writer-lock.ts';

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

/** A segment of the index as of the last commit, and what the next commit is to delete from it. */
interface Segment {
  readonly entry: SegmentEntry;
  readonly file: IndexFile;
  readonly ids: StringPool;
  readonly deletions: Deletions | undefined;
  readonly pending: Set<number>;
}

/** A merge under way: of which segments as they were, and the number of the new one. */
interface Merge {
  readonly sources: readonly Segment[];
  readonly number: number;
  readonly background: BackgroundMerge;
}

/**
 * The one writer of an index. What it is told takes effect in the order of the calls, whether they are awaited or not,
 * and for readers only by `commit`. After an error other than `BAD_INPUT`, there is only `abandon`.
 */
export class IndexWriter {
  readonly #folder: string;
  readonly #lock: WriterLock;
  readonly #options: IndexWriterOptions;
  #manifest: Manifest;
  #segments: readonly Segment[];
  #nextSegment: number;
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

  private constructor(
    folder: string,
    lock: WriterLock,
    options: IndexWriterOptions,
    manifest: Manifest,
    segments: readonly Segment[],
  ) {
    this.#folder = folder;
    this.#lock = lock;
    this.#options = options;
    this.#manifest = manifest;
    this.#segments = segments;
    this.#nextSegment = manifest.nextSegment;
  }

  /**
   * Opens the index in `folder` for writing and clears away what killed writers left in it. Throws `LOCKED` when
   * somebody writes to it already, `ANALYZER_MISMATCH` when it was made with another analyzer, and what reading it throws:
   * `NOT_FOUND`, `CORRUPT_FILE`, `WRONG_VERSION`.
   */
  static async open(folder: string, options: IndexWriterOptions = {}): Promise<IndexWriter> {
    checkPostingsPerPass('mergeBudget', options.mergeBudget);
    // Before anything is written there: it may be any folder.
    await readManifest(folder);
    const place = await realpath(folder);
    const lock = await WriterLock.acquire(place);
    const segments: Segment[] = [];
    try {
      const manifest = await readManifest(place);
      const { analyzer } = options;
      if (analyzer !== undefined) {
        const name = typeof analyzer === 'string' ? analyzer : analyzer.name;
        checkAnalyzer(name, manifest.analyzer, `the index ${folder} was made with`);
      }
      await removeUnnamed(place, namedFiles(manifest));
      for (const entry of manifest.segments) segments.push(await openSegment(place, entry, manifest));
      return new IndexWriter(place, lock, options, manifest, segments);
    } catch (error) {
      for (const { file } of segments) await file.close();
      await lock.release();
      throw fileError(error, folder);
    }
  }

  /** The name of the analyzer that the documents go through. */
  get analyzer(): string {
    return this.#manifest.analyzer;
  }

  /** Whether documents are stored for display. */
  get stored(): boolean {
    return this.#manifest.stored;
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
        throw (this.#failure = fileError(error, this.#folder));
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
    for (const { file } of this.#segments) await file.close();
    this.#segments = [];
    await this.#lock.release();
  }

  /** Does what a caller wants when everything that was asked for before is done. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#state !== 'open') {
      return Promise.reject(new QuernError('USAGE', 'this writer is closed', { where: this.#folder }));
    }
    return this.#enqueued(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        throwIfAborted(this.#options.signal);
        return await work();
      } catch (error) {
        const failure = fileError(error, this.#folder);
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
    const { analyzer: given = this.#manifest.analyzer, signal } = this.#options;
    const analyzer = typeof given === 'string' ? analyzerNamed(given) : given;
    const path = join(this.#folder, `segment-${this.#nextSegment}`);
    const store = this.#manifest.stored;
    return (this.#draft = await SegmentDraft.create(path, { analyzer, store, signal }));
  }

  /** Notes that the committed document with this id is to be deleted, if there is one. */
  #deleteCommitted(id: string): boolean {
    for (const { ids, deletions, pending } of this.#segments) {
      const number = ids.numberOf(id);
      if (number < 0 || isDeleted(deletions, number)) continue;
      if (pending.has(number)) return false;
      pending.add(number);
      this.#gone.add(id);
      return true;
    }
    return false;
  }

  async #commit(): Promise<CommitSummary> {
    const added = this.documents;
    let replaced = 0;
    for (const id of this.#gone) if (this.placeOf(id) !== undefined) replaced++;
    const removed = this.#gone.size - replaced;
    if (added > 0 || this.#gone.size > 0) {
      await this.#placed(async (made) => {
        const segments: Segment[] = [];
        for (const segment of this.#segments) segments.push(await this.#withPending(segment, made));
        if (added > 0) segments.push(await this.#draftAsSegment(made));
        return segments;
      });
      await this.#draft?.discard();
      this.#draft = undefined;
      this.#gone.clear();
    }
    this.#mergeIfDue();
    const { totals, generation } = this.#manifest;
    const segments = this.#segments.length;
    return { added: added - replaced, replaced, removed, ...totals, segments, generation };
  }

  /** The segment with its pending deletions written. */
  async #withPending(segment: Segment, made: string[]): Promise<Segment> {
    if (segment.pending.size === 0) return segment;
    const { file, deletions, pending } = segment;
    const all = await withDeleted(file, deletions, pending, this.#options.signal);
    return { ...segment, ...(await this.#writtenDeletions(segment.entry, all, made)), pending: new Set() };
  }

  async #writtenDeletions(
    entry: SegmentEntry,
    deletions: Deletions,
    made: string[],
  ): Promise<Pick<Segment, 'entry' | 'deletions'>> {
    const file = deletionsFileName(segmentNumber(entry.file)!, this.#manifest.generation + 1);
    made.push(file);
    await writeDeletions(join(this.#folder, file), deletions);
    return { entry: { ...entry, deletions: { file, documents: deletions.documents.length } }, deletions };
  }

  async #draftAsSegment(made: string[]): Promise<Segment> {
    const number = this.#nextSegment++;
    const path = join(this.#folder, partialName(segmentFileName(number)));
    made.push(partialName(segmentFileName(number)));
    const written = await this.#draft!.write(path, this.#postingsPerPass());
    return this.#openWritten(number, written, made);
  }

  #postingsPerPass(): number {
    return this.#options.mergeBudget ?? defaultPostingsPerPass;
  }

  /** Gives a segment that was written its final name and opens it. */
  async #openWritten(
    number: number,
    { facts, bytes, checksum }: WrittenSegment,
    made: string[],
  ): Promise<Segment> {
    const file = segmentFileName(number);
    made.push(file);
    await rename(join(this.#folder, partialName(file)), join(this.#folder, file));
    const { documents, postings } = facts;
    return openSegment(this.#folder, { file, documents, postings, bytes, checksum }, this.#manifest);
  }

  /**
   * Makes the segments that `change` gives those of the index: by a manifest of the next generation. `change` notes the
   * names of the files that it makes; where something fails, those are removed again.
   */
  async #placed(change: (made: string[]) => Promise<readonly Segment[]>): Promise<void> {
    const made: string[] = [];
    const { generation, analyzer, stored } = this.#manifest;
    let changed: readonly Segment[] = [];
    try {
      changed = await change(made);
      const kept = changed.filter((segment) => !isEmpty(segment) || this.#isMerging(segment));
      const manifest = {
        generation: generation + 1,
        analyzer,
        stored,
        nextSegment: this.#nextSegment,
        segments: kept.map(({ entry }) => entry),
        totals: totalsOf(kept),
      };
      await writeManifest(this.#folder, manifest);
      const named = namedFiles(manifest);
      for (const { file } of [...this.#segments, ...changed]) {
        if (!kept.some((segment) => segment.file === file)) await file.close();
      }
      for (const name of [...namedFiles(this.#manifest), ...made]) {
        if (!named.has(name)) await removeFile(join(this.#folder, name));
      }
      this.#segments = kept;
      this.#manifest = manifest;
    } catch (error) {
      for (const { file } of changed)
        if (!this.#segments.some((old) => old.file === file)) await file.close();
      // Should the manifest have been put in place before the error, they are part of the index.
      const current = await readManifest(this.#folder).catch(() => undefined);
      const named = current && namedFiles(current);
      for (const name of made) if (named && !named.has(name)) await removeFile(join(this.#folder, name));
      throw error;
    }
  }

  #isMerging({ entry }: Segment): boolean {
    return this.#merge?.sources.some((source) => source.entry.file === entry.file) ?? false;
  }

  #mergeIfDue(): void {
    if (this.#merge || this.#mergeError !== undefined || this.#state === 'abandoned') return;
    const places = segmentsToMerge(
      this.#segments.map(({ file, deletions }) => ({
        documents: file.table.documents,
        deleted: deletions?.documents.length ?? 0,
        postings: file.table.postings - (deletions?.postings ?? 0),
      })),
    );
    if (!places) return;
    const sources = places.map((place) => this.#segments[place]);
    const number = this.#nextSegment++;
    const background = startMerge({
      sources: sources.map(({ file, deletions }) => ({ path: file.path, deletions })),
      out: join(this.#folder, partialName(segmentFileName(number))),
      analyzer: this.#manifest.analyzer,
      stored: this.#manifest.stored,
      postingsPerPass: this.#postingsPerPass(),
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
      await this.#enqueued(() => this.#install(merge, written));
    } catch (error) {
      // A merge that was asked to stop has not failed.
      if (this.#state !== 'abandoned' && !signal?.aborted) this.#mergeError = fileError(error, this.#folder);
    } finally {
      signal?.removeEventListener('abort', stop);
      this.#merge = undefined;
    }
    if (signal?.aborted || this.#failure !== undefined) return;
    this.#mergeIfDue();
    // If another one began, `#merging` is that one's.
    if (this.#merge) await this.#merging;
  }

  /** Puts a merged segment in the place of its sources. Documents deleted since the merge began are deleted in it. */
  async #install({ sources, number }: Merge, written: WrittenSegment): Promise<void> {
    // After a failed commit it is not known which manifest is in place.
    if (this.#failure !== undefined) return;
    await this.#placed(async (made) => {
      made.push(partialName(segmentFileName(number)));
      let merged = await this.#openWritten(number, written, made);
      const deleted: number[] = [];
      let base = 0;
      let place = -1;
      const segments = [...this.#segments];
      for (const source of sources) {
        const at = segments.findIndex(({ entry }) => entry.file === source.entry.file);
        const { deletions, pending } = segments[at];
        if (place < 0) place = at;
        segments.splice(at, 1);
        const before = source.deletions?.documents ?? new Uint32Array();
        const inMerged = (document: number): number => base + document - deletedBefore(before, document);
        for (const document of deletions?.documents ?? []) {
          if (!isDeleted(source.deletions, document)) deleted.push(inMerged(document));
        }
        for (const document of pending) merged.pending.add(inMerged(document));
        base += source.file.table.documents - before.length;
      }
      if (deleted.length > 0) {
        try {
          const deletions = await withDeleted(merged.file, undefined, deleted);
          merged = { ...merged, ...(await this.#writtenDeletions(merged.entry, deletions, made)) };
        } catch (error) {
          await merged.file.close();
          throw error;
        }
      }
      segments.splice(place, 0, merged);
      return segments;
    });
  }
}

async function openSegment(
  folder: string,
  entry: SegmentEntry,
  manifest: Pick<Manifest, 'analyzer' | 'stored'>,
): Promise<Segment> {
  const { file, deletions } = await openSegmentFiles(folder, entry, manifest);
  try {
    return { entry, file, ids: idPool(await readIds(file)), deletions, pending: new Set() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Whether all documents of a segment are deleted. */
function isEmpty({ file, deletions }: Segment): boolean {
  return (deletions?.documents.length ?? 0) === file.table.documents;
}

function totalsOf(segments: readonly Segment[]): IndexTotals {
  const totals = { documents: 0, documentsWithTerms: 0, postings: 0, tokens: 0, deleted: 0 };
  for (const { file, deletions } of segments) {
    const { table } = file;
    const deleted = deletions?.documents.length ?? 0;
    totals.documents += table.documents - deleted;
    totals.documentsWithTerms += table.documentsWithTerms - (deletions?.documentsWithTerms ?? 0);
    totals.postings += table.postings - (deletions?.postings ?? 0);
    totals.tokens += table.tokens - (deletions?.tokens ?? 0);
    totals.deleted += deleted;
  }
  return totals;
}
