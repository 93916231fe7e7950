/**
 * Builds an index of one segment (see `segment-draft.ts`). All of it happens in a {@link WorkFolder} beside the final
 * one, which is renamed at the end.
 */
import type { Document } from '../collections/records.ts';
import { fileError, QuernError } from '../errors.ts';
import type { Analyzer } from '../text/analyzer.ts';
import type { IndexFacts } from './index-format.ts';
import { WorkFolder } from './index-work-folder.ts';
import { defaultPostingsPerPass, SegmentDraft } from './segment-draft.ts';

/** How an index is built. */
export interface BuildOptions {
  /** The folder of the index. A new one is made; one that holds an index gets the new index in its place. */
  readonly out: string;
  /** Analyses documents now and queries later. With term vectors: what made them. */
  readonly analyzer: Analyzer;
  /** Keep titles, texts and metadata for display. Default false. */
  readonly store?: boolean;
  /** Postings held in memory at once (6 bytes each). Default 16 Mi. */
  readonly postingsPerPass?: number;
  readonly signal?: AbortSignal;
}

/** What was built, and how much work it took. */
export interface BuildSummary extends IndexFacts {
  /** Times that the documents' vectors were read to invert them. */
  readonly passes: number;
  /** Bytes of the segment's file. */
  readonly bytes: number;
}

/**
 * An index under construction: add documents, one after the other, then `finish`, or `abandon`. A document that
 * `BAD_INPUT` was thrown for is not in the index; after any other error there is only `abandon`.
 */
export class IndexBuilder {
  readonly #options: BuildOptions;
  readonly #work: WorkFolder;
  readonly #draft: SegmentDraft;

  private constructor(options: BuildOptions, work: WorkFolder, draft: SegmentDraft) {
    this.#options = options;
    this.#work = work;
    this.#draft = draft;
  }

  /**
   * Starts an index. Throws `ALREADY_EXISTS` where `out` is a file, or a folder with other content than an index, `LOCKED` where
   * somebody writes to it, `NOT_FOUND` where the folder above it does not exist, and `USAGE` where it is the root of a volume.
   */
  static async create(options: BuildOptions): Promise<IndexBuilder> {
    checkPostingsPerPass('postingsPerPass', options.postingsPerPass);
    const { out, analyzer, store = false, signal } = options;
    const work = await WorkFolder.create(out);
    try {
      const draft = await SegmentDraft.create(work.file('draft'), { analyzer, store, signal });
      return new IndexBuilder(options, work, draft);
    } catch (error) {
      await work.remove();
      throw error;
    }
  }

  /** The documents added so far. */
  get documents(): number {
    return this.#draft.documents;
  }

  /** Analyses and adds a document. `where` names its place for errors; a repeated id throws `BAD_INPUT`. */
  add(document: Document, where: string): Promise<void> {
    return this.#draft.add(document, where);
  }

  /** Adds a document by its term frequencies, positive integers. Throws `USAGE` in an index that stores documents. */
  addVector(id: string, frequencies: ReadonlyMap<string, number>, where: string): Promise<void> {
    return this.#draft.addVector(id, frequencies, where);
  }

  /** Sorts, inverts and writes the index, puts it in its place, and says what it holds. */
  async finish(): Promise<BuildSummary> {
    const { analyzer, store = false, postingsPerPass = defaultPostingsPerPass } = this.#options;
    try {
      const segment = await this.#draft.write(this.#work.segmentPath, postingsPerPass);
      await this.#draft.discard();
      await this.#work.putInPlace(segment, { analyzer: analyzer.name, stored: store });
      const { facts, passes, bytes } = segment;
      return { ...facts, passes, bytes };
    } catch (error) {
      await this.abandon();
      throw fileError(error, this.#work.out);
    }
  }

  /** Stops and removes everything that was written. */
  async abandon(): Promise<void> {
    await this.#draft.discard();
    await this.#work.remove();
  }
}

/** Throws `USAGE` unless `value` is a positive whole number, or not given. */
export function checkPostingsPerPass(name: string, value = 1): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new QuernError('USAGE', `${name} must be a positive whole number, not ${value}`);
}
